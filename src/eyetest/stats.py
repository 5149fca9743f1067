"""Intervals, paired tests, bootstrap, multiplicity and scores: pure functions over NumPy and SciPy."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from . import calibration_error, distributions, selective, weighted

Array = np.ndarray
Statistic = Callable[..., float]
Number = int | float
"""A count; no whole one where images count in part because they come in groups."""
RESAMPLES = 2000
REMEMBERED = 100_000_000
"""Counts of drawn images that are kept for the next statistic: 100 MB."""
BINS = 15
SWEEP = (5, 10, 15, 20, 30, 50)
"""Numbers of bins that a conclusion about calibration must hold for."""
COVERAGES = {"error_rate_at_coverage": 0.2} | {f"error_rate_at_{c}": c / 100 for c in (50, 80, 90, 95)}
"""Of the statistics that are error rates among the surest images."""
CALIBRATION_ERRORS = ("ece", "ece_debiased")
"""Statistics that noise keeps away from 0."""


class Interval(NamedTuple):
    """A value with its lower and upper bound."""

    value: float
    low: float
    high: float


def wilson(k: Number, n: Number, confidence: float = 0.95) -> Interval:
    """Score interval of the proportion k/n. Source: Wilson 1927."""
    z, p = _z(confidence), k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)
    return Interval(p, max(low, 0.0), min(high, 1.0))


def mean_interval(values: Array, confidence: float = 0.95) -> Interval:
    """Student's interval of a mean over images; without width where all values are equal. Source: Student 1908."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Interval(mean, -math.inf, math.inf)
    t = distributions.student_quantile((1 + confidence) / 2, n - 1)
    half = t * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Exact, conservative interval of the proportion k/n. Source: Clopper & Pearson 1934."""
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else distributions.beta_quantile(tail, k, n - k + 1)
    high = 1.0 if k == n else distributions.beta_quantile(1 - tail, k + 1, n - k)
    return Interval(k / n, low, high)


def mcnemar(b: int, c: int) -> tuple[float, float]:
    """Exact and mid-p two-sided p-values of b against c discordant pairs.

    Source: McNemar 1947; Fagerland, Lydersen & Laake 2013.
    """
    if b + c == 0:
        return 1.0, 1.0
    exact = min(1.0, 2 * distributions.binomial_up_to(min(b, c), b + c, 0.5))
    point = float(distributions.binomial_mass(min(b, c), b + c, 0.5))
    return exact, (1 - point / 2 if b == c else exact - point)


def fourfold(first: Array, second: Array) -> tuple[float, float, float, float]:
    """How many images are both, only the first, only the second, neither; from 0 to 1 each, where one counts in part."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    both = np.minimum(a, b)
    counts = [float(part.sum()) for part in (both, a - both, b - both)]
    return counts[0], counts[1], counts[2], len(a) - sum(counts)


def tango(a: Number, b: Number, c: Number, d: Number, confidence: float = 0.95) -> Interval:
    """Score interval of the paired difference (b − c)/n; b is right only in the first, c only in the second.

    Source: Tango 1998.
    """
    n, z = a + b + c + d, _z(confidence)
    difference = (b - c) / n

    def statistic(delta: float) -> float:
        big_b = -b - c + (2 * n - b + c) * delta
        product = -c * delta * (1 - delta)
        q = (math.sqrt(max(big_b * big_b - 8 * n * product, 0.0)) - big_b) / (4 * n)
        spread = n * (2 * q + delta * (1 - delta))
        gap = b - c - n * delta
        if spread <= 0:
            return 0.0 if gap == 0 else math.copysign(math.inf, gap)
        return gap / math.sqrt(spread)

    low = _root(lambda delta: min(statistic(delta) - z, 1e9), -1.0, difference)
    high = _root(lambda delta: max(statistic(delta) + z, -1e9), difference, 1.0)
    return Interval(difference, low, high)


def best_assignment(counts: Array) -> Array:
    """The column of each row of a square table, all different, whose counts add up to the most; ties go to the diagonal.

    Source: Kuhn 1955; Crouse 2016.
    """
    preferred = 2 * len(counts) * counts.astype(np.int64) + np.eye(len(counts), dtype=np.int64)
    result: Array = optimize.linear_sum_assignment(preferred, maximize=True)[1].astype(np.int64)
    return result


