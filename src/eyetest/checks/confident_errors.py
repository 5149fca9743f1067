"""FAIL001: how often is it sure and wrong, and on what?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..evidence import Context, Evidence, Explain, Need, Predict, Select
from ..outcome import Outcome
from ..records import Card, Estimate, Gallery, MapPicture, Scalar, Table, TwinPicture
from ..types import Column, MapSet, Predictions, Rows, Target, places
from . import _measure, _nearest
from ._histogram import right_and_wrong
from ._maps import found_maps, map_pictures, reliability_notes, scales
from .base import Check

MAPS: tuple[tuple[str, Target], ...] = (
    ("grad_cam", "predicted"),
    ("grad_cam", "label"),
    ("saliency", "predicted"),
    ("saliency", "label"),
    ("transplant_map", "predicted"),
)
"""Methods and the class that they explain; the transplant map is dear, so of the answer only."""
COVERAGE = 0.2
LISTED = 300
SURER = 0.99
"""A second, higher confidence."""
FEW = 20
"""Errors below which the AUROC deserves a warning."""


@final
@dataclass(frozen=True)
class ConfidentErrors(Check):
    """Errors at a stated confidence, and among the surest fifth of the images (for comparing models)."""

    code: ClassVar[str] = "FAIL001"
    title: ClassVar[str] = "Confident errors"
    question: ClassVar[str] = "How often is it sure and wrong, and on what?"
    limits: ClassVar[tuple[str, ...]] = (
        "An error may be the label's fault; look at the images before blaming the model.",
        "At a fixed confidence, label smoothing hides confident errors by lowering every confidence; compare models at "
        "matched coverage.",
        "A gradient map shows where a gradient is large; it is no proof of a reason. Believe only maps stamped trust (EXP001).",
        "The nearest training images are those that this model sees as most alike; that they caused the error is not shown.",
        "A transplant map shows, coarsely, which places changed the answer when patches of other images took them.",
    )
    threshold: float = 0.9
    """Confidence from which an error counts as confident."""
    shown: int = 24
    """Images in the gallery, surest first: ranked, never picked by hand."""

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions, maps of the most confident errors for both classes, and features to find what is near them."""
        return (Predict(), *self._maps(), *_nearest.NEEDS)

    def run(self, evidence: Evidence) -> Outcome:
        """Rates with intervals, directions, the ranked list and the gallery."""
        predictions, classes = evidence[Predict()], evidence.context.classes
        wrong = (~predictions.correct).astype(float)
        sure = (wrong > 0) & (predictions.confidence >= self.threshold)
        columns = {"confident_error": sure.astype(float), "wrong": wrong, "confidence": predictions.confidence}
        ranked = Select.errors(len(wrong)).rows(predictions, evidence.context.seed)
        columns |= _sure_columns(predictions, self.threshold)
        maps = found_maps(evidence, self._maps())
        near = _nearest.nearest(evidence, ranked[: self.shown], classes)
        gallery = self._gallery(maps, predictions, classes, ranked, near)
        rate = _measure.rate(
            evidence.context, "confident_error_rate", sure, predictions.rows, better="lower", statistic="mean",
            columns=("confident_error",),
        )  # fmt: skip
        finding = self.finding(
            "confident_errors",
            "concern" if rate.low > 0.01 else "ok",
            self._headline(rate, _directions(predictions, sure, classes)),
            estimates=[
                rate,
                *_others(evidence.context, columns, predictions.rows),
                *_at_confidences(evidence.context, columns, predictions),
            ],
            blocks=[
                gallery,
                Scalar(title=f"Wrong with confidence {self.threshold} or more", estimate="confident_error_rate"),
                right_and_wrong(
                    "Confidence of right and wrong answers", "confidence", predictions.confidence, 1 - wrong, wrong
                ),
                _direction_table(predictions, sure, classes),
                _ranked_table(predictions, ranked, classes),
                *reliability_notes(maps),
            ],
            samples=[card.id for card in gallery.cards],
            params={"threshold": self.threshold, "coverage": COVERAGE, "errors": int(wrong.sum())},
        )
        return Outcome(finding, predictions.ids, columns)

    def _maps(self) -> tuple[Explain, ...]:
        return tuple(Explain(method, target, Select.errors(self.shown)) for method, target in MAPS)

    def _headline(self, rate: Estimate, directions: Counter[str]) -> str:
        most = "".join(f"; most often {name} ({count} images)" for name, count in directions.most_common(1))
        return (
            f"Sure (at least {self.threshold:.0%}) and wrong on {rate.value:.2%} of {rate.n:,} test images "
            f"({rate.low:.2%} to {rate.high:.2%}){most}."
        )

    def _gallery(
        self,
        maps: Mapping[Explain, MapSet],
        predictions: Predictions,
        classes: tuple[str, ...],
        ranked: np.ndarray,
        near: Mapping[int, tuple[TwinPicture, ...]],
    ) -> Gallery:
        rows = ranked[: self.shown]
        high = scales(maps, rows)
        cards = [
            _card(predictions, index, classes, map_pictures(maps, row, classes, high), near.get(row, ()))
            for row, index in zip(rows.tolist(), places(predictions.rows, rows).tolist(), strict=True)
        ]
        return Gallery(title="Most confident errors, surest first", total=len(ranked), cards=tuple(cards))


