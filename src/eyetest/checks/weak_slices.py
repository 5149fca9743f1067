"""SLC001: on which describable groups is it worse, confirmed on held-out halves?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..errors import MissingEvidence
from ..evidence import Describe, Embed, Evidence, Need, Predict, Resemble
from ..outcome import Outcome
from ..records import Block, Card, Estimate, Gallery, Note, Scalar, Status, Table
from ..types import SPLITS, Predictions, places
from . import _slices
from ._slices import Gap, Group
from .base import Check

SHOWN = 8
GALLERIES = 3


@final
@dataclass(frozen=True, eq=False)
class Tested:
    """A group with what each half says of it, and its p-value among all groups that were tested."""

    group: Group
    found: Gap
    confirmed: Gap
    p: float

    @property
    def holds(self) -> bool:
        """Whether the other half confirms it."""
        return self.p < 0.05


@final
@dataclass(frozen=True)
class WeakSlices(Check):
    """Groups by image property, by the data's own columns and by like features: found on one half, tested on the other.

    Source: docs/design/METHODS.md section 12; Chung et al. 2019; Eyuboglu et al. 2022.
    """

    code: ClassVar[str] = "SLC001"
    title: ClassVar[str] = "Weak slices"
    question: ClassVar[str] = "On which describable groups is it worse, confirmed on held-out halves?"
    limits: ClassVar[tuple[str, ...]] = (
        "The name of a group says how it was picked, not why it is hard: the property may come with another one.",
        "Groups that no property, column or likeness of features picks out are not found; small ones need more images.",
        "Groups by features use what the audited model itself sees as alike.",
        "A gap over all images is a plain difference; its test compares within classes.",
    )
    least: int = 30
    """Images of a group in each half, below which nothing is said of it."""
    errors: int = 5
    """Errors of a group in the half that proposes it, below which it is no candidate."""
    tested: int = 10
    """Groups that are carried over to the other half: more find more, and cost each of them certainty."""

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions, properties and features of the test images, and which of them are twins."""
        return (Predict(), Describe(), Embed(), Resemble())

    def run(self, evidence: Evidence) -> Outcome:
        """The groups with their gaps in both halves, and which of them hold."""
        predictions, classes = evidence[Predict()], evidence.context.classes
        discovery = _discovery(evidence, predictions)
        wrong = ~predictions.correct
        groups = _slices.proposed(
            self._groups(evidence, predictions, discovery), wrong, discovery, self.least, self.errors, self.tested
        )
        tested = confirm([one for one in groups if self._enough(one, ~discovery)], wrong, discovery)
        holding = [one for one in tested if one.holds]
        columns = _columns(tested, wrong, discovery)
        galleries = [_gallery(one, predictions, classes, discovery) for one in holding[:GALLERIES]]
        blocks: list[Block] = [*galleries, *_numbers(tested)]
        if not self._has_features(evidence):
            blocks.append(
                Note(text="There are no features of these images, so groups by likeness were not looked for.")
            )
        finding = self.finding(
            "weak_slices",
            self._status(tested),
            self._headline(tested, int((~discovery).sum())),
            estimates=[_worst(tested[0])] if tested else [],
            blocks=blocks,
            samples=dict.fromkeys(card.id for gallery in galleries for card in gallery.cards),
            params={"tested": len(tested), "confirmed": len(holding), "discovery": int(discovery.sum())},
        )
        return Outcome(finding, predictions.ids if tested else (), columns)

    def _groups(self, evidence: Evidence, predictions: Predictions, discovery: np.ndarray) -> Iterator[Group]:
        known, classes, labels = evidence[Describe()], evidence.context.classes, predictions.labels
        at = places(known.rows, predictions.rows)
        values = {name: column[at] for name, column in known.values.items()}
        own = {name: column[at] for name, column in known.groups.items()}
        by_words = _slices.described(values, own, labels, classes, discovery, self.least)
        if not self._has_features(evidence):
            return by_words
        found = evidence[Embed()]
        features, random = (
            found.values[places(found.rows, predictions.rows)],
            stats.generator(evidence.context.fingerprint),
        )
        alike = _slices.clusters(features, predictions.predicted, labels, classes, discovery, self.least, random)
        return itertools.chain(by_words, alike)

    def _has_features(self, evidence: Evidence) -> bool:
        try:
            return len(evidence[Embed()].rows) > 0
        except MissingEvidence:
            return False

    def _enough(self, group: Group, half: np.ndarray) -> bool:
        inside, outside = (group.members & half).sum(), (group.pool & ~group.members & half).sum()
        return bool(min(inside, outside) >= self.least)

    def _status(self, tested: list[Tested]) -> Status:
        """`concern` if any group holds; `inconclusive` where there was none to test."""
        if not tested:
            return "inconclusive"
        return "concern" if any(one.holds for one in tested) else "ok"

    def _headline(self, tested: list[Tested], n: int) -> str:
        if not tested:
            return (
                f"No group of at least {self.least} images in each half had {self.errors} errors and looked weaker than the "
                f"others; {n:,} images a half are too few, or the errors too even, to say more."
            )
        holding = [one for one in tested if one.holds]
        if not holding:
            return f"None of the {len(tested)} groups that looked weakest on one half is confirmed on the other {n:,} images."
        worst = holding[0]
        gap, few = worst.confirmed, f"{len(holding)} of {len(tested)} groups confirmed"
        low, high = 100 * gap.difference.low, 100 * gap.difference.high
        return (
            f"Weaker on {worst.group.words}: wrong on {gap.errors / gap.n:.1%} of {gap.n:,} against "
            f"{gap.other_errors / gap.other_n:.1%} of {worst.group.others}, a gap of {100 * gap.difference.value:.1f} points "
            f"({low:.1f} to {high:.1f}) on images that did not choose it; {few}."
        )


