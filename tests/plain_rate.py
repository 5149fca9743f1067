"""A check of a user's that does not know of groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from eyetest import stats
from eyetest.checks.base import Check
from eyetest.evidence import Evidence, Need, Predict
from eyetest.outcome import Outcome
from eyetest.records import Estimate


@final
@dataclass(frozen=True)
class PlainRate(Check):
    code: ClassVar[str] = "OWN001"
    title: ClassVar[str] = "Plain rate"
    question: ClassVar[str] = "How often is it right?"
    limits: ClassVar[tuple[str, ...]] = ("None.",)

    def needs(self) -> Iterable[Need[Any]]:
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        right = evidence[Predict()].correct
        found = stats.wilson(int(right.sum()), len(right))
        share = Estimate(
            name="share", value=found.value, low=found.low, high=found.high, n=len(right), unit="fraction",
            better="higher", method="Wilson score interval",
        )  # fmt: skip
        return Outcome(self.finding("plain_rate", "ok", "A share.", estimates=[share]))
