"""Statistics of many resamples at once: a resample is how often each image was drawn, so that nothing is sorted twice.

Each class takes the columns of the statistics in stats.py that rest on the order of a score, and gives the same numbers but
for rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import final

import numpy as np

Array = np.ndarray
CELLS = 20_000
"""Counts held at once: more falls out of the cache and is slower."""


def drawn(seeds: Array, n: int, groups: Array | None = None) -> Iterator[Array]:
    """The drawn rows of the resample of each seed; whole groups are drawn where `groups` gives one an image."""
    if groups is None:
        for seed in seeds:
            yield np.random.default_rng(seed).integers(0, n, n)
        return
    place = np.unique(groups, return_inverse=True)[1]
    order, sizes = np.argsort(place, kind="stable"), np.bincount(place)
    starts = np.cumsum(sizes) - sizes
    for chosen in drawn(seeds, len(sizes)):
        length = sizes[chosen]
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        yield order[np.repeat(starts[chosen], length) + offset]


class Weighted(ABC):
    """A statistic that rests on the order of a score: read from how often each image was drawn."""

    def __init__(self, score: Array) -> None:
        self.order = np.argsort(score, kind="stable")
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(len(self.order))
        ordered = score[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        """Where each block of equal scores begins."""

    @abstractmethod
    def read(self, counts: Array) -> Array:
        """The statistic of c resamples from their counts, c n, in the order of the score."""

    def resampled(self, rows: Iterable[Array]) -> Array:
        """The statistic on each resample of these drawn rows."""
        found, waiting = [], []
        n = len(self.order)
        for chosen in rows:
            waiting.append(np.bincount(self.place[chosen], minlength=n))
            if len(waiting) * n >= CELLS:
                found.append(self.read(np.array(waiting, dtype=np.float64)))
                waiting = []
        found += [self.read(np.array(waiting, dtype=np.float64))] if waiting else []
        return np.concatenate(found)

    def sums(self, counts: Array, values: Array | None = None) -> Array:
        """Sum of the values (in the order of the score; by default 1) of each block, c m."""
        whole = counts if values is None else counts * values
        return whole if len(self.starts) == len(self.order) else np.add.reduceat(whole, self.starts, axis=1)

    def heads(self, counts: Array, columns: Sequence[Array], ranks: Array) -> list[Array]:
        """Sums of each column over the first `ranks` (c b) images; a block that is cut counts with its mean."""
        ends = np.cumsum(self.sums(counts), 1)
        row = np.arange(len(counts))[:, None]
        stride = ends[:, -1].max() + 1
        ends += row * stride
        place = np.searchsorted(ends.ravel(), (ranks + row * stride).ravel()).reshape(ranks.shape)
        block = place - row * ends.shape[1]
        size = ends[row, block] - np.where(block > 0, ends[row, block - 1], row * stride)
        part = 1 - ratio(ends[row, block] - row * stride - ranks, size)
        found = []
        for values in columns:
            whole = self.sums(counts, values)
            found.append(np.cumsum(whole, 1)[row, block] - (1 - part) * whole[row, block])
        return found


@final
class OfBins(Weighted):
    """A summary of sizes, accuracy and mean confidence (each c b) of bins of equal mass."""

    def __init__(
        self, summary: Callable[[Array, Array, Array], Array], bins: int, confidence: Array, correct: Array
    ) -> None:
        super().__init__(confidence)
        self.summary, self.bins = summary, bins
        self.columns = (correct[self.order], confidence[self.order].astype(np.float64))

    def read(self, counts: Array) -> Array:
        """The summary of each resample."""
        total, bin_ = counts.sum(1, keepdims=True), np.arange(self.bins)
        parts = np.minimum(total, self.bins)
        sizes = np.where(bin_ < parts, total // parts + (bin_ < total % parts), 0)
        heads = self.heads(counts, self.columns, np.cumsum(sizes, 1))
        accuracy, sureness = (ratio(np.diff(head, axis=1, prepend=0), sizes) for head in heads)
        return self.summary(sizes, accuracy, sureness)


@final
class Auroc(Weighted):
    """Chance that a positive image scores above a negative one."""

    def __init__(self, score: Array, positive: Array) -> None:
        super().__init__(score)
        self.positive = (positive != 0).astype(np.float64)[self.order]

    def read(self, counts: Array) -> Array:
        """The area of each resample; 0.5 where there are not both."""
        above = self.sums(counts, self.positive)
        below = self.sums(counts) - above
        pairs = above.sum(1) * below.sum(1)
        wins = (above * (np.cumsum(below, 1) - below / 2)).sum(1)
        return np.where(pairs > 0, ratio(wins, pairs), 0.5)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotients; 0 where the denominator is."""
    result: Array = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator != 0)
    return result
