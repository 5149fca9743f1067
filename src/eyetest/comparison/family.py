"""What holds of many differences at once: p-values adjusted over all of one comparison, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from .. import stats
from ..records import Cell, Estimate, Status

LEVEL = 0.05
"""Chance of any false claim among the main differences of one comparison."""


@final
@dataclass(frozen=True)
class Judged:
    """A p-value with the one that is adjusted for its family."""

    p: float
    adjusted: float
    family: int
    """Differences in the family."""

    @property
    def params(self) -> dict[str, Cell]:
        """As a finding keeps it."""
        return {"p": self.p, "p_adjusted": self.adjusted, "family": self.family}


def judged(raw: Mapping[str, float]) -> dict[str, Judged]:
    """Each p-value with its adjustment over all of them. Source: Holm 1979."""
    adjusted = stats.holm(list(raw.values())) if raw else np.zeros(0)
    return {name: Judged(p, float(one), len(raw)) for (name, p), one in zip(raw.items(), adjusted, strict=True)}


def excludes_zero(estimate: Estimate) -> bool:
    """Whether the interval of this difference alone leaves out 0."""
    return not estimate.low <= 0 <= estimate.high


def credible(estimate: Estimate, judge: Judged) -> bool:
    """Whether the interval leaves out 0 and the adjusted p-value is small: both tests have to say so."""
    return excludes_zero(estimate) and judge.adjusted < LEVEL


def sign(estimate: Estimate) -> int:
    """1 where the second model is better by this difference, -1 where it is worse, 0 where neither more nor less is."""
    return {"higher": 1, "lower": -1, "neither": 0}[estimate.better] * (1 if estimate.value > 0 else -1)


def status(main: Estimate, judge: Judged) -> Status:
    """`concern` if B is credibly worse, `ok` if it is credibly better or exactly the same, else inconclusive.

    Where neither more nor less is better, a credible difference is `ok`.
    """
    if credible(main, judge):
        return "concern" if sign(main) < 0 else "ok"
    return "ok" if main.value == main.low == main.high == 0 else "inconclusive"


def limit(main: int, other: int) -> str:
    """What a finding says of the correction."""
    rest = f" The {other:,} other differences are a second family." if other else ""
    return (
        f"Better or worse is said only where p, adjusted for the {main} main differences of this comparison (Holm 1979), is "
        f"below {LEVEL}.{rest} Each interval is for its own difference alone."
    )


def not_surviving(judge: Judged) -> str:
    """Why a difference whose own interval leaves out 0 is not concluded from."""
    return (
        f"alone it leaves out 0, but it does not survive the correction for {judge.family} differences "
        f"(adjusted p = {written(judge.adjusted)})"
    )


def written(p: float) -> str:
    """A p-value in words and tables of people."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
