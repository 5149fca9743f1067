"""FIT001: does it fit its training data better than new data, and since when?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from .. import stats
from ..evidence import Evidence, History, Need, Predict
from ..outcome import Outcome
from ..records import Curve, Estimate, Scalar, Series
from ..types import TrainingHistory
from .base import Check

WINDOW = 5
"""Epochs of the running median of the validation loss."""
LATE = 0.9
"""A turn after this share of training is no turn."""


class Turn(NamedTuple):
    """The epoch of lowest smoothed validation loss, and how far the loss rose until the end."""

    epoch: int
    rise: stats.Interval
    found: bool


@final
@dataclass(frozen=True)
class GeneralisationGap(Check):
    """Clean training accuracy minus validation accuracy, and the turn of the validation loss.

    Source: docs/design/METHODS.md section 11, "Overfits" decided.
    """

    code: ClassVar[str] = "FIT001"
    title: ClassVar[str] = "Generalisation gap"
    question: ClassVar[str] = "Does it fit its training data better than new data, and since when?"
    limits: ClassVar[tuple[str, ...]] = (
        "A gap alone is normal for modern networks; harm shows in the validation loss and accuracy.",
        "The epoch was chosen on these validation images, so their accuracy is a little too high and the gap a little "
        "too small.",
        "One training run: it is about this model, not about the recipe.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on training and validation images, and the training history."""
        return (Predict(split="train"), Predict(split="validation"), History())

    def run(self, evidence: Evidence) -> Outcome:
        """The gap, the turn and the fall, and the verdict that follows from them."""
        history = evidence[History()]
        train, validation = evidence[Predict(split="train")], evidence[Predict(split="validation")]
        seed = evidence.context.fingerprint
        gap = stats.newcombe(
            int(train.correct.sum()), len(train.rows), int(validation.correct.sum()), len(validation.rows)
        )
        turn, fall = loss_turn(history, seed), accuracy_fall(history, seed)
        verdict = _verdict(gap, turn, fall)
        finding = self.finding(
            "generalisation_gap",
            "concern" if verdict in ("overfits", "overconfidence grows") else "ok",
            _headline(verdict, gap, turn, float(train.correct.mean()), float(validation.correct.mean())),
            estimates=[
                _estimate("gap", gap, len(train.rows) + len(validation.rows), "fraction, points", _GAP, tied=True),
                _estimate("loss_rise", turn.rise, len(validation.rows), "nats", _RISE),
                _estimate("accuracy_fall", fall, len(validation.rows), "fraction, points", _FALL),
            ],
            blocks=[*_curves(history), Scalar(title="Generalisation gap", estimate="gap")],
            params={"verdict": verdict, "turn_epoch": turn.epoch, "chosen_epoch": history.chosen_epoch},
        )
        columns = {
            "correct": np.concatenate([train.correct, validation.correct]).astype(float),
            "train": np.repeat([1.0, 0.0], [len(train.rows), len(validation.rows)]),
        }
        return Outcome(finding, train.ids + validation.ids, columns)


_GAP = "Newcombe hybrid score interval of two independent proportions, model of the chosen epoch"
_RISE = f"last minus lowest running median ({WINDOW} epochs) of the validation loss; paired bootstrap over images"
_FALL = "accuracy at the best epoch of the other half of the images minus accuracy at the end; bootstrap over images"


def smoothed(values: np.ndarray) -> np.ndarray:
    """Running median over the last axis, the window cut off at the ends."""
    half, length = WINDOW // 2, values.shape[-1]
    windows = [values[..., max(i - half, 0) : i + half + 1] for i in range(length)]
    return np.stack([np.median(window, axis=-1) for window in windows], axis=-1)


def loss_turn(history: TrainingHistory, seed: str) -> Turn:
    """Where the smoothed validation loss turns, and its rise with a paired bootstrap interval over images."""
    losses = history.image_validation_loss.astype(np.float64).T
    curve = smoothed(losses.mean(0))
    lowest = int(curve.argmin())

    def rise(*columns: np.ndarray) -> float:
        means = smoothed(np.array([column.mean() for column in columns]))
        return float(means[-1] - means[lowest])

    interval = stats.bootstrap(rise, list(losses.T), seed)
    late = lowest + 1 > LATE * len(history.epoch)
    return Turn(int(history.epoch[lowest]), interval, interval.low > 0 and not late)


def accuracy_fall(history: TrainingHistory, seed: str) -> stats.Interval:
    """Fall of validation accuracy from its maximum to the end; the maximum is picked on the other half of the images."""
    correct = history.image_validation_correct.astype(np.float64)
    order = stats.generator(seed).permutation(correct.shape[1])
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    fall = np.zeros(correct.shape[1])
    for own, other in (halves, halves[::-1]):
        best = int(correct[:, other].mean(1).argmax())
        fall[own] = correct[best, own] - correct[-1, own]
    return stats.bootstrap(stats.mean, [fall], seed)


def _verdict(gap: stats.Interval, turn: Turn, fall: stats.Interval) -> str:
    if turn.found and fall.low > 0:
        return "overfits"
    if turn.found:
        return "overconfidence grows"
    return "interpolates" if gap.low > 0 else "no gap seen"


def _headline(verdict: str, gap: stats.Interval, turn: Turn, train: float, validation: float) -> str:
    said = {
        "overfits": f"It overfits since epoch {turn.epoch}: validation loss rises and accuracy falls",
        "overconfidence grows": f"Since epoch {turn.epoch} it grows overconfident: validation loss rises while accuracy holds",
        "interpolates": "It fits training images better than new ones, without harm seen in validation loss",
        "no gap seen": "It is no better on training images than on new ones",
    }[verdict]
    return (
        f"{said}; right on {train:.1%} of training and {validation:.1%} of validation images, "
        f"a gap of {100 * gap.value:.1f} points ({100 * gap.low:.1f} to {100 * gap.high:.1f})."
    )


def _estimate(name: str, interval: stats.Interval, n: int, unit: str, method: str, *, tied: bool = False) -> Estimate:
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        unit=unit,
        better="lower",
        method=method,
        statistic="difference_of_groups" if tied else None,
        columns=("correct", "train") if tied else (),
    )


def _curves(history: TrainingHistory) -> list[Curve]:
    epochs = tuple(float(epoch) for epoch in history.epoch)
    mark = {"mark_x": float(history.chosen_epoch), "mark_label": f"chosen: epoch {history.chosen_epoch}"}

    def series(name: str, values: np.ndarray) -> Series:
        return Series(name=name, x=epochs, y=tuple(values.tolist()))

    accuracy = (series("train, clean", history.train_accuracy), series("validation", history.validation_accuracy))
    loss = (series("train, as minimised", history.train_loss), series("validation", history.validation_loss))
    return [
        Curve(
            title="Accuracy while training",
            x_label="epoch",
            y_label="accuracy",
            y_unit="fraction",
            series=accuracy,
            **mark,
        ),
        Curve(title="Loss while training", x_label="epoch", y_label="loss", y_unit="nats", series=loss, **mark),
    ]
