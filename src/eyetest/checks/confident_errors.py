"""FAIL001: how often is it sure and wrong, and on what?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..evidence import Evidence, Explain, Need, Predict, Select
from ..records import Card, Estimate, Gallery, MapPicture, Scalar, Table
from ..types import MapSet, Predictions, Target
from ._maps import found_maps, map_pictures, reliability_notes, scales
from .base import Check, Outcome

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
        "A transplant map shows, coarsely, which places changed the answer when patches of other images took them.",
    )
    threshold: float = 0.9
    """Confidence from which an error counts as confident."""
    shown: int = 24
    """Images in the gallery, surest first: ranked, never picked by hand."""

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions, and maps of the most confident errors for both classes."""
        return (Predict(), *self._maps())

    def run(self, evidence: Evidence) -> Outcome:
        """Rates with intervals, directions, the ranked list and the gallery."""
        predictions, classes = evidence[Predict()], evidence.context.classes
        wrong = (~predictions.correct).astype(float)
        sure = (wrong > 0) & (predictions.confidence >= self.threshold)
        columns = {"confident_error": sure.astype(float), "wrong": wrong, "confidence": predictions.confidence}
        ranked = Select.errors(len(wrong)).rows(predictions, evidence.context.seed)
        maps = found_maps(evidence, self._maps())
        gallery = self._gallery(maps, predictions, classes, ranked)
        rate = self._rate(sure)
        finding = self.finding(
            "confident_errors",
            "concern" if rate.low > 0.01 else "ok",
            self._headline(rate, _directions(predictions, sure, classes)),
            estimates=[rate, *_others(columns, evidence.context.fingerprint)],
            blocks=[
                gallery,
                Scalar(title=f"Wrong with confidence {self.threshold} or more", estimate="confident_error_rate"),
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

    def _rate(self, sure: np.ndarray) -> Estimate:
        interval = stats.wilson(int(sure.sum()), len(sure))
        return _estimate(
            "confident_error_rate", interval, len(sure), "fraction", "lower", "Wilson", "mean", ("confident_error",)
        )

    def _headline(self, rate: Estimate, directions: Counter[str]) -> str:
        most = "".join(f"; most often {name} ({count} images)" for name, count in directions.most_common(1))
        return (
            f"Sure (at least {self.threshold:.0%}) and wrong on {rate.value:.2%} of {rate.n:,} test images "
            f"({rate.low:.2%} to {rate.high:.2%}){most}."
        )

    def _gallery(
        self, maps: Mapping[Explain, MapSet], predictions: Predictions, classes: tuple[str, ...], ranked: np.ndarray
    ) -> Gallery:
        rows = ranked[: self.shown]
        high = scales(maps, rows)
        position = {row: index for index, row in enumerate(predictions.rows.tolist())}
        cards = [
            _card(predictions, position[row], classes, map_pictures(maps, row, classes, high)) for row in rows.tolist()
        ]
        return Gallery(title="Most confident errors, surest first", total=len(ranked), cards=tuple(cards))


def _card(predictions: Predictions, index: int, classes: tuple[str, ...], maps: tuple[MapPicture, ...]) -> Card:
    name = predictions.ids[index]
    truth, predicted = classes[predictions.labels[index]], classes[predictions.predicted[index]]
    return Card(
        id=name,
        truth=truth,
        predicted=predicted,
        confidence=float(predictions.confidence[index]),
        image=f"images/{name}.png",
        group=f"{truth} → {predicted}",
        maps=maps,
    )


def _directions(predictions: Predictions, sure: np.ndarray, classes: tuple[str, ...]) -> Counter[str]:
    pairs = zip(predictions.labels[sure].tolist(), predictions.predicted[sure].tolist(), strict=True)
    return Counter(f"{classes[i]} → {classes[j]}" for i, j in pairs)


def _direction_table(predictions: Predictions, sure: np.ndarray, classes: tuple[str, ...]) -> Table:
    counted = sorted(_directions(predictions, sure, classes).items(), key=lambda item: (-item[1], item[0]))
    rows = tuple((name, count, *stats.wilson(count, int(sure.sum()))) for name, count in counted)
    names = ("direction", "confident errors", "share", "low", "high")
    return Table(title="Directions of confident errors", columns=names, rows=rows)


def _ranked_table(predictions: Predictions, ranked: np.ndarray, classes: tuple[str, ...]) -> Table:
    position = {row: index for index, row in enumerate(predictions.rows.tolist())}
    ids, confidence, predicted = predictions.ids, predictions.confidence, predictions.predicted
    chosen = [position[row] for row in ranked[:LISTED].tolist()]
    rows = tuple((ids[i], classes[predictions.labels[i]], classes[predicted[i]], float(confidence[i])) for i in chosen)
    return Table(title="Errors, surest first", columns=("image", "truth", "answer", "confidence"), rows=rows)


def _others(columns: dict[str, np.ndarray], seed: str) -> list[Estimate]:
    wrong, confidence, n = columns["wrong"], columns["confidence"], len(columns["wrong"])
    pair = ("confidence", "wrong")
    at_coverage = stats.bootstrap(stats.error_rate_at_coverage, [confidence, wrong], seed)
    method = f"percentile bootstrap over images, {stats.RESAMPLES} resamples"
    at_coverage_method = method
    surest = max(round(COVERAGE * n), 1)
    if at_coverage.value * surest < FEW:
        at_coverage = stats.wilson(round(at_coverage.value * surest), surest)
        at_coverage_method = "Wilson score interval of the surest 20 %; few errors"
    found = [
        _estimate(
            "confident_error_rate_at_coverage",
            at_coverage,
            n,
            "fraction",
            "lower",
            at_coverage_method,
            "error_rate_at_coverage",
            pair,
        )
    ]
    if 0 < wrong.sum() < n:
        few = "; few errors, read with care" if wrong.sum() < FEW else ""
        area = stats.bootstrap(stats.right_above_wrong, [confidence, wrong], seed)
        found.append(_estimate("auroc", area, n, "fraction", "higher", method + few, "right_above_wrong", pair))
    return found


def _estimate(
    name: str,
    interval: stats.Interval,
    n: int,
    unit: str,
    better: str,
    method: str,
    statistic: str,
    columns: tuple[str, ...],
) -> Estimate:
    return Estimate.model_validate(
        {
            "name": name,
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "n": n,
            "unit": unit,
            "better": better,
            "method": "Wilson score interval" if method == "Wilson" else method,
            "statistic": statistic,
            "columns": columns,
        }
    )
