"""One estimate of two models on the same images: the paired difference, its interval and its p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from .. import calibration_error, clustered, distributions, reliance, stats
from ..calibration_error import Bins
from ..errors import RunError
from ..records import Estimate
from ..stats import Interval
from ..types import Column, Labels
from .sides import Side, groups_of, over

FEW = 10
"""Events below which a bootstrap of their rate is too sure."""
RESAMPLES = 1000
TANGO = "Tango score interval of the paired difference"


@final
@dataclass(frozen=True)
class Difference:
    """A paired difference as an estimate, with the two-sided p-value of none, not adjusted."""

    estimate: Estimate
    p: float


@final
@dataclass(frozen=True, eq=False)
class Measured:
    """One estimate of one model with the columns it is read from: resampled once, however many models it is compared with."""

    estimate: Estimate
    columns: Sequence[Column]
    seed: str
    """Fingerprint of the data: equal seeds draw equal resamples."""
    groups: Labels | None

    @property
    def statistic(self) -> str:
        """Name in stats.STATISTICS or reliance.RULES."""
        return self.estimate.statistic or ""

    @cached_property
    def value(self) -> float:
        """The statistic of the images themselves."""
        return float(stats.STATISTICS[self.statistic](*self.columns))

    @cached_property
    def draws(self) -> np.ndarray:
        """The statistic on each resample of the images, or of the groups."""
        of = stats.STATISTICS[self.statistic]
        return stats.resampled(of, self.columns, self.seed, groups=self.groups, resamples=RESAMPLES)

    @cached_property
    def bins(self) -> Bins:
        """Of a calibration error, whose columns are confidence and correctness."""
        confidence, correct = self.columns
        return calibration_error.of_bins(confidence, correct, bins=stats.BINS, groups=self.groups)

    @cached_property
    def binary(self) -> bool:
        """Whether all columns are 0 or 1."""
        return all(bool(((column == 0) | (column == 1)).all()) for column in self.columns)

    @cached_property
    def member(self) -> np.ndarray | None:
        """The images that a share of 0/1 answers is about; None if it is no such share."""
        if not self.binary or self.statistic not in ("mean", "mean_among"):
            return None
        everywhere = np.ones(len(self.columns[0]), dtype=bool)
        return self.columns[1] == 1 if self.statistic == "mean_among" else everywhere


def measured(a: Side, b: Side, source: str) -> list[tuple[Measured, Measured]]:
    """Every estimate of a check that is the same named statistic of the same images in two audits."""
    if source not in a.findings or source not in b.findings or a.scores[source][0] != b.scores[source][0]:
        return []
    groups = groups_of(a, b, a.scores[source][0])
    others = {one.name for one in b.findings[source].estimates}
    names = [one.name for one in a.findings[source].estimates if one.name in others and one.statistic is not None]
    return [(measure(a, source, name, groups), measure(b, source, name, groups)) for name in names]


def measure(side: Side, source: str, name: str, groups: Labels | None) -> Measured:
    """One estimate of an audit with its columns."""
    estimate, columns = side.findings[source].estimate(name), side.scores[source][1]
    return Measured(estimate, [columns[column] for column in estimate.columns], side.fingerprint, groups)


def difference_of(
    first: Estimate, second: Estimate, a: list[Column], b: list[Column], seed: str, groups: Labels | None
) -> Estimate:
    """The paired difference second − first of one estimate from its columns on the same images, for a gate.

    Raises RunError where the two cannot be paired.
    """
    return paired(Measured(first, a, seed, groups), Measured(second, b, seed, groups)).estimate


def paired(first: Measured, second: Measured) -> Difference:
    """The paired difference second − first.

    Rates have a score interval, which has a width also where both models have no event at all; a bootstrap has none there.
    A resampled statistic has the p-value of a normal difference with the spread of its resamples: one that counts resamples
    cannot be small enough for a family. Raises RunError where the two cannot be paired.
    """
    if first.statistic not in stats.STATISTICS and first.statistic not in reliance.RULES:
        raise RunError(
            f"This eyetest knows no statistic {first.statistic!r}, so {first.estimate.name} cannot be paired."
        )
    interval, p, method = _tested(first, second)
    return Difference(renamed(first.estimate, interval, first.estimate.n, method), p)


def renamed(estimate: Estimate, interval: Interval, n: int, method: str) -> Estimate:
    """The estimate as one of the difference B − A."""
    changes = {
        **interval._asdict(),
        "n": n,
        "unit": f"{estimate.unit} (B − A)",
        "method": method,
        "statistic": None,
        "columns": (),
    }
    return estimate.model_copy(update=changes)


def _tested(first: Measured, second: Measured) -> tuple[Interval, float, str]:
    """Interval and p-value of the difference, and how they were made."""
    if first.statistic in reliance.RULES:
        return _of_cues(first, second)
    among, others = first.member, second.member
    if among is not None and others is not None and np.array_equal(among, others):
        groups = None if first.groups is None else first.groups[among]
        return share(first.columns[0][among], second.columns[0][among], groups)
    if first.statistic in stats.CALIBRATION_ERRORS:
        return _of_calibration_errors(first, second)
    coverage = stats.COVERAGES.get(first.statistic)
    if coverage is not None and (first.value + second.value) * coverage * len(first.columns[0]) < FEW:
        return _among_the_surest(first, second, coverage)
    if _few_events(first.estimate, second.estimate):
        before, after = (Interval(e.value, e.low, e.high) for e in (first.estimate, second.estimate))
        interval = stats.difference_of_intervals(after, before)
        return interval, _p_of_arm(interval), "from the intervals of both; too few events to resample"
    interval, p = stats.difference_of_draws(second.value - first.value, second.draws - first.draws, first.groups)
    return interval, p, f"paired percentile bootstrap{over(first.groups)}, {RESAMPLES} resamples"


def share(first: np.ndarray, second: np.ndarray, groups: Labels | None) -> tuple[Interval, float, str]:
    """Interval and p-value of the difference of two shares (0 to 1, one an image), second − first, and the method.

    McNemar's mid-p; where images come in groups, from the sums of the groups.
    """
    if groups is not None:
        interval = clustered.tango(second, first, groups)
        return interval, clustered.mcnemar(second, first, groups), f"{TANGO} at the effective n{over(groups)}"
    counts = stats.fourfold(second, first)
    return stats.tango(*counts), stats.mcnemar(round(counts[1]), round(counts[2]))[1], TANGO


def _among_the_surest(first: Measured, second: Measured, coverage: float) -> tuple[Interval, float, str]:
    """Of two error rates among as many surest images: each error that is among them counts, its threshold taken as given."""
    before, after = (
        stats.surest(confidence, coverage) * wrong for confidence, wrong in (first.columns, second.columns)
    )
    interval, p, method = share(before, after, first.groups)
    scale = len(before) / stats.surest_number(len(before), coverage)
    low, high = (min(max(scale * end, -1.0), 1.0) for end in interval[1:])
    return Interval(scale * interval.value, low, high), p, f"{method}, thresholds held fixed"


def _of_calibration_errors(first: Measured, second: Measured) -> tuple[Interval, float, str]:
    """No ECE is below 0, so that no difference is beyond the end of one; lengthened to that of the shown values if outside."""
    value, random = second.value - first.value, stats.generator(f"{first.seed} {stats.BINS} bins")
    ends = calibration_error.difference(first.bins, second.bins, random, draws=RESAMPLES)
    low, high = max(ends.low, -first.estimate.high), min(ends.high, second.estimate.high)
    interval = Interval(value, min(low, value), max(high, value))
    method = f"inverted test of both ECEs of {stats.BINS} bins{over(first.groups)}, {RESAMPLES} draws of normal noise"
    return interval, ends.p, method


def _of_cues(first: Measured, second: Measured) -> tuple[Interval, float, str]:
    try:
        found = reliance.paired(first.statistic, first.columns, second.columns)
    except ValueError as error:
        raise RunError(
            f"The cues of the two audits cannot be compared: {error}. Audit both with the same --seed and --budget."
        ) from error
    return *found, "Student's interval of the difference on the same images and donors"


def _few_events(a: Estimate, b: Estimate) -> bool:
    """Whether the difference of two rates rests on too few events for resampling."""
    rated = a.statistic == "difference_of_ratios" or a.method.startswith("Wilson score interval over a")
    return rated and abs(a.value) * a.n + abs(b.value) * b.n < FEW


def _p_of_arm(interval: Interval) -> float:
    """Two-sided normal p-value against 0, with the spread of the interval's arm that points there."""
    arm = interval.value - interval.low if interval.value > 0 else interval.high - interval.value
    if interval.value == 0 or math.isinf(arm):
        return 1.0
    return distributions.normal_p(distributions.Z * interval.value / arm) if arm > 0 else 0.0
