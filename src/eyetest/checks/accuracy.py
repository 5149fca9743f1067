"""ACC001: how often is it right?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..evidence import Evidence, Need, Predict
from ..records import Estimate, Forest, Scalar
from ..types import Predictions
from .base import Check, Outcome


@final
@dataclass(frozen=True)
class Accuracy(Check):
    """Share of right answers on the test split, overall and per class."""

    code: ClassVar[str] = "ACC001"
    title: ClassVar[str] = "Accuracy"
    question: ClassVar[str] = "How often is it right, overall and per class?"
    limits: ClassVar[tuple[str, ...]] = (
        "It holds for images drawn like these test images; elsewhere accuracy is usually lower (Recht et al. 2019).",
        "It says nothing about why an answer is right.",
        "Class intervals are for one class each; among many classes one of them will look extreme by chance.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images."""
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        """Accuracy with Wilson intervals."""
        predictions, classes = evidence[Predict()], evidence.context.classes
        overall = _rate("accuracy", predictions.correct, statistic="mean", columns=("correct",))
        per_class = [
            _rate(f"accuracy[{name}]", predictions.correct[predictions.labels == k])
            for k, name in enumerate(classes)
            if (predictions.labels == k).any()
        ]
        balanced = _balanced(predictions, evidence.context.fingerprint)
        worst = min(per_class, key=lambda estimate: estimate.value)
        headline = (
            f"Right on {overall.value:.1%} of {overall.n:,} test images ({overall.low:.1%} to {overall.high:.1%}); "
            f"worst on {worst.name[9:-1]} with {worst.value:.1%} ({worst.low:.1%} to {worst.high:.1%}, n = {worst.n:,})."
        )
        chance = np.bincount(predictions.labels).max() / len(predictions.labels)
        finding = self.finding(
            "accuracy",
            "ok" if overall.low > chance else "concern",
            headline,
            estimates=[overall, balanced, *per_class],
            blocks=[
                Scalar(title="Test accuracy", estimate="accuracy"),
                Forest(title="Accuracy per class", x_label="accuracy", estimates=tuple(e.name for e in per_class)),
            ],
            params={"most_frequent_class": float(chance)},
        )
        columns = {"correct": predictions.correct.astype(float), "label": predictions.labels.astype(float)}
        return Outcome(finding, predictions.ids, columns)


def _rate(name: str, correct: np.ndarray, statistic: str | None = None, columns: tuple[str, ...] = ()) -> Estimate:
    value, low, high = stats.wilson(int(correct.sum()), len(correct))
    return Estimate(
        name=name,
        value=value,
        low=low,
        high=high,
        n=len(correct),
        unit="fraction",
        better="higher",
        method="Wilson score interval",
        statistic=statistic,
        columns=columns,
    )


def _balanced(predictions: Predictions, seed: str) -> Estimate:
    columns = [predictions.correct.astype(float), predictions.labels.astype(float)]
    value, low, high = stats.bootstrap(stats.balanced_accuracy, columns, seed)
    return Estimate(
        name="balanced_accuracy",
        value=value,
        low=low,
        high=high,
        n=len(predictions.rows),
        unit="fraction",
        better="higher",
        method=f"percentile bootstrap over images, {stats.RESAMPLES} resamples",
        statistic="balanced_accuracy",
        columns=("correct", "label"),
    )
