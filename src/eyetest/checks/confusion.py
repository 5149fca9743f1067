"""ACC002: which class is taken for which?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from .. import stats
from ..evidence import Evidence, Need, Predict
from ..outcome import Outcome
from ..records import Estimate, Matrix, Status, Table
from .base import Check

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
    """Of the exact test, adjusted for the number of pairs."""
    mid_p: float
    """Of this pair alone, not adjusted."""


@final
@dataclass(frozen=True)
class Confusion(Check):
    """Counts of truth against answer, and the pairs whose confusion is one-sided.

    Status: never `concern`, because a one-sided confusion is a fact and not yet a fault; `inconclusive` where there are
    errors, but no pair of classes with enough of them to tell a direction.
    """

    code: ClassVar[str] = "ACC002"
    title: ClassVar[str] = "Confusion"
    question: ClassVar[str] = "Which class is taken for which, and is the direction one-sided?"
    limits: ClassVar[tuple[str, ...]] = (
        "A frequent confusion may be the label's fault; look at the images.",
        f"Pairs with fewer than {LEAST} errors are not tested.",
        "A pair that is not called one-sided may be; the test speaks for one-sidedness only.",
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
            _status(counts, pairs),
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
                _tested(pairs, classes),
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
        stats.binomial(int(counts[i, j]), int(counts[i, j] + counts[j, i]), float(sizes[i] / (sizes[i] + sizes[j])))
        for i, j in tested
    ]
    adjusted = stats.holm([exact for exact, _ in raw])
    return [
        Pair(i, j, int(counts[i, j]), int(counts[j, i]), float(p), mid)
        for (i, j), p, (_, mid) in zip(tested, adjusted, raw, strict=True)
    ]


def _status(counts: np.ndarray, pairs: list[Pair]) -> Status:
    return "ok" if pairs or not (counts - np.diag(np.diag(counts))).any() else "inconclusive"


def _picked(counts: np.ndarray, i: int, j: int) -> stats.Interval:
    """Share of class i that is taken for j; the interval allows for having been picked from all directions."""
    directions = int((counts.sum(1) > 0).sum()) * (len(counts) - 1)
    return stats.wilson(int(counts[i, j]), int(counts[i].sum()), 1 - 0.05 / directions)


def _headline(counts: np.ndarray, classes: tuple[str, ...], clear: int, tested: int) -> str:
    errors = counts - np.diag(np.diag(counts))
    if not errors.any():
        return f"No class was taken for another on {counts.sum():,} test images."
    i, j = (int(index) for index in np.unravel_index(int(errors.argmax()), errors.shape))
    rate = _picked(counts, i, j)
    told = (
        f"{clear} of {tested} tested pairs are one-sided" if tested else "no pair has enough errors to tell a direction"
    )
    return (
        f"Most often {classes[i]} is taken for {classes[j]}: {errors[i, j]} of {counts[i].sum():,} images "
        f"({rate.value:.1%}, {rate.low:.1%} to {rate.high:.1%}); {told}."
    )


def _directions(counts: np.ndarray, classes: tuple[str, ...]) -> Table:
    errors = counts - np.diag(np.diag(counts))
    order = np.argsort(-errors, axis=None, kind="stable")[:SHOWN]
    rows = []
    for i, j in zip(*np.unravel_index(order, errors.shape), strict=True):
        if errors[i, j]:
            rate = _picked(counts, int(i), int(j))
            back = int(errors[j, i])
            rows.append((f"{classes[i]} → {classes[j]}", int(errors[i, j]), rate.value, rate.low, rate.high, back))
    columns = ("direction", "images", "share of class", "low", "high", "in the other direction")
    return Table(title="Biggest directions (simultaneous 95 % intervals)", columns=columns, rows=tuple(rows))


def _tested(pairs: list[Pair], classes: tuple[str, ...]) -> Table:
    """The tested pairs, the least likely by chance first."""
    shown = sorted(pairs, key=lambda pair: (pair.p, pair.mid_p))[:SHOWN]
    rows = tuple(
        (f"{classes[one.first]} → {classes[one.second]}", one.forth, one.back, one.p, one.mid_p) for one in shown
    )
    columns = ("pair", "images", "in the other direction", "exact p (Holm)", "mid-p (this pair alone)")
    return Table(title=f"Is the direction one-sided? {len(pairs)} pairs were tested", columns=columns, rows=rows)


def _share(k: int, n: int) -> Estimate:
    """A lower bound: with 95 % confidence all pairs found are one-sided; how many others are, no test can say."""
    return Estimate(
        name="one_sided_pairs",
        value=k / n,
        low=k / n,
        high=1.0,
        n=n,
        unit="fraction of tested pairs",
        better="neither",
        method="exact binomial test of each pair, Holm at 5 %: at least this share, nothing bounds it above",
    )
