"""What the four cue checks share: swap each cue, say what hangs on it, and show it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import reliance, stats
from ..errors import MissingEvidence
from ..evidence import Evidence, Need, Predict, Swap
from ..outcome import Outcome
from ..records import Block, Estimate, Forest, Gallery, Grid, Status, Table
from ..transplants.base import Transplant
from ..transplants.cell import Cell
from ..types import Predictions, image_ids
from ._estimates import class_estimates, cue_estimates, directions, share_estimates
from ._gallery import cue_gallery
from ._removal import Removal, removal_evidence, removal_needs
from ._swapped import Swapped, collect, judged, table_columns
from .base import Check

CONCERN = 0.05
"""Reliance above which using a cue that is not the object is called a concern: five points of accuracy."""
LIMITS = (
    "Reliance says how much accuracy hangs on the cue agreeing with the class; whether using it is legitimate is for a "
    "person to say.",
    "A conflict misleads as well as removes: this is not what would be lost if the cue were absent.",
    "Cues overlap, so their reliances do not add up.",
)


@dataclass(frozen=True)
class CueCheck(Check):
    """Swaps each of its cues between images and counts what a disagreement with the class costs."""

    removal: bool = field(default=True, kw_only=True)
    """Also remove the cues, against matched controls; secondary evidence, which moves neither status nor headline."""

    @abstractmethod
    def transplants(self) -> tuple[Transplant, ...]:
        """The cues, the one that the headline is about first."""

    def removals(self) -> tuple[Removal, ...]:
        """Views that remove the cue, with their controls."""
        return ()

    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Keys of cues that divide the image among them, so that shares of the whole make sense."""
        return ()

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images, as they are, with each cue swapped, and with it removed."""
        removals = self.removals() if self.removal else ()
        return (Predict(), *(Swap(one) for one in self.transplants()), *removal_needs(removals))

    def run(self, evidence: Evidence) -> Outcome:
        """Reliance, artefact and capture of each cue that the data allows; raises MissingEvidence if it allows none."""
        found, reason = collect(evidence, self.transplants())
        if not found:
            raise MissingEvidence(reason)
        first = found[0].swaps
        columns = table_columns(found[0]) | {k: v for one in found for k, v in one.columns().items()}
        estimates = [e for one in found for e in cue_estimates(one)]
        estimates += [e for keys in self.shares() for e in share_estimates(keys, found)]
        classes = evidence.context.classes
        estimates += [e for one in found if not isinstance(one.transplant, Cell) for e in class_estimates(one, classes)]
        by_name = {e.name: e for e in estimates}
        blocks = self._blocks(found, by_name, classes, evidence[Predict()])
        removed = removal_evidence(evidence, self.removals() if self.removal else (), first.table.rows)
        finding = self.finding(
            type(self).__module__.rpartition(".")[2],
            _status(found, by_name),
            self.headline(found, by_name, classes),
            estimates=(*estimates, *removed.estimates),
            blocks=(*blocks, *removed.blocks),
            samples=[card.id for block in blocks if isinstance(block, Gallery) for card in block.cards],
            params={
                "draws": first.table.donors.shape[0],
                "donors_from": "validation",
                "left_out": first.table.left_out,
                "concern_above": CONCERN,
            },
        )
        finding = finding.model_copy(update={"limits": (*finding.limits, *removed.limits)})
        return Outcome(finding, image_ids("test", first.table.rows), columns | removed.columns)

    def headline(self, found: Sequence[Swapped], by_name: Mapping[str, Estimate], classes: tuple[str, ...]) -> str:
        """What the cue that it is about does, the others' reliance, and the strongest direction."""
        lead = found[0]
        others = [one for one in found[1:] if not isinstance(one.transplant, Cell)]
        aside = "; ".join(
            f"{one.transplant.words} {_points(by_name[f'{one.transplant.key}.reliance'])}" for one in others
        )
        return sentence(lead, by_name) + (f" Also: {aside}." if aside else "") + _direction_sentence(lead, classes)

    def _blocks(
        self,
        found: Sequence[Swapped],
        by_name: Mapping[str, Estimate],
        classes: tuple[str, ...],
        predictions: Predictions,
    ) -> list[Block]:
        whole = [one for one in found if not isinstance(one.transplant, Cell)]
        cells = [one for one in found if isinstance(one.transplant, Cell)]
        names = tuple(f"{one.transplant.key}.reliance" for one in whole)
        blocks: list[Block] = []
        gallery = cue_gallery(whole[0], predictions, classes) if whole else None
        if gallery is not None and gallery.cards:
            blocks.append(gallery)
        blocks.append(Forest(title="Reliance", x_label="accuracy that hangs on the cue (points)", estimates=names))
        side = round(len(cells) ** 0.5)
        if side > 2:
            keys = [f"{one.transplant.key}.reliance" for one in cells]
            rows = tuple(tuple(keys[k * side : (k + 1) * side]) for k in range(side))
            blocks.append(Grid(title="Where it looks: reliance on each part of the image", estimates=rows))
        blocks += [_operator_table(found), _class_table(whole, by_name, classes), _direction_table(whole, classes)]
        return blocks


