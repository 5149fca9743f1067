"""The expected calibration error (ECE) of all images of a kind, where noise moved the one that was seen.

Noise adds to an ECE, to one near 0 most, and how much cannot be told from the answers: no estimate of a sum of absolute
means is unbiased (Cai & Low 2011). So there are two ends for its middle, where noise added least and where it added most,
and the spread of noise comes on top of both (as Armstrong & Kolesár 2018 do for a bias that is only bounded).
Noise adds hardly anything to the error of all images as one bin, and no ECE is below that: it bounds both from below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from scipy import optimize

from . import distributions
from .calibrated import bin_sizes

Array = np.ndarray
CLEARLY = 2.0
"""Standard errors from which a bin counts as off, where noise is to have added most."""
PSEUDO = 0.5
"""Variance of the errors of each bin besides what it shows, one being an image (or what a group has in the bin): a bin
without errors is not without noise."""


class Ends(NamedTuple):
    """What is left of an ECE, or of a difference of two, if noise is taken off."""

    low: float
    """Low end of the 95 % interval."""
    least: float
    """The middle, if noise added as much as it may have (in a difference: to the second, and as little to the first)."""
    most: float
    """The middle, if it added as little."""
    high: float
    """High end of the 95 % interval."""

    @property
    def p(self) -> float:
        """Two-sided p-value of 0: normal, with the spread beyond the middle that is nearer to 0."""
        near, arm = (self.least, self.least - self.low) if self.least > 0 else (-self.most, self.high - self.most)
        if near <= 0:
            return 1.0
        return distributions.normal_p(distributions.Z * near / arm) if arm > 0 else 0.0


@final
@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of one model on some images."""

    parts: Array
    """What each bin adds to the ECE, signed; b."""
    units: Array
    """What each image (or group) adds to that by chance, with bins held fixed; u b."""
    floor: Array
    """Variance of each part if the model were calibrated; b."""
    unseen: float
    """Variance of the ECE besides."""

    @property
    def error(self) -> float:
        """The ECE that was seen."""
        return float(np.abs(self.parts).sum())

    @property
    def variance(self) -> Array:
        """Of each part; b."""
        result: Array = (self.units**2).sum(0)
        return result

    @property
    def whole(self) -> Bins:
        """All images as one bin."""
        parts, units, floor = (part.sum(-1, keepdims=True) for part in (self.parts, self.units, self.floor))
        return Bins(parts, units, floor, self.unseen / len(self.parts))


def of_bins(confidence: Array, correct: Array, *, bins: int, groups: Array | None = None) -> Bins:
    """Bins of equal mass, equal confidences spread over theirs. Images (or groups) vary about their bin, one alone about 0.

    Raises ValueError if all images are of one group.
    """
    order, n = np.argsort(confidence, kind="stable"), len(confidence)
    stated, right = confidence[order].astype(np.float64), correct[order].astype(np.float64)
    sizes, starts = bin_sizes(n, bins), np.flatnonzero(np.concatenate([[True], stated[1:] != stated[:-1]]))
    place, tied = np.repeat(np.arange(len(sizes)), sizes), np.diff(np.append(starts, n))
    share = np.repeat(np.add.reduceat(np.eye(len(sizes))[place], starts) / tied[:, None], tied, axis=0)
    parts = share.T @ (right - stated) / n
    about = share @ np.where(sizes > 1, n * parts / sizes, 0)
    single = share * ((right - stated - about) * np.sqrt(sizes / np.maximum(sizes - 1, 1))[place] / n)[:, None]
    floor = (share**2).T @ (stated * (1 - stated)) / n**2
    if groups is None:
        units = np.empty_like(single)
        units[order] = single
        return Bins(parts, units, floor, PSEUDO * len(parts) / n**2)
    member = np.unique(groups[order], return_inverse=True)[1]
    held, units = _sums(share, member), _sums(single, member)
    unseen = PSEUDO * float((((held**2).sum(0) / held.sum(0)) ** 2).sum()) / n**2
    return Bins(parts, units * distributions.wider_for_groups(len(units)), floor, unseen)


def _sums(values: Array, member: Array) -> Array:
    """Of the rows of each group."""
    return np.stack([np.bincount(member, column) for column in values.T], axis=1)


def ends(seen: Bins, random: np.random.Generator, *, draws: int) -> Ends:
    """Of one model: a test inverted, with normal noise of the bins.

    The high end is the largest ECE with which one as small as was seen comes about in 2.5 %, were all bins off by equally
    many standard errors: noise adds least then. The low end is the smallest with which one as large comes about in 2.5 %,
    were only those bins off that clearly are (the clearest, if none is): noise adds most then. The middles are those of
    50 %. The low end and its middle are not below those of all images as one bin. Noise adds to every ECE, so the one that
    was seen can lie above the high end.
    """
    normal = random.normal(size=(draws, len(seen.parts) + 1))
    low, least = np.max([_at_least(bins, normal) for bins in (seen, seen.whole)], axis=0)
    noise, unseen = _noise(normal, seen)
    most, high = (_inverted(seen.error, _evenly_off(seen), noise, share, unseen) for share in (0.5, 0.025))
    return _in_order(low, least, most, high)