def fisher_greater(first: Array, second: Array, draws: int) -> Array:
    """One-sided exact p-values that the first arm wins more often than the second; counts of wins in `draws` each.

    Any shape of counts. Source: Fisher 1935; the p-value is the upper tail of the hypergeometric distribution.
    """
    wins = np.arange(draws + 1)
    total = wins[:, None] + wins
    chances = distributions.hypergeometric_mass(wins[:, None, None], 2 * draws, total, draws)
    table = np.cumsum(chances[::-1], axis=0)[::-1]
    result: Array = np.minimum(table[first, first, second], 1.0)
    return result


def stratified_greater(hits: Array, sizes: Array, other_hits: Array, other_sizes: Array) -> float:
    """One-sided exact p-value that the first group is hit more often than the other, within strata; one count a stratum.

    Conditional on the hits of each stratum the total of the first group is a sum of hypergeometric counts; with one
    stratum this is Fisher's test. Source: Mantel & Haenszel 1959; Fisher 1935.
    """
    chances = np.ones(1)
    rows = (column.astype(np.int64).tolist() for column in (hits, sizes, other_hits, other_sizes))
    for first, n, second, m in zip(*rows, strict=True):
        count = np.arange(min(n, first + second) + 1)
        chances = np.convolve(chances, distributions.hypergeometric_mass(count, n + m, first + second, n))
    return min(float(chances[int(np.sum(hits)) :].sum()), 1.0)


def newcombe(k1: int, n1: int, k2: int, n2: int, confidence: float = 0.95) -> Interval:
    """Hybrid score interval of k1/n1 − k2/n2 on independent images. Source: Newcombe 1998, method 10 (independent)."""
    return difference_of_intervals(wilson(k1, n1, confidence), wilson(k2, n2, confidence))


def difference_of_intervals(first: Interval, second: Interval) -> Interval:
    """Interval of first − second from two independent intervals. Source: Zou & Donner 2008 (MOVER)."""
    difference = first.value - second.value
    low = math.hypot(first.value - first.low, second.high - second.value)
    high = math.hypot(first.high - first.value, second.value - second.low)
    return Interval(difference, difference - low, difference + high)


def mean_of_shares(hits: Array, n: Array, confidence: float = 0.95) -> Interval:
    """Interval of the mean of independent shares hits/n: Wilson at the effective number, which has the mean's variance.

    The variance is that of (hits + 1)/(n + 2), so that it is not 0 where all are right. Source: Wilson 1927; the
    effective number as in Korn & Graubard 1998.
    """
    shrunk = (hits + 1) / (n + 2)
    centre, variance = float(shrunk.mean()), float((shrunk * (1 - shrunk) / n).sum()) / len(n) ** 2
    effective, value = centre * (1 - centre) / variance, float((hits / n).mean())
    interval = wilson(value * effective, effective, confidence)
    return Interval(value, interval.low, interval.high)


def binomial(k: int, n: int, p: float) -> tuple[float, float]:
    """Exact and mid-p two-sided p-values of k among n under chance p: all outcomes that are no likelier, the equally
    likely ones half in mid-p. n = 0 gives 1.

    Source: Clopper & Pearson 1934; Lancaster 1961; at p = ½ it is McNemar's test.
    """
    mass = distributions.binomial_mass(np.arange(n + 1), n, p)
    equal = np.isclose(mass, mass[k], rtol=1e-7, atol=0)
    exact = float(mass[(mass < mass[k]) | equal].sum())
    return min(exact, 1.0), (exact - float(mass[equal].sum()) / 2 if n else 1.0)


def holm(p: Sequence[float]) -> Array:
    """Adjusted p-values that control the chance of any false rejection. Source: Holm 1979."""
    result: Array = holm_rows(np.asarray(p, dtype=np.float64)[None])[0]
    return result


