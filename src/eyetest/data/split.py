"""Stratified, seeded choices of rows, and a split held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from ..types import Labels, Masks, Pixels, Rows, SplitName
from .base import SplitData


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