def sentence(one: Swapped, by_name: Mapping[str, Estimate]) -> str:
    """What can be said of one cue, and no more."""
    key, words = one.transplant.key, one.transplant.words
    found, capture = by_name[f"{key}.reliance"], by_name[f"{key}.capture"]
    numbers = f"{_points(found)[:-1]}, n = {found.n:,})"
    doubt = f"; whether that is above {100 * CONCERN:.0f}, it cannot tell" if found.low <= CONCERN < found.high else ""
    if found.low > 0 and capture.low > 0:
        return f"It uses {words} as evidence for the class; accuracy that hangs on it: {numbers}{doubt}."
    if found.low > 0:
        return f"Its accuracy hangs on {words} fitting the class: {numbers}{doubt}."
    if found.high <= CONCERN:
        return f"It was not seen to rely on {words}: {numbers}."
    return f"Inconclusive whether it relies on {words}: {numbers}."


def _status(found: Sequence[Swapped], by_name: Mapping[str, Estimate]) -> Status:
    """`concern` if a cue that is not the object is relied on, `ok` if all of them are not, else inconclusive."""
    bounds = [by_name[f"{one.transplant.key}.reliance"] for one in found if judged(one.transplant)]
    if any(e.low > CONCERN for e in bounds):
        return "concern"
    return "ok" if all(e.high <= CONCERN for e in bounds) else "inconclusive"


def _class_table(found: Sequence[Swapped], by_name: Mapping[str, Estimate], classes: tuple[str, ...]) -> Table:
    rows: list[tuple[str | float, ...]] = []
    for one in found:
        mine = [by_name[n] for c in classes if (n := f"{one.transplant.key}.reliance[{c}]") in by_name]
        adjusted = stats.holm([reliance.p_value(stats.Interval(e.value, e.low, e.high)) for e in mine])
        rows += [
            (e.name.replace(".reliance", ""), e.value, e.low, e.high, float(p))
            for e, p in zip(mine, adjusted, strict=True)
        ]
    names = ("cue and class", "reliance", "low", "high", "p (Holm over classes)")
    return Table(
        title="Reliance by class, adjusted for what donors of each class do to any image",
        columns=names,
        rows=tuple(rows),
    )


def _direction_table(found: Sequence[Swapped], classes: tuple[str, ...]) -> Table:
    rows = tuple(
        (f"{one.transplant.key} of {classes[c]}", interval.value, interval.low, interval.high, p)
        for one in found
        for c, (interval, p) in directions(one).items()
    )
    names = (
        "cue and donor class",
        "more answered so than with a third class's",
        "low",
        "high",
        "p (Holm over classes)",
    )
    return Table(title="Whose cue turns other images into its class", columns=names, rows=rows)


def _direction_sentence(one: Swapped, classes: tuple[str, ...]) -> str:
    found = directions(one)
    if not found:
        return ""
    strongest = max(found, key=lambda c: found[c][0].low)
    interval, p = reliance.widened(found[strongest][0], len(found)), found[strongest][1]
    if p >= 0.05 or interval.low <= 0:
        return ""
    words, name = one.transplant.words, classes[strongest]
    return (
        f" With {words} of {name}, {100 * interval.value:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f}) "
        f"more images of other classes are answered {name} than with {words} of a third class (the strongest of "
        f"{len(found)} directions, simultaneous interval)."
    )


def _operator_table(found: Sequence[Swapped]) -> Table:
    rows = tuple(
        (
            one.transplant.key,
            float(one.right[:, 0].mean()),
            float(one.right[:, 1].mean()),
            float(one.swaps.distance[:, 0].mean()),
            float(one.swaps.distance[:, 1].mean()),
        )
        for one in found
    )
    names = ("cue", "accuracy, own class's cue", "accuracy, another's", "distance, own", "distance, another's")
    return Table(title="Both arms", columns=names, rows=rows)


def _points(e: Estimate) -> str:
    return f"{100 * e.value:.1f} points ({100 * e.low:.1f} to {100 * e.high:.1f})"
