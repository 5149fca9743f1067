"""Groups of images with a higher error rate: proposed on one half of the images, and the means to test them on the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from .. import stats
from ..types import Column, Labels

FIFTHS = (0.2, 0.4, 0.6, 0.8)
COMPONENTS = 64
CLUSTERS = 25
"""Groups of the features of each predicted class, if there are images enough."""
STEPS = 30
OVERLAP = 0.5
"""Shared part of two groups from which on the second tells nothing new."""
WORDS = {
    "brightness": ("dark", "bright"),
    "contrast": ("low-contrast", "high-contrast"),
    "colourfulness": ("hardly colourful", "very colourful"),
    "saturation": ("pale", "saturated"),
    "edge_density": ("few-edged", "many-edged"),
    "sharpness": ("soft", "sharp"),
    "fine_detail": ("coarse", "fine-grained"),
}
"""The lowest and the highest fifth of a property."""


@final
@dataclass(frozen=True, eq=False)
class Group:
    """Images that one rule picks, and those that they are compared with."""

    words: str
    others: str
    """What the images it is compared with are called."""
    members: np.ndarray
    """True for the images of the group, in both halves."""
    pool: np.ndarray
    """True for the group and those that it is compared with."""
    strata: Labels
    """The comparison is made within these; all equal where one comparison is meant."""


class Gap(NamedTuple):
    """Errors of a group and of the others in one half, and the difference of their rates."""

    errors: int
    n: int
    other_errors: int
    other_n: int
    difference: stats.Interval


def halves(ids: Sequence[str], labels: Labels) -> np.ndarray:
    """True for the half that groups are proposed on: by a hash of the id, half of each class."""
    digests = np.array([hashlib.sha256(one.encode()).hexdigest() for one in ids])
    chosen = np.zeros(len(ids), dtype=bool)
    for label in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == label)
        chosen[rows[np.argsort(digests[rows], kind="stable")][: (len(rows) + label % 2) // 2]] = True
    return chosen


def together(chosen: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The halves with both images of each pair of positions on one side."""
    moved = chosen.copy()
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        moved[max(one, other)] = moved[min(one, other)]
    return moved


def described(
    values: Mapping[str, Column],
    own: Mapping[str, Column],
    labels: Labels,
    classes: tuple[str, ...],
    discovery: np.ndarray,
    least: int,
) -> Iterator[Group]:
    """Fifths of each property, with bounds from the discovery half, and the values of own columns; pooled and per class."""
    for chosen, noun, others, strata in _pools(labels, classes, discovery, least):
        for name, column in values.items():
            bounds = np.quantile(column[chosen & discovery], FIFTHS)
            fifth = np.searchsorted(bounds, column, side="right")
            for part in range(len(FIFTHS) + 1):
                words = _fifth_words(name, part, bounds, noun)
                yield Group(words, others, chosen & (fifth == part), chosen, strata)
        for name, column in own.items():
            yield Group(f"{noun} whose {name}", others, chosen & (column == 1), chosen, strata)


def _pools(
    labels: Labels, classes: tuple[str, ...], discovery: np.ndarray, least: int
) -> Iterator[tuple[np.ndarray, str, str, Labels]]:
    """All images, compared within their classes, and each class that is large enough."""
    yield np.ones(len(labels), dtype=bool), "images", "other images", labels
    for k, name in enumerate(classes):
        chosen = labels == k
        if (chosen & discovery).sum() >= (len(FIFTHS) + 1) * least:
            yield chosen, f"{name} images", f"other {name} images", np.zeros_like(labels)


def _fifth_words(name: str, part: int, bounds: np.ndarray, noun: str) -> str:
    said = name.replace("_", " ")
    if part in (0, len(FIFTHS)):
        words = WORDS.get(name)
        extreme = "lowest" if part == 0 else "highest"
        return f"{words[int(part > 0)]} {noun}" if words else f"{noun} with the {extreme} {said}"
    return f"{noun} with {said} from {bounds[part - 1]:.3g} to {bounds[part]:.3g}"