def difference(first: Bins, second: Bins, random: np.random.Generator, *, draws: int) -> Ends:
    """Of two models on the same images (or groups), second minus first: the same test for both, with what noise they share.

    The high end is the largest difference with which one as small as was seen comes about in 2.5 %, if noise adds least to
    the second model's ECE and most to the first one's; the low end the other way round.
    """
    normal = random.normal(size=(draws, len(first.parts) + len(second.parts) + 1))
    most, high = np.min([_at_most(bins, second, normal) for bins in (first, first.whole)], axis=0)
    least, low = -np.min([_at_most(bins, first, normal) for bins in (second, second.whole)], axis=0)
    return _in_order(low, least, most, high)


def _in_order(low: float, least: float, most: float, high: float) -> Ends:
    """Where one bin bounds the middle from below, that may lie above what noise of all bins leaves."""
    most = max(least, most)
    return Ends(float(min(low, least)), float(least), float(most), float(max(most, high)))


def _at_least(seen: Bins, normal: Array) -> tuple[float, float]:
    """Low end and middle of an ECE, if noise adds most to it."""
    few, extra = _few_off(seen)
    noise, unseen = _noise(normal, seen, extra=extra)
    low, middle = (_inverted(seen.error, few, noise, share, unseen) for share in (0.975, 0.5))
    return low, middle


def _at_most(first: Bins, second: Bins, normal: Array) -> tuple[float, float]:
    """Middle and high end of the difference second − first, if noise adds most to the first ECE and least to the second."""
    few, extra = _few_off(first)
    (noise, unseen), own = _noise(normal, first, second, extra=extra), len(few)
    base = _inverted(first.error, few, noise[:, :own], 0.5)
    less = _drawn(base, few, noise[:, :own]) + unseen
    middle, end = (
        _inverted(second.error - first.error, _evenly_off(second), noise[:, own:], share, less) - base
        for share in (0.5, 0.025)
    )
    return middle, end


def _evenly_off(seen: Bins) -> Array:
    """What bins add to an ECE of 1 if all are off by equally many standard errors."""
    spread = np.sqrt(seen.variance)
    direction = np.where(seen.parts < 0, -1, 1) * (spread if spread.any() else 1.0)
    result: Array = direction / np.abs(direction).sum()
    return result


def _few_off(seen: Bins) -> tuple[Array, Array]:
    """What bins add to an ECE of 1 if only those are off that clearly are; and the variance they have besides.

    Their noise is at least that of a calibrated model.
    """
    error = np.sqrt(np.maximum(seen.variance, seen.floor))
    clearness = np.divide(np.abs(seen.parts), error, out=np.where(seen.parts == 0, 0, np.inf), where=error > 0)
    off = (clearness > CLEARLY) | (np.arange(len(error)) == clearness.argmax())
    direction = np.where(seen.parts == 0, 1.0, seen.parts) * off
    return direction / np.abs(direction).sum(), np.maximum(seen.floor - seen.variance, 0)


def _noise(normal: Array, *seen: Bins, extra: Array | float = 0.0) -> tuple[Array, Array]:
    """Normal noise of the bins, side by side, with what they share, and that of the ECE besides; the first have `extra` variance."""
    units = np.concatenate([one.units for one in seen], axis=1)
    apart = np.zeros(units.shape[1])
    apart[: len(seen[0].parts)] = extra
    values, vectors = np.linalg.eigh(units.T @ units + np.diag(apart))
    factor = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    unseen = np.sqrt(sum(one.unseen for one in seen))
    return normal[:, : len(values)] @ factor, normal[:, -1] * unseen


def _drawn(ece: float, direction: Array, noise: Array) -> Array:
    """ECEs that are seen under this noise, one a row."""
    result: Array = np.abs(ece * direction + noise).sum(1)
    return result


def _inverted(observed: float, direction: Array, noise: Array, share: float, less: Array | float = 0.0) -> float:
    """The ECE with which what is seen, minus `less`, is below `observed` in this share of draws; from 0 to 1."""

    def excess(ece: float) -> float:
        return float(np.quantile(_drawn(ece, direction, noise) - less, share)) - observed

    if excess(0.0) >= 0:
        return 0.0
    return 1.0 if excess(1.0) <= 0 else float(optimize.brentq(excess, 0.0, 1.0, xtol=1e-6))
