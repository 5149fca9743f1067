"""What the four cue checks share: from swapped images to reliance, artefact, capture, directions and pictures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from .. import reliance, stats
from ..errors import MissingEvidence
from ..evidence import Evidence, Need, Predict, Swap
from ..records import Better, Block, Card, Estimate, Forest, Gallery, Grid, Status, SwapPicture, Table
from ..reliance import Linear
from ..transplants.base import Transplant
from ..transplants.cell import Cell
from ..types import Column, Predictions, Swaps, image_ids
from ._removal import Removal, removal_evidence, removal_needs
from .base import Check, Outcome

CONCERN = 0.05
"""Reliance above which using a cue that is not the object is called a concern: five points of accuracy."""
BALANCED_FROM = 1.5
"""Ratio of the largest to the smallest class from which the class-balanced mean is shown too."""
ALIKE = 0.1
"""Largest relative difference of the two donors' distances at which they count as changing the image equally much."""
FEWEST = 30
"""Rows below which nothing is said of a part."""
SHOWN = 8
METHOD = "normal interval, images that share donors counted together"
LIMITS = (
    "Reliance says how much accuracy hangs on the cue agreeing with the class; whether using it is legitimate is for a "
    "person to say.",
    "A conflict misleads as well as removes: this is not what would be lost if the cue were absent.",
    "Cues overlap, so their reliances do not add up.",
)


@final
@dataclass(frozen=True, eq=False)
class Swapped:
    """One transplant's answers as right or wrong, followed or not, with what the estimates need."""

    transplant: Transplant
    swaps: Swaps
    plain: np.ndarray
    """r n: whether the unchanged image was answered right."""

    @property
    def strata(self) -> tuple[np.ndarray, np.ndarray]:
        """The class of each image (n), and of each other-class donor (r n): fixed, and no chance."""
        return self.swaps.labels, self.swaps.table.classes[:, 1]

    @property
    def right(self) -> np.ndarray:
        """r 2 n, 0 or 1."""
        result: np.ndarray = self.swaps.correct.astype(np.float64)
        return result

    @property
    def followed(self) -> np.ndarray:
        """r n: whether the answer to the other class's cue was the donor's class."""
        result: np.ndarray = (self.swaps.predicted[:, 1] == self.swaps.table.classes[:, 1]).astype(np.float64)
        return result

    @property
    def unprompted(self) -> np.ndarray:
        """r n: how often that would be without following: the answers to it that are neither class, a class.

        With two classes there is no third, and the same class's cue stands in.
        """
        predicted, k = self.swaps.predicted, self.swaps.logits.shape[3]
        if k == 2:
            result: np.ndarray = (predicted[:, 0] == self.swaps.table.classes[:, 1]).astype(np.float64)
            return result
        result = (predicted[:, 1] != self.swaps.labels) & (predicted[:, 1] != self.swaps.table.classes[:, 1])
        return result / (k - 2)

    @property
    def effect(self) -> np.ndarray:
        """r n: right with the own class's cue, minus right with another's."""
        result: np.ndarray = self.right[:, 0] - self.right[:, 1]
        return result

    @property
    def alike(self) -> np.ndarray:
        """r n: whether both donors change the image equally much."""
        same, other = self.swaps.distance[:, 0], self.swaps.distance[:, 1]
        result: np.ndarray = np.abs(other - same) <= ALIKE * same
        return result

    def columns(self) -> dict[str, Column]:
        """What the named statistics read, one column a draw."""
        parts = {
            "same": self.right[:, 0],
            "other": self.right[:, 1],
            "followed": self.followed,
            "unprompted": self.unprompted,
        }
        return {f"{self.transplant.key}.{name}_{r}": part[r] for name, part in parts.items() for r in range(len(part))}


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
        columns = _shared_columns(found[0]) | {k: v for one in found for k, v in one.columns().items()}
        estimates = [e for one in found for e in cue_estimates(one)]
        estimates += [e for keys in self.shares() for e in _share_estimates(keys, found)]
        classes = evidence.context.classes
        estimates += [
            e for one in found if not isinstance(one.transplant, Cell) for e in _class_estimates(one, classes)
        ]
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


def cue_estimates(one: Swapped) -> list[Estimate]:
    """Reliance, artefact, capture and relative reliance of one cue."""
    key, draws = one.transplant.key, len(one.effect)
    donors = _donor_names(draws)
    names = {
        part: tuple(f"{key}.{part}_{r}" for r in range(draws)) for part in ("same", "other", "followed", "unprompted")
    }
    right = tuple(["right"] * draws)
    better: Better = "lower" if _judged(one.transplant) else "neither"
    return [
        _estimate(f"{key}.reliance", "swap_difference", (*names["same"], *names["other"], *donors), one, better,
                  reliance.difference(one.right[:, 0], one.right[:, 1])),
        _estimate(f"{key}.artefact", "swap_difference", (*right, *names["same"], *donors), one, "neither",
                  reliance.difference(one.plain, one.right[:, 0])),
        _estimate(f"{key}.capture", "swap_difference", (*names["followed"], *names["unprompted"], *donors), one, better,
                  reliance.difference(one.followed, one.unprompted)),
        *_relative(one, names, better),
        *_balanced(one, better),
        *_matched(one, better),
    ]  # fmt: skip


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


