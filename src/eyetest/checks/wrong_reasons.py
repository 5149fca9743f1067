"""CUE005: how many right answers stand when the object is another class's?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import reliance
from ..errors import MissingEvidence
from ..evidence import Evidence, Need, Predict, Swap
from ..outcome import Outcome
from ..records import Estimate, Gallery, Scalar, Status
from ..transplants.centre import Centre
from ..transplants.object import Object
from ..types import Column, Predictions, image_ids, places
from ._estimates import METHOD
from ._gallery import SHOWN, swap_card
from ._swapped import Swapped, collect
from .base import Check

CONCERN = 0.05


@final
@dataclass(frozen=True)
class WrongReasons(Check):
    """Among images that are answered right: how much oftener the right answer stands than chance among other classes."""

    code: ClassVar[str] = "CUE005"
    title: ClassVar[str] = "Wrong reasons"
    question: ClassVar[str] = "How many right answers stand when the object is another class's?"
    limits: ClassVar[tuple[str, ...]] = (
        "A right answer that stands was not decided by the object; which of the other cues decided it, this does not say.",
        "An answer that falls may still have used other cues beside the object.",
        "Without object masks only the centre can be swapped, and that says nothing about objects.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions as they are, with the object swapped, and with the centre swapped."""
        return Predict(), Swap(Object()), Swap(Centre())

    def run(self, evidence: Evidence) -> Outcome:
        """The excess of right answers that stand; with masks it is `wrong_reasons`, else `stands_without_centre`."""
        classes = evidence.context.classes
        if len(classes) < 3:
            raise MissingEvidence("with two classes the only other class is the donor's, so there is no chance level")
        found, reason = collect(evidence, (Object(), Centre()))
        if not found:
            raise MissingEvidence(reason)
        one = found[0]
        if not one.plain.any():
            raise MissingEvidence("no image was answered right")
        estimate, columns = standing(one, len(classes))
        masked = isinstance(one.transplant, Object)
        gallery = self._gallery(one, evidence[Predict()], classes)
        status: Status = "concern" if estimate.low > CONCERN else "ok" if estimate.high <= CONCERN else "inconclusive"
        finding = self.finding(
            "wrong_reasons",
            status if masked else "inconclusive",
            _headline(estimate, gallery.total, masked=masked),
            estimates=[estimate],
            blocks=[gallery, Scalar(title="Right answers that stand, above chance", estimate=estimate.name)],
            samples=[card.id for card in gallery.cards],
            params={"concern_above": CONCERN, "right_answers": int(one.plain[0].sum())},
        )
        return Outcome(finding, image_ids("test", one.swaps.table.rows), columns)

    def _gallery(self, one: Swapped, predictions: Predictions, classes: tuple[str, ...]) -> Gallery:
        """Right answers that stand with another class's object, in the order of the rows' confidence."""
        stands = np.flatnonzero(one.plain[0] * one.right[0, 1])
        confidence = predictions.confidence[places(predictions.rows, one.swaps.table.rows[stands])]
        order = stands[np.lexsort((stands, -confidence))]
        cards = tuple(swap_card(one, int(i), predictions, classes) for i in order[:SHOWN])
        what = one.transplant.words.removeprefix("the ")
        return Gallery(
            title=f"Still answered so with another class's {what}, surest first", total=len(stands), cards=cards
        )


def standing(one: Swapped, k: int) -> tuple[Estimate, Mapping[str, Column]]:
    """P(label) − P(neither label nor donor's class) / (k − 2), among right answers; mean 0 if nothing else tells the class."""
    predicted, labels = one.swaps.predicted[:, 1], one.swaps.labels
    stands = one.plain * (predicted == labels)
    strays = one.plain * ((predicted != labels) & (predicted != one.swaps.table.classes[:, 1]))
    excess = stands - strays / (k - 2)
    found = reliance.interval(reliance.within(excess, one.plain == 1), one.swaps.table.donors, one.strata)
    masked = isinstance(one.transplant, Object)
    estimate = Estimate(
        name="wrong_reasons" if masked else "stands_without_centre",
        value=found.value,
        low=found.low,
        high=found.high,
        n=int(one.plain[0].sum()),
        unit="fraction",
        better="lower" if masked else "neither",
        method=METHOD,
        statistic="ratio_of_means",
        columns=("excess", "right"),
    )
    return estimate, {"excess": excess.mean(0), "right": one.plain[0]}


def _headline(estimate: Estimate, shown: int, *, masked: bool) -> str:
    numbers = f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f}, n = {estimate.n:,} right answers)"
    if masked:
        return f"Right answers that stand, above chance, when the object is another class's: {numbers}."
    return (
        f"No object masks, so wrong reasons cannot be told; above chance, {numbers} stand with another class's centre."
    )
