"""ACC002: which class is taken for which?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from scipy.stats import binomtest

from .. import stats
from ..evidence import Evidence, Need, Predict
from ..records import Estimate, Matrix, Table
from .base import Check, Outcome

LEAST = 6
"""Errors between two classes below which no test could ever reach 5 %."""
SHOWN = 12


class Pair(NamedTuple):
    """Two classes with the errors in both directions and the adjusted p-value."""

    first: int
    second: int
    forth: int
    back: int
    p: float


@final
@dataclass(frozen=True)
class Confusion(Check):
    """Counts of truth against answer, and the pairs whose confusion is one-sided."""

    code: ClassVar[str] = "ACC002"
    title: ClassVar[str] = "Confusion"
    question: ClassVar[str] = "Which class is taken for which, and is the direction one-sided?"
    limits: ClassVar[tuple[str, ...]] = (
        "A frequent confusion may be the label's fault; look at the images.",
        f"Pairs with fewer than {LEAST} errors are not tested.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images."""
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        """The matrix, the biggest directions, and Holm-adjusted exact tests of each pair."""
        predictions, classes = evidence[Predict()], evidence.context.classes
        counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(counts, (predictions.labels, predictions.predicted), 1)
        pairs = one_sided(counts)
        clear = [pair for pair in pairs if pair.p < 0.05]
        statistic, freedom, p = stats.bowker(counts)
        finding = self.finding(
            "confusion",
            "ok",
            _headline(counts, classes, len(clear), len(pairs)),
            estimates=[_share(len(clear), len(pairs))] if pairs else [],
            blocks=[
                Matrix(
                    title="Truth against answer",
                    row_label="truth",
                    column_label="answer",
                    labels=classes,
                    counts=tuple(tuple(row) for row in counts.tolist()),
                ),
                _directions(counts, classes),
            ],
            params={"bowker": round(statistic, 4), "bowker_df": freedom, "bowker_p": p},
        )
        return Outcome(finding)


def one_sided(counts: np.ndarray) -> list[Pair]:
    """All tested pairs of classes; the exact binomial test allows for unequal class sizes, Holm for their number."""
    sizes = counts.sum(1)
    tested = [
        (i, j)
        for i, j in combinations(range(len(counts)), 2)
        if counts[i, j] + counts[j, i] >= LEAST and sizes[i] and sizes[j]
    ]
    raw = [
        binomtest(int(counts[i, j]), int(counts[i, j] + counts[j, i]), float(sizes[i] / (sizes[i] + sizes[j]))).pvalue
        for i, j in tested
    ]
    adjusted = stats.holm(raw)
    return [
        Pair(i, j, int(counts[i, j]), int(counts[j, i]), float(p)) for (i, j), p in zip(tested, adjusted, strict=True)
    ]


def _headline(counts: np.ndarray, classes: tuple[str, ...], clear: int, tested: int) -> str:
    errors = counts - np.diag(np.diag(counts))
    if not errors.any():
        return f"No class was taken for another on {counts.sum():,} test images."
    i, j = np.unravel_index(int(errors.argmax()), errors.shape)
    rate = stats.wilson(int(errors[i, j]), int(counts[i].sum()))
    return (
        f"Most often {classes[i]} is taken for {classes[j]}: {errors[i, j]} of {counts[i].sum():,} images "
        f"({rate.value:.1%}, {rate.low:.1%} to {rate.high:.1%}); {clear} of {tested} tested pairs are one-sided."
    )


def _directions(counts: np.ndarray, classes: tuple[str, ...]) -> Table:
    errors = counts - np.diag(np.diag(counts))
    order = np.argsort(-errors, axis=None, kind="stable")[:SHOWN]
    rows = []
    for i, j in zip(*np.unravel_index(order, errors.shape), strict=True):
        if errors[i, j]:
            rate = stats.wilson(int(errors[i, j]), int(counts[i].sum()))
            back = int(errors[j, i])
            rows.append((f"{classes[i]} → {classes[j]}", int(errors[i, j]), rate.value, rate.low, rate.high, back))
    columns = ("direction", "images", "share of class", "low", "high", "in the other direction")
    return Table(title="Biggest directions", columns=columns, rows=tuple(rows))


def _share(k: int, n: int) -> Estimate:
    value, low, high = stats.wilson(k, n)
    return Estimate(
        name="one_sided_pairs",
        value=value,
        low=low,
        high=high,
        n=n,
        unit="fraction of tested pairs",
        better="neither",
        method="exact binomial test of each pair, Holm at 5 %; Wilson interval over the tested pairs",
    )