def cue_gallery(one: Swapped, predictions: Predictions, classes: tuple[str, ...]) -> Gallery:
    """Images that were right as they are and with their own class's cue, and went over to the other donor's class."""
    swaps = one.swaps
    followed = (one.followed[0] * one.right[0, 0] * one.plain[0]).astype(bool)
    sure = _softmax(swaps.logits[0, 1]).max(1)
    chosen = np.flatnonzero(followed)
    chosen = chosen[np.lexsort((swaps.table.rows[chosen], -sure[chosen]))]
    cards = tuple(swap_card(one, index, predictions, classes) for index in chosen[:SHOWN].tolist())
    words = one.transplant.words
    return Gallery(title=f"Taken over by {words} of another class, surest first", total=len(chosen), cards=cards)


def swap_card(one: Swapped, index: int, predictions: Predictions, classes: tuple[str, ...], group: str = "") -> Card:
    """Original, with its own class's cue, with another class's cue, and what was answered."""
    row = int(one.swaps.table.rows[index])
    place = int(np.flatnonzero(predictions.rows == row)[0])
    name = predictions.ids[place]
    return Card(
        id=name,
        truth=classes[predictions.labels[place]],
        predicted=classes[predictions.predicted[place]],
        confidence=float(predictions.confidence[place]),
        image=f"images/{name}.png",
        group=group,
        swaps=tuple(_swap_picture(one, index, arm, name, classes) for arm in (0, 1)),
    )


def _swap_picture(one: Swapped, index: int, arm: int, name: str, classes: tuple[str, ...]) -> SwapPicture:
    swaps, key = one.swaps, one.transplant.key
    probabilities = _softmax(swaps.logits[0, arm, index : index + 1])[0]
    donor = int(swaps.table.donors[0, arm, index])
    return SwapPicture(
        transplant=key,
        donor=f"validation-{donor}",
        donor_class=classes[swaps.table.classes[0, arm, index]],
        predicted=classes[int(probabilities.argmax())],
        confidence=float(probabilities.max()),
        file=f"images/{name}-{key}-validation-{donor}.png",
    )


def collect(evidence: Evidence, transplants: Iterable[Transplant]) -> tuple[list[Swapped], str]:
    """The transplants that were made, and why the others were not."""
    predictions, found, reasons = evidence[Predict()], [], []
    position = {row: index for index, row in enumerate(predictions.rows.tolist())}
    for transplant in transplants:
        try:
            swaps = evidence[Swap(transplant)]
        except MissingEvidence as error:
            reasons.append(str(error))
            continue
        places = [position[row] for row in swaps.table.rows.tolist()]
        plain = predictions.correct[places].astype(np.float64)
        found.append(Swapped(transplant, swaps, np.tile(plain, (len(swaps.logits), 1))))
    return found, "; ".join(dict.fromkeys(reasons))


def _status(found: Sequence[Swapped], by_name: Mapping[str, Estimate]) -> Status:
    """`concern` if a cue that is not the object is relied on, `ok` if all of them are not, else inconclusive."""
    judged = [one.transplant for one in found if _judged(one.transplant)]
    bounds = [by_name[f"{transplant.key}.reliance"] for transplant in judged]
    if any(e.low > CONCERN for e in bounds):
        return "concern"
    return "ok" if all(e.high <= CONCERN for e in bounds) else "inconclusive"


def _judged(transplant: Transplant) -> bool:
    if isinstance(transplant, Cell):
        return transplant.corner
    return not transplant.legitimate


def _shared_columns(one: Swapped) -> dict[str, Column]:
    table, labels = one.swaps.table, one.swaps.labels
    values = [*table.donors[:, 0], *table.donors[:, 1], *table.classes[:, 1], labels]
    names = _donor_names(len(table.donors))
    return {"right": one.plain[0]} | {
        name: column.astype(np.float64) for name, column in zip(names, values, strict=True)
    }


def _donor_names(draws: int) -> tuple[str, ...]:
    """The columns that every statistic of swaps ends with."""
    return (*(f"{name}_{r}" for name in ("donor_same", "donor_other", "lent") for r in range(draws)), "label")


