"""CAL001: does 90 % sure mean right 90 % of the time?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..evidence import Evidence, Need, Predict
from ..records import Curve, Estimate, Series, Table
from .base import Check, Outcome

CLEAR = 0.02
"""Debiased ECE from which a miscalibration is called a concern: two points."""


@final
@dataclass(frozen=True)
class Calibration(Check):
    """Stated confidence against the share of right answers, in 15 bins of equal mass, and proper scores."""

    code: ClassVar[str] = "CAL001"
    title: ClassVar[str] = "Calibration"
    question: ClassVar[str] = "Does 90 % sure mean right 90 % of the time?"
    limits: ClassVar[tuple[str, ...]] = (
        "ECE depends on the bins (15 of equal mass here) and is biased upward when calibration is good; "
        "the debiased value and the proper scores stand beside it.",
        "Good on average may hide a class that is not.",
        "It is about the top answer only.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images."""
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        """ECE, debiased ECE, Brier score and negative log-likelihood."""
        predictions, seed = evidence[Predict()], evidence.context.fingerprint
        columns = {
            "confidence": predictions.confidence,
            "correct": predictions.correct.astype(float),
            "brier": stats.brier(predictions.probabilities, predictions.labels),
            "nll": predictions.loss,
        }
        pair = ("confidence", "correct")
        estimates = [
            _estimate("ece", "ece", pair, columns, seed, "fraction", basic=True),
            _estimate("ece_debiased", "ece_debiased", pair, columns, seed, "fraction", basic=True),
            _estimate("brier", "mean", ("brier",), columns, seed, "0 to 2"),
            _estimate("nll", "mean", ("nll",), columns, seed, "nats"),
        ]
        gap = float(columns["confidence"].mean() - columns["correct"].mean())
        debiased = estimates[1]
        finding = self.finding(
            "calibration",
            "concern" if debiased.low > CLEAR else "ok" if debiased.high <= CLEAR else "inconclusive",
            _headline(estimates[0], gap),
            estimates=estimates,
            blocks=_bins(columns["confidence"], columns["correct"]),
            params={"bins": stats.BINS, "mean_confidence_minus_accuracy": gap},
        )
        return Outcome(finding, predictions.ids, columns)


def _headline(ece: Estimate, gap: float) -> str:
    side = "too sure of itself" if gap > 0 else "less sure than it could be"
    return (
        f"Confidence and accuracy differ by {100 * ece.value:.1f} points on average ({100 * ece.low:.1f} to "
        f"{100 * ece.high:.1f}, n = {ece.n:,}); on the whole it is {side} by {100 * abs(gap):.1f} points."
    )


def _estimate(
    name: str,
    statistic: str,
    names: Sequence[str],
    columns: dict[str, np.ndarray],
    seed: str,
    unit: str,
    *,
    basic: bool = False,
) -> Estimate:
    interval = (stats.basic_bootstrap if basic else stats.bootstrap)(
        stats.STATISTICS[statistic], [columns[column] for column in names], seed
    )
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(columns["correct"]),
        unit=unit,
        better="lower",
        method=f"{'basic' if basic else 'percentile'} bootstrap over images, {stats.RESAMPLES} resamples",
        statistic=statistic,
        columns=tuple(names),
    )


def _bins(confidence: np.ndarray, correct: np.ndarray) -> list[Curve | Table]:
    sizes, accuracy, sureness = stats.calibration_bins(confidence, correct)
    intervals = [stats.wilson(round(a * n), int(n)) for a, n in zip(accuracy, sizes, strict=True)]
    curve = Curve(
        title="Confidence against accuracy",
        x_label="stated confidence",
        y_label="accuracy",
        series=(
            Series(
                name="bins of equal mass",
                x=tuple(sureness.tolist()),
                y=tuple(accuracy.tolist()),
                low=tuple(i.low for i in intervals),
                high=tuple(i.high for i in intervals),
            ),
        ),
        diagonal=True,
    )
    rows = tuple(
        (k + 1, int(n), float(s), i.value, i.low, i.high)
        for k, (n, s, i) in enumerate(zip(sizes, sureness, intervals, strict=True))
    )
    names = ("bin", "images", "mean confidence", "accuracy", "low", "high")
    return [curve, Table(title="Bins", columns=names, rows=rows)]