def clusters(
    features: np.ndarray,
    predicted: Labels,
    labels: Labels,
    classes: tuple[str, ...],
    discovery: np.ndarray,
    least: int,
    random: np.random.Generator,
) -> Iterator[Group]:
    """Groups of like features among the images of one answer; components and centres from the discovery half."""
    values = _components(features, discovery)
    for k, name in enumerate(classes):
        chosen = predicted == k
        count = min(CLUSTERS, int((chosen & discovery).sum()) // least)
        if count < 2:
            continue
        centres = k_means(values[chosen & discovery], count, random)
        nearest = np.full(len(predicted), -1)
        nearest[chosen] = _squared_distance(values[chosen], centres).argmin(1)
        for one in range(len(centres)):
            members = nearest == one
            words = _cluster_words(members, labels, classes, name)
            yield Group(words, f"other images answered {name}", members, chosen, np.zeros_like(labels))


def _cluster_words(members: np.ndarray, labels: Labels, classes: tuple[str, ...], answer: str) -> str:
    counts = np.bincount(labels[members], minlength=len(classes))
    most = [k for k in np.argsort(-counts, kind="stable")[:2].tolist() if counts[k]]
    inside = " and ".join(f"{counts[k]:,} {classes[k]}" for k in most)
    return f"a group of {members.sum():,} images answered {answer} ({inside})"


def _components(features: np.ndarray, discovery: np.ndarray) -> np.ndarray:
    """Principal components of the discovery half. Source: Pearson 1901."""
    centred = features.astype(np.float64) - features[discovery].mean(0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred[discovery].T @ centred[discovery])
    result: np.ndarray = centred @ axes[:, ::-1][:, :COMPONENTS]
    return result


def k_means(values: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Centres, at most `count`, after Lloyd's steps from k-means++ seeds. Source: Arthur & Vassilvitskii 2007."""
    centres = values[random.integers(len(values))][None]
    while len(centres) < count:
        distance = _squared_distance(values, centres).min(1)
        if not distance.sum() > 0:
            break
        centres = np.concatenate([centres, values[random.choice(len(values), p=distance / distance.sum())][None]])
    for _ in range(STEPS):
        nearest = _squared_distance(values, centres).argmin(1)
        sums, sizes = np.zeros_like(centres), np.bincount(nearest, minlength=len(centres))
        np.add.at(sums, nearest, values)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres


def _squared_distance(values: np.ndarray, centres: np.ndarray) -> np.ndarray:
    squares = (values**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * values @ centres.T
    result: np.ndarray = np.maximum(squares, 0)
    return result


def proposed(
    groups: Iterator[Group], wrong: np.ndarray, discovery: np.ndarray, least: int, errors: int, most: int
) -> list[Group]:
    """The `most` groups that look weakest on the discovery half: lower Wilson bound of their error minus what the
    others' error would be with the group's strata. Groups that share half of their images with a weaker one are left out.
    """  # fmt: skip
    ranked: list[tuple[float, Group]] = []
    for group in groups:
        inside = group.members & discovery
        if inside.sum() >= least and wrong[inside].sum() >= errors and (group.pool & discovery & ~group.members).any():
            bound = stats.wilson(int(wrong[inside].sum()), int(inside.sum())).low
            ranked.append((bound - _expected(group, wrong, discovery), group))
    kept: list[Group] = []
    for excess, group in sorted(ranked, key=lambda item: -item[0]):
        if len(kept) < most and excess > 0 and all(_shared(group, one, discovery) <= OVERLAP for one in kept):
            kept.append(group)
    return kept


def _shared(first: Group, second: Group, half: np.ndarray) -> float:
    both = (first.members & second.members & half).sum()
    return float(both / max(((first.members | second.members) & half).sum(), 1))


def _expected(group: Group, wrong: np.ndarray, half: np.ndarray) -> float:
    """Error rate of the others, with as many images of each stratum as the group has."""
    _, sizes, other_hits, other_sizes = counts(group, wrong, half)
    known = other_sizes > 0
    weight = sizes[known].sum()
    return float((sizes[known] * other_hits[known] / other_sizes[known]).sum() / weight) if weight else 1.0


def counts(group: Group, wrong: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Errors and images of the group, and of the others, by stratum, within one half."""
    inside, outside = group.members & half, group.pool & ~group.members & half
    last = int(group.strata.max(initial=0)) + 1
    found = [
        np.bincount(group.strata[chosen & errors], minlength=last)
        for chosen in (inside, outside)
        for errors in (wrong.astype(bool), np.ones(len(wrong), dtype=bool))
    ]
    return found[0], found[1], found[2], found[3]


def gap(group: Group, wrong: np.ndarray, half: np.ndarray) -> Gap:
    """Of the rates of the group and of the others, with Newcombe's interval."""
    errors, n, other_errors, other_n = (int(one.sum()) for one in counts(group, wrong, half))
    return Gap(errors, n, other_errors, other_n, stats.newcombe(errors, n, other_errors, other_n))