def _estimate(
    name: str,
    statistic: str | None,
    columns: tuple[str, ...],
    one: Swapped,
    better: Better,
    linear: Linear,
) -> Estimate:
    found = reliance.interval(linear, one.swaps.table.donors, one.strata)
    return Estimate(
        name=name,
        value=found.value,
        low=found.low,
        high=found.high,
        n=len(one.swaps.table.rows),
        unit="fraction",
        better=better,
        method=f"{METHOD}, {len(one.effect)} draw{'s' if len(one.effect) > 1 else ''}",
        statistic=statistic,
        columns=columns,
    )


def _relative(one: Swapped, names: Mapping[str, tuple[str, ...]], better: Better) -> list[Estimate]:
    """Reliance as a part of the accuracy with the own class's cue; nothing where that is 0."""
    if not one.right[:, 0].any():
        return []
    columns = (*names["same"], *names["other"], *_donor_names(len(one.effect)))
    linear = reliance.relative(one.right[:, 0], one.right[:, 1])
    return [_estimate(f"{one.transplant.key}.relative_reliance", "swap_relative", columns, one, better, linear)]


def _balanced(one: Swapped, better: Better) -> list[Estimate]:
    """The class-balanced mean, where the classes are of unequal size."""
    labels = one.swaps.labels
    counts = np.bincount(labels)
    if counts[counts > 0].max() <= BALANCED_FROM * counts[counts > 0].min():
        return []
    linear = reliance.weighted(one.effect, 1 / counts[labels])
    return [_estimate(f"{one.transplant.key}.balanced_reliance", None, (), one, better, linear)]


def _matched(one: Swapped, better: Better) -> list[Estimate]:
    """Reliance among rows whose two donors change the image equally much: a donor of the own class fits better."""
    rows = int(one.alike.sum())
    if rows < FEWEST:
        return []
    name, linear = f"{one.transplant.key}.matched_reliance", reliance.within(one.effect, one.alike)
    found = _estimate(name, None, (), one, better, linear)
    method = f"{found.method}, rows whose two donors change the image equally much (distances within {ALIKE:.0%})"
    return [found.model_copy(update={"n": int(one.alike.any(0).sum()), "method": method})]


def _share_estimates(keys: tuple[str, ...], found: Sequence[Swapped]) -> list[Estimate]:
    by_key = {one.transplant.key: one for one in found}
    if not set(keys) <= set(by_key) or all(by_key[key].effect.mean() <= 0 for key in keys):
        return []
    estimates = []
    for key in keys:
        order = [key, *(other for other in keys if other != key)]
        linear = reliance.share([by_key[other].effect for other in order])
        draws = len(by_key[key].effect)
        columns = [f"{other}.{arm}_{r}" for other in order for arm in ("same", "other") for r in range(draws)]
        statistic = {2: "swap_share_of_two", 3: "swap_share_of_three"}[len(keys)]
        better: Better = "lower" if _judged(by_key[key].transplant) else "neither"
        names = (*columns, *_donor_names(draws))
        estimates.append(_estimate(f"{key}.reliance_share", statistic, names, by_key[key], better, linear))
    return estimates


def _class_estimates(one: Swapped, classes: tuple[str, ...]) -> list[Estimate]:
    """Reliance of each class, adjusted for what donors of each class do to any image."""
    present = sorted(set(one.swaps.labels.tolist()))
    swaps = one.swaps
    known = sorted({*present, *swaps.table.classes.ravel().tolist()})  # a class may lend and have no test image
    excess = reliance.diagonal_excess(one.right, swaps.labels, swaps.table.classes, known)
    counts = np.bincount(swaps.labels, minlength=len(classes))
    better: Better = "lower" if _judged(one.transplant) else "neither"
    found = []
    for c in present:
        name = f"{one.transplant.key}.reliance[{classes[c]}]"
        estimate = _estimate(name, None, (), one, better, excess[c])
        method = f"excess over an additive table of class and donor class, {estimate.method}"
        found.append(estimate.model_copy(update={"n": int(counts[c]), "method": method}))
    return found


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


def directions(one: Swapped) -> dict[int, tuple[stats.Interval, float]]:
    """By class: how much oftener images of other classes are answered so with donors of that class than of a third.

    With the p-value after Holm; empty with two classes.
    """
    table, labels = one.swaps.table, one.swaps.labels
    lent, predicted = table.classes[:, 1], one.swaps.predicted[:, 1]
    present = sorted(set(lent.ravel().tolist()))
    if one.swaps.logits.shape[3] == 2:
        return {}
    found = [
        reliance.interval(
            reliance.between((predicted == c).astype(np.float64), lent == c, (lent != c) & (labels != c)),
            table.donors,
            one.strata,
        )
        for c in present
    ]
    adjusted = stats.holm([reliance.p_value(interval) for interval in found])
    return {c: (interval, float(p)) for c, interval, p in zip(present, found, adjusted, strict=True)}


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


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(-1, keepdims=True)
    return result