def confirm(groups: list[Group], wrong: np.ndarray, discovery: np.ndarray) -> list[Tested]:
    """Each group tested on the other half, one-sided and exact within its strata, with Holm over all of them."""
    raw = [stats.stratified_greater(*_slices.counts(group, wrong, ~discovery)) for group in groups]
    adjusted = stats.holm(raw) if raw else np.empty(0)
    return [
        Tested(group, _slices.gap(group, wrong, discovery), _slices.gap(group, wrong, ~discovery), float(p))
        for group, p in zip(groups, adjusted, strict=True)
    ]


def _discovery(evidence: Evidence, predictions: Predictions) -> np.ndarray:
    """The half that proposes; twins lie on one side where they are known."""
    chosen = _slices.halves(predictions.ids, predictions.labels)
    try:
        pairs = evidence[Resemble()]
    except MissingEvidence:
        return chosen
    within = (pairs.other_split == SPLITS.index("test")) & np.isin(pairs.rows, predictions.rows)
    within &= np.isin(pairs.other, predictions.rows)
    first, second = (places(predictions.rows, rows[within]) for rows in (pairs.rows, pairs.other))
    return _slices.together(chosen, first, second)


def _columns(tested: list[Tested], wrong: np.ndarray, discovery: np.ndarray) -> dict[str, np.ndarray]:
    """Errors, and for the group that looked weakest: 1 in it, 0 in the others, -1 elsewhere and in the proposing half."""
    if not tested:
        return {}
    group = tested[0].group
    side = np.where(group.members, 1.0, np.where(group.pool, 0.0, -1.0))
    return {"wrong": wrong.astype(float), "weakest": np.where(discovery, -1.0, side)}


def _worst(one: Tested) -> Estimate:
    gap = one.confirmed
    return Estimate(
        name="worst_gap",
        value=gap.difference.value,
        low=gap.difference.low,
        high=gap.difference.high,
        n=gap.n + gap.other_n,
        unit="fraction, points",
        better="lower",
        method="Newcombe hybrid score interval, on the half that did not choose the group",
        statistic="difference_of_groups",
        columns=("wrong", "weakest"),
    )


def _numbers(tested: list[Tested]) -> list[Block]:
    if not tested:
        return []
    rows = tuple(
        (
            one.group.words,
            one.confirmed.n,
            one.confirmed.errors / one.confirmed.n,
            one.confirmed.other_errors / one.confirmed.other_n,
            one.confirmed.difference.value,
            one.confirmed.difference.low,
            one.confirmed.difference.high,
            one.p,
            one.holds,
            one.found.difference.value,
        )
        for one in tested
    )
    names = (
        "group",
        "images",
        "error",
        "error of the others",
        "gap",
        "low",
        "high",
        "p (Holm)",
        "confirmed",
        "gap when found",
    )
    title = f"The {len(rows)} groups that looked weakest, on the half that did not choose them"
    return [
        Scalar(title=f"Gap of {tested[0].group.words}", estimate="worst_gap"),
        Table(title=title, columns=names, rows=rows),
    ]


def _gallery(one: Tested, predictions: Predictions, classes: tuple[str, ...], discovery: np.ndarray) -> Gallery:
    """Errors of the group in the half that tests it, surest first."""
    errors = np.flatnonzero(one.group.members & ~discovery & ~predictions.correct)
    sure = np.ones(len(predictions.rows)) if predictions.given == "classes" else predictions.confidence
    order = errors[np.lexsort((predictions.rows[errors], -sure[errors]))]
    cards = tuple(
        Card(
            id=predictions.ids[place],
            truth=classes[predictions.labels[place]],
            predicted=classes[predictions.predicted[place]],
            confidence=float(sure[place]),
            image=f"images/{predictions.ids[place]}.webp",
            group=one.group.words,
        )
        for place in order[:SHOWN].tolist()
    )
    return Gallery(title=f"Errors among {one.group.words}", total=len(errors), cards=cards)