def _card(
    predictions: Predictions,
    index: int,
    classes: tuple[str, ...],
    maps: tuple[MapPicture, ...],
    twins: tuple[TwinPicture, ...],
) -> Card:
    name = predictions.ids[index]
    truth, predicted = classes[predictions.labels[index]], classes[predictions.predicted[index]]
    return Card(
        id=name,
        truth=truth,
        predicted=predicted,
        confidence=float(predictions.confidence[index]),
        image=f"images/{name}.webp",
        note=_runner_up(predictions, index, classes),
        group=f"{truth} → {predicted}",
        maps=maps,
        twins=twins,
    )


def _runner_up(predictions: Predictions, index: int, classes: tuple[str, ...]) -> str:
    """The class that came second, with its probability."""
    chances = predictions.probabilities[index]
    second = int(np.argsort(-chances, kind="stable")[1])
    return f"then {classes[second]}, {chances[second]:.1%}"


def _sure_columns(predictions: Predictions, threshold: float) -> dict[str, np.ndarray]:
    """Who is sure, and sure and wrong, at each confidence; the last is the median of the model's own right answers."""
    wrong, confidence = ~predictions.correct, predictions.confidence
    columns = {"confident": (confidence >= threshold).astype(float)}
    columns["surer_error"] = (wrong & (confidence >= SURER)).astype(float)
    if predictions.correct.any():
        median = float(np.median(confidence[predictions.correct]))
        columns["median_error"] = (wrong & (confidence >= median)).astype(float)
    return columns


def _at_confidences(
    context: Context, columns: Mapping[str, np.ndarray], predictions: Predictions
) -> Iterable[Estimate]:
    """Rates at other confidences, the share of errors among sure answers, and how that compares with chance."""
    rows, sure = predictions.rows, columns["confident"] > 0
    names = {f"confident_error_rate[{SURER}]": "surer_error", "confident_error_rate_at_median": "median_error"}
    for name, column in names.items():
        if column in columns:
            yield _measure.rate(
                context, name, columns[column] > 0, rows, better="lower", statistic="mean", columns=(column,)
            )
    if sure.any():
        pair = ("confident_error", "confident")
        wrong = columns["confident_error"][sure] > 0
        yield _measure.rate(
            context, "error_rate_when_sure", wrong, rows[sure],
            better="lower", statistic="ratio_of_means", columns=pair,
        )  # fmt: skip
    if sure.any() and columns["wrong"].any():
        three = ("confident_error", "wrong", "confident")
        yield _measure.measured(
            context, "confident_errors_over_chance", "ratio_to_independence", three, columns, rows,
            unit="times the number under shuffled confidence", better="lower",
        )  # fmt: skip


def _directions(predictions: Predictions, sure: np.ndarray, classes: tuple[str, ...]) -> Counter[str]:
    pairs = zip(predictions.labels[sure].tolist(), predictions.predicted[sure].tolist(), strict=True)
    return Counter(f"{classes[i]} → {classes[j]}" for i, j in pairs)


def _direction_table(predictions: Predictions, sure: np.ndarray, classes: tuple[str, ...]) -> Table:
    counted = sorted(_directions(predictions, sure, classes).items(), key=lambda item: (-item[1], item[0]))
    rows = tuple((name, count, *stats.wilson(count, int(sure.sum()))) for name, count in counted)
    names = ("direction", "confident errors", "share", "low", "high")
    return Table(title="Directions of confident errors", columns=names, rows=rows)


def _ranked_table(predictions: Predictions, ranked: np.ndarray, classes: tuple[str, ...]) -> Table:
    ids, confidence, predicted = predictions.ids, predictions.confidence, predictions.predicted
    chosen = places(predictions.rows, ranked[:LISTED]).tolist()
    rows = tuple((ids[i], classes[predictions.labels[i]], classes[predicted[i]], float(confidence[i])) for i in chosen)
    return Table(title="Errors, surest first", columns=("image", "truth", "answer", "confidence"), rows=rows)


def _others(context: Context, columns: dict[str, Column], rows: Rows) -> list[Estimate]:
    wrong, pair = columns["wrong"], ("confidence", "wrong")
    name, n = "confident_error_rate_at_coverage", len(wrong)
    at_coverage = _measure.measured(
        context, name, "error_rate_at_coverage", pair, columns, rows, unit="fraction", better="lower"
    )
    surest = max(round(COVERAGE * n), 1)
    if at_coverage.value * surest < FEW:
        at_coverage = _of_the_surest(context, at_coverage, columns, rows, surest)
    if not 0 < wrong.sum() < n:
        return [at_coverage]
    few = "; few errors, read with care" if wrong.sum() < FEW else ""
    area = _measure.measured(
        context, "auroc", "right_above_wrong", pair, columns, rows, unit="fraction", better="higher"
    )
    return [at_coverage, area.model_copy(update={"method": area.method + few})]


def _of_the_surest(
    context: Context, at_coverage: Estimate, columns: dict[str, Column], rows: Rows, surest: int
) -> Estimate:
    """The same rate with the interval of a rate, which too few errors to resample need."""
    errors = round(at_coverage.value * surest)
    hits = np.arange(surest) < errors
    chosen = rows[:surest]
    if context.groups is not None:
        order = np.argsort(-columns["confidence"], kind="stable")[:surest]
        hits, chosen = columns["wrong"][order] > 0, rows[order]
    found = _measure.rate(context, at_coverage.name, hits, chosen, better="lower")
    changes = {"value": found.value, "low": found.low, "high": found.high}
    return at_coverage.model_copy(update=changes | {"method": f"{found.method} of the surest 20 %; few errors"})
