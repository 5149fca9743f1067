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


def part_size(n: int) -> int:
    """Resamples of n images that are held at once."""
    return max(CELLS // n, 1)


def counted(seeds: Array, n: int, groups: Array | None = None) -> Iterator[Array]:
    """How often each image is drawn in the resample of each seed, c n uint8, some resamples at a time."""
    size, waiting = part_size(n), []
    for rows in drawn(seeds, n, groups):
        waiting.append(np.bincount(rows, minlength=n).astype(np.uint8))
        if len(waiting) == size:
            yield np.array(waiting)
            waiting = []
    if waiting:
        yield np.array(waiting)


class Weighted(ABC):
    """A statistic that rests on the order of a score: read from how often each image was drawn."""

    def __init__(self, score: Array) -> None:
        self.order = np.argsort(score, kind="stable")
        ordered = score[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        """Where each block of equal scores begins."""

    @abstractmethod
    def read(self, counts: Array) -> Array:
        """The statistic of c resamples from their counts, c n, in the order of the score."""

    def resampled(self, resamples: Iterable[Array]) -> Array:
        """The statistic on each resample, from parts of the counts that `counted` gives."""
        return np.concatenate([self.read(np.take(part, self.order, axis=1).astype(np.int64)) for part in resamples])

    def sums(self, counts: Array, values: Array | None = None) -> Array:
        """Sum of the values (in the order of the score; by default 1) of each block, c m."""
        whole = counts if values is None else counts * values
        return whole if len(self.starts) == len(self.order) else np.add.reduceat(whole, self.starts, axis=1)

    def heads(self, counts: Array, columns: Sequence[Array], ranks: Array) -> list[Array]:
        """Sums of each column over the first `ranks` (c b, no row falls) images; a cut block counts with its mean."""
        ends = np.cumsum(self.sums(counts), 1)
        row = np.arange(len(counts))[:, None]
        stride = ends[:, -1].max() + 1
        ends += row * stride
        place = np.searchsorted(ends.ravel(), (ranks + row * stride).ravel()).reshape(ranks.shape)
        block = place - row * ends.shape[1]
        size = ends[row, block] - np.where(block > 0, ends[row, block - 1], row * stride)
        beyond = ratio(ends[row, block] - row * stride - ranks, size)
        found = []
        for values in columns:
            whole = self.sums(counts, values)
            found.append(_sums_to(whole, block) - beyond * whole[row, block])
        return found


def _sums_to(values: Array, last: Array) -> Array:
    """Sums of each row of c m values up to the columns `last`, c b, which do not fall; faster than all sums."""
    rows, width = values.shape
    starts = np.concatenate([np.zeros((rows, 1), dtype=np.int64), last[:, :-1] + 1], axis=1)
    ends = last + 1
    edges = np.stack([starts, ends], axis=-1) + width * np.arange(rows)[:, None, None]
    parts = np.add.reduceat(np.append(values.ravel(), 0), edges.ravel())[::2].reshape(last.shape)
    result: Array = np.cumsum(np.where(ends > starts, parts, 0), axis=1)
    return result


@final
class OfBins(Weighted):
    """A summary of sizes, accuracy and mean confidence (each c b) of bins of equal mass."""

    def __init__(
        self, summary: Callable[[Array, Array, Array], Array], bins: int, confidence: Array, correct: Array
    ) -> None:
        super().__init__(confidence)
        self.summary, self.bins = summary, bins
        self.columns = (correct[self.order].astype(np.float64), confidence[self.order].astype(np.float64))

    def read(self, counts: Array) -> Array:
        """The summary of each resample."""
        sizes = mass_of_bins(counts.sum(1, keepdims=True), self.bins)
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


def mass_of_bins(total: Array, bins: int) -> Array:
    """Images in each of `bins` bins of equal mass of c totals (c 1), the first ones one larger; 0 beyond the images."""
    bin_, parts = np.arange(bins), np.minimum(total, bins)
    return np.where(bin_ < parts, total // parts + (bin_ < total % parts), 0)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotients; 0 where the denominator is."""
    result: Array = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator != 0)
    return result
