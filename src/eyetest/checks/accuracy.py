"""ACC001: how often is it right?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import clustered, stats
from ..evidence import Context, Evidence, Need, Predict
from ..outcome import Outcome
from ..records import Estimate, Forest, Scalar, Status
from ..types import Column, Predictions
from ._measure import measured, rate
from .base import Check

MARGIN = 0.02
"""Balanced accuracy above guessing (two points) below which knowing the image does not help in any useful way."""
FEW = 30
"""Images below which numbers are shown and nothing is concluded."""
TOP = 5
NAME = "accuracy["
"""How the name of a class's estimate begins."""
MOST_PAIRED = 100
"""Classes up to which each has a column of its own, so that a comparison can pair it; more would cost memory."""


@final
@dataclass(frozen=True)
class Accuracy(Check):
    """Share of right answers on the test split: overall, balanced over classes, per class, and among the top five.

    Status, by balanced accuracy against guessing (one over the number of classes, whatever their sizes): `ok` if its
    interval lies above, `concern` if it lies below guessing plus 2 points, else `inconclusive`; also with under 30 images
    or a single class.
    """

    code: ClassVar[str] = "ACC001"
    title: ClassVar[str] = "Accuracy"
    question: ClassVar[str] = "How often is it right, overall and per class?"
    limits: ClassVar[tuple[str, ...]] = (
        "It holds for images drawn like these test images; elsewhere accuracy is usually lower (Recht et al. 2019).",
        "It says nothing about why an answer is right.",
        "Class intervals are for one class each; among many classes one of them will look extreme by chance. Only the "
        "worst class in the headline has an interval that allows for having been picked out.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images."""
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        """Accuracy with Wilson intervals."""
        predictions, context = evidence[Predict()], evidence.context
        correct, rows = predictions.correct, predictions.rows
        columns = _columns(predictions, context.classes)
        overall = rate(context, "accuracy", correct, rows, better="higher", statistic="mean", columns=("correct",))
        balanced = _balanced(context, predictions, columns)
        per_class = _per_class(context, predictions)
        top = _top(context, columns, predictions)
        sizes = np.bincount(predictions.labels)
        finding = self.finding(
            "accuracy",
            _status(balanced, len(per_class), len(rows)),
            _headline(overall, _worst(context, predictions, per_class), len(per_class)),
            estimates=[overall, balanced, *top, *per_class],
            blocks=[
                Scalar(title="Test accuracy", estimate="accuracy"),
                Forest(title="Accuracy per class", x_label="accuracy", estimates=tuple(e.name for e in per_class)),
            ],
            params={"most_frequent_class": float(sizes.max() / sizes.sum()), "guessing": 1 / len(per_class)},
        )
        return Outcome(finding, predictions.ids, columns)


def _columns(predictions: Predictions, classes: tuple[str, ...]) -> dict[str, Column]:
    """Whether each image is right, its label, whether it is of each class, and whether the label is in the top five."""
    columns = {"correct": predictions.correct.astype(float), "label": predictions.labels.astype(float)}
    if len(classes) <= MOST_PAIRED:
        columns |= {f"is[{name}]": (predictions.labels == k).astype(float) for k, name in enumerate(classes)}
    if len(classes) > 2 * TOP and predictions.given != "classes":
        columns["in_top_5"] = (label_rank(predictions) < TOP).astype(float)
    return columns


def label_rank(predictions: Predictions) -> np.ndarray:
    """Classes that are said before the label; ties go to the lowest index."""
    row = np.arange(len(predictions.labels))[:, None]
    own, index = predictions.logits[row, predictions.labels[:, None]], np.arange(predictions.logits.shape[1])
    before = (predictions.logits > own) | ((predictions.logits == own) & (index < predictions.labels[:, None]))
    result: np.ndarray = before.sum(1)
    return result


def _per_class(context: Context, predictions: Predictions) -> list[Estimate]:
    found, paired = [], len(context.classes) <= MOST_PAIRED
    for k, name in enumerate(context.classes):
        own = predictions.labels == k
        if own.any():
            found.append(
                rate(
                    context,
                    f"{NAME}{name}]",
                    predictions.correct[own],
                    predictions.rows[own],
                    better="higher",
                    statistic="mean_among" if paired else None,
                    columns=("correct", f"is[{name}]") if paired else (),
                )
            )
    return found


def _top(context: Context, columns: dict[str, Column], predictions: Predictions) -> list[Estimate]:
    if "in_top_5" not in columns:
        return []
    hits, names = columns["in_top_5"] > 0, ("in_top_5",)
    name = f"top_{TOP}_accuracy"
    return [rate(context, name, hits, predictions.rows, better="higher", statistic="mean", columns=names)]


def _balanced(context: Context, predictions: Predictions, columns: dict[str, Column]) -> Estimate:
    """Wilson at the effective number of images; where images come in groups, by resampling the groups."""
    name, names = "balanced_accuracy", ("correct", "label")
    if context.groups is not None:
        return measured(context, name, name, names, columns, predictions.rows, unit="fraction", better="higher")
    sizes = np.bincount(predictions.labels)
    hits = np.bincount(predictions.labels, predictions.correct)
    interval = stats.mean_of_shares(hits[sizes > 0], sizes[sizes > 0])
    return Estimate(
        name=name,
        **interval._asdict(),
        n=len(predictions.rows),
        unit="fraction",
        better="higher",
        method="Wilson score interval at the effective number of images, classes fixed",
        statistic=name,
        columns=names,
    )


def _status(balanced: Estimate, classes: int, n: int) -> Status:
    if n < FEW or classes < 2:
        return "inconclusive"
    if balanced.low > 1 / classes:
        return "ok"
    return "concern" if balanced.high <= 1 / classes + MARGIN else "inconclusive"


def _worst(context: Context, predictions: Predictions, per_class: list[Estimate]) -> Estimate:
    """The class with the lowest accuracy; its interval allows for having been picked out."""
    worst = min(per_class, key=lambda estimate: estimate.value)
    own = predictions.labels == context.classes.index(worst.name[len(NAME) : -1])
    hits, confidence = predictions.correct[own], 1 - 0.05 / len(per_class)
    if context.groups is None:
        interval = stats.wilson(int(hits.sum()), len(hits), confidence)
    else:
        interval = clustered.wilson(hits, context.groups[predictions.rows[own]], confidence)
    return worst.model_copy(update={"low": interval.low, "high": interval.high})


def _headline(overall: Estimate, worst: Estimate, classes: int) -> str:
    said = f"Right on {overall.value:.1%} of {overall.n:,} test images ({overall.low:.1%} to {overall.high:.1%})"
    if classes < 2:
        return f"{said}; all of them are of one class."
    return (
        f"{said}; worst on {worst.name[len(NAME) : -1]} with {worst.value:.1%} ({worst.low:.1%} to {worst.high:.1%}, picked from "
        f"{classes} classes, n = {worst.n:,})."
    )
