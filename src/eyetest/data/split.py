"""Stratified, seeded choices of rows, and a split held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from ..types import Labels, Masks, Pixels, Rows, SplitName, Votes
from .base import Dataset, SplitData


def stratified_sample(labels: Labels, n: int, seed: int) -> Rows:
    """`n` rows, ascending, with each class in proportion (largest remainders); all rows if n reaches them."""
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * (min(n, len(labels)) / max(len(labels), 1))
    wanted = np.floor(exact).astype(int)
    rest = min(n, len(labels)) - wanted.sum()
    wanted[np.argsort(wanted - exact, kind="stable")[:rest]] += 1
    random = np.random.default_rng([seed, len(labels)])
    chosen = [random.permutation(np.flatnonzero(labels == label))[:k] for label, k in zip(classes, wanted, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def carve_validation(labels: Labels, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Rows of train and of validation, a stratified `fraction` of the labels; at least one row a class."""
    classes = len(np.unique(labels))
    validation = stratified_sample(labels, max(round(len(labels) * fraction), classes), seed)
    return np.setdiff1d(np.arange(len(labels), dtype=np.int64), validation), validation


def carve_groups(labels: Labels, groups: Labels, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Rows of train and of validation: whole groups, together about a `fraction` of each class.

    Groups are offered in a seeded order, and taken where that brings the class counts nearer to what is wanted (weighted
    by class size). A class that none was taken of gets its smallest group that does not hold the last of it.
    """
    place = np.unique(groups, return_inverse=True)[1]
    classes, column = np.unique(labels, return_inverse=True)
    counts = np.zeros((int(place.max()) + 1, len(classes)), dtype=np.int64)
    np.add.at(counts, (place, column), 1)
    total = counts.sum(0)
    wanted, held = np.maximum(fraction * total, 1), np.zeros(len(classes))
    taken = np.zeros(len(counts), dtype=bool)
    for group in np.random.default_rng([seed, len(labels)]).permutation(len(counts)):
        before, after = (((one - wanted) ** 2 / total).sum() for one in (held, held + counts[group]))
        if after < before:
            taken[group], held = True, held + counts[group]
    for k in range(len(classes)):
        free = np.flatnonzero(~taken & (counts[:, k] > 0))
        if not counts[taken, k].any() and len(free) > 1:
            taken[free[counts[free].sum(1).argmin()]] = True
    rows = np.arange(len(labels), dtype=np.int64)
    return rows[~taken[place]], rows[taken[place]]


def deal(labels: Labels, count: int, seed: int, groups: np.ndarray | None = None) -> Labels:
    """The fold of each image, 0 to count − 1: images of one group share a fold, and every class is spread evenly.

    Groups are dealt out from the largest on, each to the fold that has least of its classes.
    """
    _, group = np.unique(np.arange(len(labels)) if groups is None else groups, return_inverse=True)
    counts = np.zeros((int(group.max()) + 1, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(counts, (group, labels), 1)
    shuffled = np.random.default_rng([seed, len(labels)]).permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled].sum(1), kind="stable")]
    held, fold = np.zeros((count, counts.shape[1]), dtype=np.int64), np.zeros(len(counts), dtype=np.int64)
    for one in order.tolist():
        fold[one] = np.lexsort((held.sum(1), held @ counts[one]))[0]
        held[fold[one]] += counts[one]
    result: Labels = fold[group]
    return result


@final
@dataclass(eq=False)
class Subset(SplitData):
    """Some rows of a split, as a split of their own; its row r is row `chosen[r]` of the whole."""

    whole: SplitData = field(repr=False)
    chosen: Rows = field(repr=False)

    def __post_init__(self) -> None:
        """Take labels, source rows and metadata from the whole."""
        self.name, self.labels = self.whole.name, self.whole.labels[self.chosen]
        self.source = self.whole.source[self.chosen]
        self.metadata = {name: values[self.chosen] for name, values in self.whole.metadata.items()}

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        return self.whole.images(self.chosen[rows])

    def human_counts(self, rows: Rows) -> Votes | None:
        """How many people gave each of these rows each class, if the whole knows."""
        return self.whole.human_counts(self.chosen[rows])

    def masks(self, rows: Rows) -> Masks | None:
        """Object masks of these rows, if there are any."""
        return self.whole.masks(self.chosen[rows])


@final
@dataclass(eq=False)
class ArraySplit(SplitData):
    """A split whose pixels lie in memory; `source` says which of them are its rows."""

    name: SplitName
    labels: Labels
    source: Rows
    pixels: np.ndarray = field(repr=False)
    """Images of all source rows (s 3 h w, uint8), possibly shared with another split."""
    metadata: Mapping[str, np.ndarray] = field(default_factory=dict)
    object_masks: np.ndarray | None = field(default=None, repr=False)

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        return self.pixels[self.source[rows]]

    def masks(self, rows: Rows) -> Masks | None:
        """Object masks of these rows, if there are any."""
        if self.object_masks is None:
            return None
        found: Masks = self.object_masks[self.source[rows]]
        return found


def with_fewer_training_images(data: Dataset, n: int, seed: int) -> Dataset:
    """The data with a stratified sample of `n` training images, and a fingerprint of its own; the same data if it has no more."""
    if n >= len(data.train):
        return data
    fewer = Subset(data.train, stratified_sample(data.train.labels, n, seed))
    fingerprint = hashlib.sha256(f"{data.fingerprint} {n} {seed}".encode()).hexdigest()[:16]
    title = f"{data.title}, {n:,} training images"
    return replace(data, title=title, fingerprint=fingerprint, splits={**data.splits, "train": fewer})
