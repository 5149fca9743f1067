"""Several trainings of two recipes: how far their difference is luck of the training, and how far luck of the images.

K trainings of each recipe answer the same images. Luck of a training is read from the spread of a recipe's K values; luck of
the images from how the values move together when images are resampled: what one training does alone is in its spread already
and is not counted twice (a two-way crossed design; Brennan 2001, section 3.4; Owen 2007). Trainings of different recipes are
taken as unrelated, also those of one seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, final

import numpy as np
from scipy import special

from . import distributions, reliance, stats
from .stats import Array, Interval

LEAST, BOOTSTRAPPED = 3, 5
"""Trainings of each recipe from which on there is an interval, and from which on the seeds are resampled."""
FLOOR = 0.1
"""Part of what the images alone would make a recipe's values differ that its variance is at least: of few trainings, equal
counts of rare events are common, and would look like no noise."""
RESAMPLES = 1000
BIAS = ", from where noise may have moved each ECE"
Columns = Sequence[Array]
Amounts = Array | np.floating[Any]
"""One number, or an array of any shape with one a comparison."""
Answer = tuple[Amounts, Amounts, Amounts, Amounts]
"""Difference, low, high and two-sided p of the means over trainings."""


class Images(NamedTuple):
    """Variances from the draw of images."""

    shared: Amounts
    """Of the difference of the recipes: what does not average out over trainings."""
    first: Amounts
    """Of each training of the first recipe by itself."""
    second: Amounts
    units: int
    """Images, or groups of images."""


class Noise(NamedTuple):
    """Variances that add up to that of the difference of the means over trainings, and their degrees of freedom."""

    first: Amounts
    """From the trainings of the first recipe."""
    second: Amounts
    image: Amounts
    freedom: Amounts
    """Satterthwaite's."""

    @property
    def total(self) -> Amounts:
        """Variance of the difference for new trainings on new images."""
        return self.first + self.second + self.image

    @property
    def seed_share(self) -> Amounts:
        """Part of it that more trainings would lessen."""
        total = self.total
        return np.divide(self.first + self.second, total, out=np.zeros_like(total), where=total > 0)


@final
@dataclass(frozen=True)
class Told:
    """What K trainings of each recipe tell of one statistic, second recipe minus first."""

    first: Array
    """The statistic of each training of the first recipe, K."""
    second: Array
    n: int
    """Images of one training."""
    value: float
    """Difference of the means over trainings."""
    interval: Interval | None
    """Of the difference for new trainings and new images; None if K is too small for one."""
    p: float | None
    """Two-sided; None where there is no interval."""
    tellable: float | None
    """Smallest difference whose interval would leave out 0: half of its width."""
    detectable: float | None
    """Smallest true difference that is told in 80 % of such studies: half of the width + t at 80 % × standard error."""
    image_deviation: float
    """Standard deviation of the difference over draws of images, for given recipes and endlessly many trainings."""
    seed_share: float
    """Part of the variance that more trainings would lessen."""
    method: str

    @property
    def deviations(self) -> tuple[float, float]:
        """Standard deviation over trainings on the same images, of each recipe."""
        return float(np.std(self.first, ddof=1)), float(np.std(self.second, ddof=1))

    @property
    def between(self) -> tuple[float, float]:
        """Smallest and largest difference of any two trainings, one of each recipe."""
        return float(self.second.min() - self.first.max()), float(self.second.max() - self.first.min())

    @property
    def credible(self) -> bool:
        """Whether the interval leaves out 0, and, of fewer than five trainings, no two of them say the opposite."""
        if self.interval is None or self.interval.low <= 0 <= self.interval.high:
            return False
        low, high = self.between
        return len(self.first) >= BOOTSTRAPPED or not low <= 0 <= high


