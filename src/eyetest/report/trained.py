"""What a training tells: its curves, its recipe, and the epoch that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Cell, Curve, EpochMetrics, Finding, Series, Table

if TYPE_CHECKING:
    from ..store import RunDir

LIMITS = (
    "The epoch was chosen by validation accuracy, so that number is a little too good; an audit asks the test images.",
    "Another seed gives another training: `eyetest study --seeds 3` shows how much that matters.",
)


def training_finding(run: RunDir) -> Finding:
    """TRN001: how the training of a finished run went."""
    result, metrics = run.train_result(), run.metrics()
    epoch = result.chosen_epoch
    return Finding(
        code="TRN001",
        name="training",
        title="Training",
        question="How did it learn, and which epoch was kept?",
        status="ok",
        headline=(
            f"Epoch {epoch} of {result.epochs} was kept: right on {result.chosen_validation_accuracy:.1%} of "
            f"{result.validation_images:,} validation and {result.chosen_train_accuracy:.1%} of {result.train_images:,} "
            "training images."
        ),
        blocks=(
            _curve("Accuracy", "accuracy", metrics, ("train_accuracy", "validation_accuracy"), epoch),
            _curve("Loss", "loss (nats)", metrics, ("train_loss", "validation_loss"), epoch),
            Table(title="Recipe", columns=("field", "value"), rows=_recipe(run)),
            Table(title="Epochs", columns=tuple(EpochMetrics.model_fields), rows=tuple(map(_row, metrics))),
        ),
        params={"seconds": result.seconds},
        limits=LIMITS,
    )


def _curve(title: str, label: str, metrics: list[EpochMetrics], names: tuple[str, str], chosen: int) -> Curve:
    epochs = tuple(float(m.epoch) for m in metrics)
    series = tuple(
        Series(name=name.partition("_")[0], x=epochs, y=tuple(getattr(m, name) for m in metrics)) for name in names
    )
    return Curve(title=title, x_label="epoch", y_label=label, series=series, mark_x=chosen, mark_label="kept")


def _recipe(run: RunDir) -> tuple[tuple[Cell, ...], ...]:
    return tuple((name, str(value)) for name, value in run.record.config.get("recipe", {}).items())


def _row(m: EpochMetrics) -> tuple[Cell, ...]:
    return tuple(m.model_dump().values())