def holm_rows(p: Array) -> Array:
    """The adjustment of holm() for each row, n m, by itself."""
    order, m = np.argsort(p, axis=1, kind="stable"), p.shape[1]
    steps = np.minimum(1, (m - np.arange(m)) * np.take_along_axis(p, order, 1))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(steps, 1), 1)
    return adjusted


def bowker(counts: Array) -> tuple[float, int, float]:
    """Statistic, degrees of freedom and p-value of the symmetry of a square table of counts. Source: Bowker 1948."""
    upper, lower = np.triu(counts, 1), np.tril(counts, -1).T
    total = (upper + lower).astype(np.float64)
    used = total > 0
    statistic = float(((upper - lower)[used] ** 2 / total[used]).sum())
    freedom = int(used.sum())
    return statistic, freedom, distributions.chi_squared_above(statistic, freedom) if freedom else 1.0


def generator(seed: str) -> np.random.Generator:
    """A generator that is seeded by a text, such as the data's fingerprint."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))


def bootstrap(
    statistic: Statistic,
    columns: Sequence[Array],
    seed: str,
    *,
    groups: Array | None = None,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic of per-image columns, images resampled. Source: Efron & Tibshirani 1993, ch. 13.

    Where `groups` gives one an image, whole groups are resampled (Davison & Hinkley 1997, section 3.8), and the interval is
    widened for their number. The same seed and number of images or groups give the same resamples, so that paired
    differences can be taken. Raises ValueError if all images are of one group.
    """
    draws = resampled(statistic, columns, seed, groups=groups, resamples=resamples)
    return _percentiles(statistic(*columns), draws, groups, confidence)


def resampled(
    statistic: Statistic,
    columns: Sequence[Array],
    seed: str,
    *,
    groups: Array | None = None,
    resamples: int = RESAMPLES,
) -> Array:
    """The statistic on each resample of the images, or of the groups."""
    n = len(columns[0])
    if groups is None and n * resamples <= REMEMBERED:
        whole, size = _drawn_once(seed, n, resamples), weighted.part_size(n)
        parts: Iterable[Array] = (whole[start : start + size] for start in range(0, resamples, size))
    else:
        parts = weighted.counted(_seeds(seed, resamples), n, groups)
    if statistic in WEIGHTED:
        return WEIGHTED[statistic](*columns).resampled(parts)
    if statistic in OF_MEANS:
        return np.array([statistic(*means[:, None]) for part in parts for means in _means(part, columns)])
    rows = (np.repeat(np.arange(n), counts) for part in parts for counts in part)
    return np.array([statistic(*(column[chosen] for column in columns)) for chosen in rows])


def _means(counts: Array, columns: Sequence[Array]) -> Array:
    """Means of the columns in each resample, c k."""
    result: Array = counts.astype(np.float64) @ np.stack(columns, axis=1) / counts.sum(1, keepdims=True)
    return result


def _seeds(seed: str, resamples: int) -> Array:
    return generator(seed).integers(0, 2**63, size=resamples)


@lru_cache(maxsize=1)
def _drawn_once(seed: str, n: int, resamples: int) -> Array:
    """How often each image is drawn in every resample, r n: all statistics of an audit read the same ones."""
    return np.concatenate(list(weighted.counted(_seeds(seed, resamples), n)))


def difference_of_draws(
    value: float, draws: Array, groups: Array | None = None, confidence: float = 0.95
) -> tuple[Interval, float]:
    """Percentile interval of a difference from its resamples, and the two-sided p-value of none.

    The p-value is normal with the spread of the resamples (Student's with g − 1 degrees of freedom for g groups), because
    a family asks for smaller ones than counts of resamples can give (Efron & Tibshirani 1993, section 12.3).
    """
    interval, spread = _percentiles(value, draws, groups, confidence), float(draws.std(ddof=1))
    if spread == 0:
        return interval, float(value == 0)
    if groups is None:
        return interval, distributions.normal_p(value / spread)
    number = len(np.unique(groups))
    return interval, distributions.student_p(value / (spread * math.sqrt(number / (number - 1))), number - 1)