def difference(
    statistic: str,
    first: Sequence[Columns],
    second: Sequence[Columns],
    seed: str,
    *,
    groups: Array | None = None,
    same_images: bool = True,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Told:
    """The difference of a named statistic between two recipes, from the columns of K trainings of each.

    `statistic` is in stats.STATISTICS or reliance.RULES; `first` and `second` hold for each training the columns that it
    reads, one row an image. Two trainings have no interval. Three or four: Welch's t, with the noise of images added. From
    five on, for a statistic that is not linear in the images: the hierarchical bootstrap. `same_images` is False where only
    the two trainings of one seed answered the same images; then the whole noise of one seed's images is added, too wide.
    The interval of a calibration error reaches as far as noise may have moved that of each training, besides.
    Groups are not known to the statistics of reliance.RULES. Raises ValueError if the recipes have not the same number of
    trainings, at least two, or if all images are of one group.

    Source: Welch 1947; Davison & Hinkley 1997, section 3.8; METHODS 1.5, but for the noise that would be counted twice.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"{len(first)} and {len(second)} trainings; as many of each recipe, at least 2, were expected")
    read, k, draws = reader(statistic), len(first), None
    a, b = (np.array([read(columns) for columns in side]) for side in (first, second))
    if statistic in reliance.RULES:
        images = _of_cues(statistic, first, second, same_images=same_images)
    elif statistic == "mean" and groups is None and same_images:
        images = of_means(*(np.array([columns[0] for columns in side], dtype=np.float64) for side in (first, second)))
    else:
        draws = _drawn(statistic, first, second, seed, groups, resamples)
        images = _of_draws(draws, len(first[0][0]), groups, same_images=same_images)
    found, over = noise(a, b, images), _over(None if draws is None else groups, same_images)
    method = f"Welch's t over {k} + {k} trainings{over}, df {float(found.freedom):.3g}"
    if draws is not None and k >= BOOTSTRAPPED and same_images:
        method = f"hierarchical bootstrap over {k} + {k} trainings{over}, {resamples} resamples"
    else:
        draws = None
    answer = partial(_answer, images, draws, seed, confidence)
    biased = statistic in stats.CALIBRATION_ERRORS
    told = _beyond_bias(answer, a, b, *_middles(first, second, seed, groups)) if biased else answer(a, b)
    return _told(a, b, len(first[0][0]), told, found, confidence, f"{method}{BIAS if biased else ''}")


def reader(statistic: str) -> Callable[[Columns], float]:
    """The function of columns with that name."""
    if statistic in reliance.RULES:
        return lambda columns: reliance.of_columns(statistic, columns)[0].value
    return lambda columns: float(stats.STATISTICS[statistic](*columns))


def noise(first: Array, second: Array, images: Images) -> Noise:
    """The parts of the variance from the values of trainings, … k each, and what the images do."""
    k = first.shape[-1]
    parts = [
        np.maximum(values.var(axis=-1, ddof=1), FLOOR * own) / k
        for values, own in ((first, images.first), (second, images.second))
    ]
    image = np.maximum(images.shared, 0.0)
    pieces = (parts[0] ** 2 + parts[1] ** 2) / (k - 1) + image**2 / max(images.units - 1, 1)
    total = parts[0] + parts[1] + image
    freedom = np.divide(total**2, pieces, out=np.full(np.shape(total), np.inf), where=pieces > 0)
    return Noise(parts[0], parts[1], image, freedom)


def welch(first: Array, second: Array, found: Noise, confidence: float = 0.95) -> Answer:
    """Difference, low, high and two-sided p of the means over trainings, of any leading shape.

    Source: Welch 1947; Satterthwaite 1946.
    """
    value, error = second.mean(axis=-1) - first.mean(axis=-1), np.sqrt(found.total)
    half = special.stdtrit(found.freedom, (1 + confidence) / 2) * error
    ratio = np.divide(np.abs(value), error, out=np.where(value == 0, 0.0, np.inf), where=error > 0)
    return value, value - half, value + half, 2 * special.stdtr(found.freedom, -ratio)


def hierarchical(
    first: Array, second: Array, draws: Array, found: Noise, seed: str, confidence: float = 0.95
) -> Answer:
    """The same by resampling trainings within each recipe, and images for all trainings together (`draws`, 2k r).

    Deviations of seeds are stretched by √(k/(k−1)), those of images shrunk to the part that is shared by trainings, and
    the arms are t/z as long, because k trainings tell little of their own variance.
    """
    k, resamples = len(first), draws.shape[1]
    random = stats.generator(f"{seed}/seeds")
    whole = draws[k:].mean(axis=0) - draws[:k].mean(axis=0)
    spread = whole.std(ddof=1)
    moved = (whole - whole.mean()) * (math.sqrt(float(found.image)) / spread if spread > 0 else 0.0)
    for values, sign in ((first, -1.0), (second, 1.0)):
        chosen = values[random.integers(0, k, (resamples, k))].mean(axis=1)
        moved = moved + sign * math.sqrt(k / (k - 1)) * (chosen - values.mean())
    level = (1 + confidence) / 2
    moved *= special.stdtrit(found.freedom, level) / special.ndtri(level)
    value = second.mean() - first.mean()
    low, high = np.quantile(value + moved, [1 - level, level])
    below, above = (1 + np.sum(value + moved <= 0), 1 + np.sum(value + moved >= 0))
    return value, low, high, np.minimum(1.0, 2 * np.minimum(below, above) / (resamples + 1))


def of_means(first: Array, second: Array) -> Images:
    """What the draw of images does to the means of … k n columns, exactly."""
    whole = np.concatenate([first, second], axis=-2)
    n = whole.shape[-1]
    centred = whole - whole.mean(axis=-1, keepdims=True)
    return shared(centred @ np.swapaxes(centred, -1, -2) / (n * (n - 1)), n)


def shared(covariance: Array, units: int) -> Images:
    """What the draw of images does, from its covariances of the 2k values, … 2k 2k, the first recipe's before."""
    k = covariance.shape[-1] // 2
    aa, ab, bb = covariance[..., :k, :k], covariance[..., :k, k:], covariance[..., k:, k:]
    common = [_others(block) for block in (aa, bb, ab)]
    own = [np.trace(block, axis1=-2, axis2=-1) / k - part for block, part in zip((aa, bb), common[:2], strict=True)]
    return Images(common[0] + common[1] - 2 * common[2], np.maximum(own[0], 0), np.maximum(own[1], 0), units)


@final
@dataclass(frozen=True)
class Allowed:
    """What k trainings of each recipe can tell at best."""

    permutation_p: float
    """Smallest two-sided p of a test that only looks at their order."""
    deviation: tuple[float, float]
    """The true standard deviation over trainings is between these multiples of the one seen, in 95 % of cases, if it is normal."""


def allowed(k: int) -> Allowed:
    """What k trainings of each recipe can tell at best; k is at least 2."""
    ends = [math.sqrt((k - 1) / distributions.chi_squared_quantile(level, k - 1)) for level in (0.975, 0.025)]
    return Allowed(2 / math.comb(2 * k, k), (ends[0], ends[1]))


def _others(block: Array) -> Amounts:
    """Mean of … k k over pairs of different seeds."""
    k = block.shape[-1]
    result: Amounts = (block.sum(axis=(-2, -1)) - np.trace(block, axis1=-2, axis2=-1)) / (k * (k - 1))
    return result


def _drawn(
    statistic: str, first: Sequence[Columns], second: Sequence[Columns], seed: str, groups: Array | None, resamples: int
) -> Array:
    """The statistic of every training on the same resamples of the images, 2k r."""
    of = stats.STATISTICS[statistic]
    return np.array(
        [stats.resampled(of, columns, seed, groups=groups, resamples=resamples) for columns in (*first, *second)]
    )


def _of_draws(draws: Array, n: int, groups: Array | None, *, same_images: bool) -> Images:
    units = n if groups is None else len(np.unique(groups))
    if units < 2:
        raise ValueError("all images are of one group, so nothing can be said of others")
    if same_images:
        return shared(np.cov(draws) * units / (units - 1), units)
    k = len(draws) // 2
    apart = (draws[k:] - draws[:k]).var(axis=1, ddof=1) * units / (units - 1)
    return Images(apart.mean(), np.zeros(()), np.zeros(()), units)


def _of_cues(statistic: str, first: Sequence[Columns], second: Sequence[Columns], *, same_images: bool) -> Images:
    n = len(first[0][0])
    if same_images:
        return shared(reliance.covariance(statistic, (*first, *second)), n)
    alone = [float(reliance.covariance(statistic, (columns,))[0, 0]) for columns in (*first, *second)]
    return Images(np.array(2 * np.mean(alone)), np.zeros(()), np.zeros(()), n)


def _answer(images: Images, draws: Array | None, seed: str, confidence: float, first: Array, second: Array) -> Answer:
    """From the values of trainings; with `draws` hierarchically."""
    found = noise(first, second, images)
    if draws is None:
        return welch(first, second, found, confidence)
    return hierarchical(first, second, draws, found, seed, confidence)


def _middles(
    first: Sequence[Columns], second: Sequence[Columns], seed: str, groups: Array | None
) -> tuple[Array, Array]:
    """Where the ECE of each training is, if noise added to it as much as it may have, and as little; 2k each."""
    ends = [
        stats.ece_ends(confidence, correct, seed, groups=groups, draws=RESAMPLES)
        for confidence, correct in (*first, *second)
    ]
    return np.array([one.least for one in ends]), np.array([one.most for one in ends])


def _beyond_bias(
    answer: Callable[[Array, Array], Answer], first: Array, second: Array, least: Array, most: Array
) -> Answer:
    """From the lowest to the highest end, wherever noise moved the values; p is that of the difference nearest to 0."""
    k, value = len(first), second.mean() - first.mean()
    below, above = answer(most[:k], least[k:]), answer(least[:k], most[k:])
    p = below[3] if below[0] > 0 else above[3] if above[0] < 0 else 1.0
    return value, np.minimum(below[1], value), np.maximum(above[2], value), np.asarray(p)


def _over(groups: Array | None, same_images: bool) -> str:
    if not same_images:
        return " on images of each seed's own"
    return " on the same images" if groups is None else f" over {len(np.unique(groups)):,} groups of the same images"


def _told(
    first: Array,
    second: Array,
    n: int,
    answer: Answer,
    found: Noise,
    confidence: float,
    method: str,
) -> Told:
    value, low, high, p = (float(one) for one in answer)
    k, enough = len(first), len(first) >= LEAST
    for_power = special.stdtrit(found.freedom, 0.8) * np.sqrt(found.total)
    return Told(
        first=first,
        second=second,
        n=n,
        value=value,
        interval=Interval(value, low, high) if enough else None,
        p=p if enough else None,
        tellable=(high - low) / 2 if enough else None,
        detectable=float((high - low) / 2 + for_power) if enough else None,
        image_deviation=float(np.sqrt(found.image)),
        seed_share=float(found.seed_share),
        method=method if enough else f"{k} + {k} trainings: no interval",
    )