def ece_interval(
    value: float,
    confidence: Array,
    correct: Array,
    seed: str,
    *,
    groups: Array | None = None,
    bins: int = BINS,
    draws: int = RESAMPLES,
) -> Interval:
    """The 95 % interval of the ECE of all images of this kind, lengthened to `value` (debiased or not) where that is outside."""
    found = ece_ends(confidence, correct, seed, groups=groups, bins=bins, draws=draws)
    return Interval(value, min(found.low, value), max(found.high, value))


def ece_ends(
    confidence: Array,
    correct: Array,
    seed: str,
    *,
    groups: Array | None = None,
    bins: int = BINS,
    draws: int = RESAMPLES,
) -> calibration_error.Ends:
    """Where the ECE of all images of this kind may be, and where noise may have moved the one that was seen."""
    seen = calibration_error.of_bins(confidence, correct, bins=bins, groups=groups)
    return calibration_error.ends(seen, generator(f"{seed} {bins} bins"), draws=draws)


def ece_sweep(confidence: Array, correct: Array, seed: str, *, groups: Array | None = None) -> dict[int, Interval]:
    """Debiased ECE with its interval for each number of bins of SWEEP."""
    found = {}
    for bins in SWEEP:
        value = float(_debiased_gap_of_bins(*_one_row(calibration_bins(confidence, correct, bins)))[0])
        found[bins] = ece_interval(value, confidence, correct, seed, groups=groups, bins=bins)
    return found


def mean(values: Array) -> float:
    """The mean."""
    return float(np.mean(values))


def ratio_of_means(numerator: Array, denominator: Array) -> float:
    """Mean of the numerator over mean of the denominator; 0 if that is 0."""
    base = float(denominator.mean())
    return float(numerator.mean()) / base if base else 0.0


def mean_among(values: Array, member: Array) -> float:
    """Mean of the values where member is 1; 0 if that is nowhere."""
    return ratio_of_means(values * member, member)


def least_difference_of_means(base: Array, *others: Array) -> float:
    """The smallest mean of the others, minus the mean of the first."""
    return min(float(other.mean()) for other in others) - float(base.mean())


def difference_of_ratios(first: Array, first_base: Array, second: Array, second_base: Array) -> float:
    """Ratio of the means of the first pair, minus that of the second; a ratio with base 0 counts as 0."""
    return ratio_of_means(first, first_base) - ratio_of_means(second, second_base)


def ratio_to_independence(joint: Array, first: Array, second: Array) -> float:
    """How often two things happen together, over how often they would if they were independent; 0 if never."""
    expected = float(first.mean()) * float(second.mean())
    return float(joint.mean()) / expected if expected else 0.0


def difference_of_groups(values: Array, group: Array) -> float:
    """Mean where group is 1, minus mean where it is 0."""
    return float(values[group == 1].mean() - values[group == 0].mean())


def balanced_accuracy(correct: Array, label: Array) -> float:
    """Mean over classes of the share of correct images."""
    label = label.astype(np.int64)
    counts = np.bincount(label)
    right = np.bincount(label, weights=correct)
    return float((right[counts > 0] / counts[counts > 0]).mean())


def ece(confidence: Array, correct: Array) -> float:
    """Expected calibration error, ℓ₁, 15 bins of equal mass. Source: Nixon et al. 2019."""
    return float(_gap_of_bins(*_one_row(calibration_bins(confidence, correct)))[0])


def ece_debiased(confidence: Array, correct: Array) -> float:
    """ECE minus its own bias under normal noise of the bin accuracies; at least 0.

    Source: Kumar, Liang & Ma 2019 (normal_debiased_ce). The expected absolute deviation is taken in closed form.
    """
    return float(_debiased_gap_of_bins(*_one_row(calibration_bins(confidence, correct)))[0])


def _one_row(bins: Sequence[Array]) -> list[Array]:
    return [part[None] for part in bins]


def _gap_of_bins(sizes: Array, accuracy: Array, sureness: Array) -> Array:
    """ECE of each row of bins, c b."""
    result: Array = (sizes * np.abs(accuracy - sureness)).sum(-1) / sizes.sum(-1)
    return result


def _debiased_gap_of_bins(sizes: Array, accuracy: Array, sureness: Array) -> Array:
    """Debiased ECE of each row of bins, c b; empty bins count nothing."""
    gap, spread = accuracy - sureness, np.sqrt(np.maximum(accuracy * (1 - accuracy), 0) / np.maximum(sizes, 1))
    safe = np.where(spread > 0, spread, 1.0)
    folded = spread * math.sqrt(2 / math.pi) * np.exp(-((gap / safe) ** 2) / 2) + gap * (
        1 - 2 * special.ndtr(-gap / safe)
    )
    bias = (sizes * (np.where(spread > 0, folded, np.abs(gap)) - np.abs(gap))).sum(-1) / sizes.sum(-1)
    return np.maximum(_gap_of_bins(sizes, accuracy, sureness) - bias, 0.0)


def calibration_bins(confidence: Array, correct: Array, bins: int = BINS) -> tuple[Array, Array, Array]:
    """Size, accuracy and mean confidence of bins of equal mass (the first ones one larger where it does not divide)."""
    order = np.argsort(confidence, kind="stable")
    sureness, right = confidence[order].astype(np.float64), _mean_over_ties(confidence[order], correct[order])
    parts = min(bins, len(order))
    sizes = np.full(parts, len(order) // parts) + (np.arange(parts) < len(order) % parts)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    accuracy, mean_sureness = (np.add.reduceat(values, starts) / sizes for values in (right, sureness))
    return sizes.astype(np.float64), accuracy, mean_sureness


def _mean_over_ties(confidence: Array, correct: Array) -> Array:
    """Correctness with the mean of its block where sorted confidences are equal, so that order within it is nothing."""
    starts = np.flatnonzero(np.concatenate([[True], confidence[1:] != confidence[:-1]]))
    sizes = np.diff(np.append(starts, len(confidence)))
    return np.repeat(np.add.reduceat(correct.astype(np.float64), starts) / sizes, sizes)


def brier(probabilities: Array, labels: Array) -> Array:
    """Brier score of each image, 0 to 2 (sum form). Source: Brier 1950."""
    wanted = np.zeros_like(probabilities)
    wanted[np.arange(len(labels)), labels] = 1
    result: Array = ((probabilities - wanted) ** 2).sum(1)
    return result


def rank_correlation(first: Array, second: Array) -> Array:
    """Spearman's correlation of each row, n m; 0 where a row is constant. Source: Spearman 1904."""
    ranks = [distributions.ranks(values) for values in (first, second)]
    centred = [values - values.mean(1, keepdims=True) for values in ranks]
    product = (centred[0] * centred[1]).sum(1)
    length = np.sqrt((centred[0] ** 2).sum(1) * (centred[1] ** 2).sum(1))
    result: Array = np.divide(product, length, out=np.zeros_like(product), where=length > 0)
    return result


def auroc(score: Array, positive: Array) -> float:
    """Chance that a positive image scores above a negative one, ties one half; 0.5 if there are not both.

    Source: Mann & Whitney 1947.
    """
    chosen = positive.astype(bool)
    n1, n0 = int(chosen.sum()), int((~chosen).sum())
    if not n1 or not n0:
        return 0.5
    ranks = distributions.ranks(score)
    return float((ranks[chosen].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def delong(score: Array, positive: Array, confidence: float = 0.95) -> Interval:
    """The AUROC of a score with its interval; needs at least two positive and two negative images.

    Source: DeLong, DeLong & Clarke-Pearson 1988, with the ranks of Sun & Xu 2014.
    """
    chosen = positive.astype(bool)
    ranks, parts = distributions.ranks(score), (chosen, ~chosen)
    sizes = [int(part.sum()) for part in parts]
    placed = [
        (ranks[part] - distributions.ranks(score[part])) / other for part, other in zip(parts, sizes[::-1], strict=True)
    ]
    half = _z(confidence) * math.sqrt(sum(one.var(ddof=1) / len(one) for one in placed))
    value = float(placed[0].mean())
    return Interval(value, max(value - half, 0.0), min(value + half, 1.0))


def aurc(sureness: Array, wrong: Array) -> float:
    """Area under the risk-coverage curve, ties in expectation. Source: Geifman, Uziel & El-Yaniv 2019."""
    return selective.Aurc(sureness, wrong).whole()


def e_aurc(sureness: Array, wrong: Array) -> float:
    """AURC minus that of the best order of the same errors (discrete). Source: Geifman, Uziel & El-Yaniv 2019."""
    return selective.ExcessAurc(sureness, wrong).whole()


def augrc(sureness: Array, wrong: Array) -> float:
    """Area under the generalised risk-coverage curve. Source: Traub et al. 2024."""
    return selective.Augrc(sureness, wrong).whole()


def right_above_wrong(confidence: Array, wrong: Array) -> float:
    """Chance that a right answer is surer than a wrong one, ties one half."""
    return auroc(confidence, 1 - wrong)


def surest(confidence: Array, coverage: float) -> Array:
    """1 for the surest images, `coverage` of all, and 0 for the others; a block of ties that only fits in part counts in part."""
    n = surest_number(len(confidence), coverage)
    threshold = np.partition(confidence, len(confidence) - n)[len(confidence) - n]
    above, tied = confidence > threshold, confidence == threshold
    return above + tied * ((n - above.sum()) / tied.sum())


def surest_number(images: int, coverage: float) -> int:
    """How many images are `coverage` of all; at least 1."""
    return max(round(coverage * images), 1)


def error_rate_at_coverage(confidence: Array, wrong: Array, coverage: float = 0.2) -> float:
    """Share of wrong images among the surest `coverage`; a block of ties counts with its mean."""
    return float(surest(confidence, coverage) @ wrong) / surest_number(len(confidence), coverage)


STATISTICS: dict[str, Statistic] = {
    "mean": mean,
    "mean_among": mean_among,
    "ratio_of_means": ratio_of_means,
    "ratio_to_independence": ratio_to_independence,
    "difference_of_ratios": difference_of_ratios,
    "balanced_accuracy": balanced_accuracy,
    "difference_of_groups": difference_of_groups,
    "least_difference_of_means": least_difference_of_means,
    "ece": ece,
    "ece_debiased": ece_debiased,
    "auroc": auroc,
    "right_above_wrong": right_above_wrong,
    "aurc": aurc,
    "e_aurc": e_aurc,
    "augrc": augrc,
    **{name: partial(error_rate_at_coverage, coverage=coverage) for name, coverage in COVERAGES.items()},
}

WEIGHTED: dict[Statistic, Callable[..., weighted.Weighted]] = {
    ece: partial(weighted.OfBins, _gap_of_bins, BINS),
    ece_debiased: partial(weighted.OfBins, _debiased_gap_of_bins, BINS),
    auroc: weighted.Auroc,
    aurc: selective.Aurc,
    e_aurc: selective.ExcessAurc,
    augrc: selective.Augrc,
    **{STATISTICS[name]: partial(selective.ErrorRateAt, coverage) for name, coverage in COVERAGES.items()},
    right_above_wrong: lambda confidence, wrong: weighted.Auroc(confidence, 1 - wrong),
}
"""Statistics that sort, whose resamples are taken without sorting again; the others are called on each resample."""

OF_MEANS: tuple[Statistic, ...] = (
    mean,
    ratio_of_means,
    least_difference_of_means,
    difference_of_ratios,
    ratio_to_independence,
)
"""Statistics that read nothing but the columns' means, and so can be asked of those alone."""


def _percentiles(value: float, draws: Array, groups: Array | None, confidence: float) -> Interval:
    """The interval; with groups its arms are longer, because so few vary too little."""
    low, high = (float(end) for end in np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]))
    if groups is None:
        return Interval(value, low, high)
    factor = distributions.wider_for_groups(len(np.unique(groups)), confidence)
    return Interval(value, value - factor * (value - low), value + factor * (high - value))


def _z(confidence: float) -> float:
    return distributions.normal_quantile((1 + confidence) / 2)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    tiny = 1e-12
    left, right = low + tiny, high - tiny
    if left >= right or function(left) * function(right) > 0:
        return low if low == -1.0 else high
    return float(optimize.brentq(function, left, right, xtol=1e-12))
