"""Calibration: the temperature that fits, what bins look like by chance, and the ends of an ECE."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from . import distributions

Array = np.ndarray
WIDEST = 4.0
"""The logarithm of the temperature is sought within ± this."""
PIECES = 500
"""Images of neighbouring confidence are drawn together from about this many pieces on."""
CLEARLY = 2.0
"""Standard errors from which a bin counts as off, for the low end of an ECE."""


class Temperature(NamedTuple):
    """What the logits are divided by, with its 95 % interval."""

    value: float
    low: float
    high: float
    at_limit: bool
    """Whether the likelihood still rose at the end of the range: the answers are all right, or no better than chance."""

    def apply(self, logits: Array) -> Array:
        """The probabilities at this temperature, n k."""
        scaled: Array = special.softmax(logits / self.value, axis=1)
        return scaled


def fit_temperature(logits: Array, labels: Array) -> Temperature:
    """The temperature of the least negative log-likelihood; logits n k, finite.

    The interval is normal in log T, with the robust standard error of an M-estimator (Huber 1967; White 1982).
    Source: Guo et al. 2017, section 4.2.
    """
    chosen = logits[np.arange(len(labels)), labels]

    def excess(log_t: float) -> float:
        return float((special.softmax(logits / math.exp(log_t), axis=1) * logits).sum(1).mean() - chosen.mean())

    if excess(-WIDEST) <= 0 or excess(WIDEST) >= 0:
        edge = math.exp(-WIDEST if excess(-WIDEST) <= 0 else WIDEST)
        return Temperature(edge, edge, edge, True)
    log_t = optimize.brentq(excess, -WIDEST, WIDEST, xtol=1e-12)
    p = special.softmax(logits / math.exp(log_t), axis=1)
    centre = (p * logits).sum(1)
    bend = (p * (logits - centre[:, None]) ** 2).sum(1).mean()
    error = math.exp(log_t) * math.sqrt(((centre - chosen) ** 2).mean() / len(labels)) / bend
    low, high = (math.exp(log_t + sign * distributions.Z * error) for sign in (-1, 1))
    return Temperature(math.exp(log_t), low, high, False)


class Consistency(NamedTuple):
    """What bins of equal mass would look like if every confidence were right."""

    low: Array
    high: Array
    """95 % of the accuracies of each bin lie between these."""
    expected: float
    """Mean ECE."""
    p: float
    """Share of ECEs at least as large as the one that was seen; (1 + k)/(1 + draws)."""


def consistency(
    confidence: Array,
    observed: float,
    random: np.random.Generator,
    *,
    bins: int,
    draws: int = 999,
    pieces: int = PIECES,
) -> Consistency:
    """Right answers drawn with the stated confidence, in the same bins; `observed` is the ECE that was seen.

    Equal confidences share one bin's cut, as in stats.calibration_bins. With more images than `pieces`, neighbours are
    drawn together with their mean confidence, which is a little wider. Source: Bröcker & Smith 2007; Vaicenavicius 2019.
    """
    ordered, n = np.sort(confidence).astype(np.float64), len(confidence)
    sizes = _bin_sizes(n, bins)
    ends = np.cumsum(sizes)
    starts = _pieces(ordered, ends, pieces)
    lengths, sums = np.diff(np.append(starts, n)), np.add.reduceat(ordered, starts)
    right = random.binomial(lengths, np.clip(sums / lengths, 0, 1), (draws, len(starts)))
    cumulated = np.concatenate([np.zeros((draws, 1)), np.cumsum(right, 1)], 1)
    piece = np.searchsorted(starts, ends, side="left") - 1
    part = (ends - starts[piece]) / lengths[piece]
    accuracy = np.diff(cumulated[:, piece] + part * right[:, piece], axis=1, prepend=0) / sizes
    stated = np.add.reduceat(ordered, ends - sizes) / sizes
    errors = (sizes * np.abs(accuracy - stated)).sum(1) / n
    low, high = np.quantile(accuracy, (0.025, 0.975), axis=0)
    return Consistency(low, high, float(errors.mean()), float((1 + (errors >= observed - 1e-12).sum()) / (1 + draws)))


def classwise(
    probabilities: Array, labels: Array, bins: int, groups: Array | None = None
) -> tuple[float, float, float]:
    """Classwise ECE, its upward bias under normal noise of the bins, and its standard error; bins of equal mass a class.

    The standard error is that of the linearised statistic with its bins held fixed, over images or over `groups`.
    Source: Kull et al. 2019; Nixon et al. 2019; the bias as in Kumar, Liang & Ma 2019.
    """
    n, k = probabilities.shape
    influence, value, bias = np.zeros(n), 0.0, 0.0
    parts = len(_bin_sizes(n, bins))
    place = np.repeat(np.arange(parts), _bin_sizes(n, bins))
    for one in range(k):
        order = np.argsort(probabilities[:, one], kind="stable")
        gap = (labels[order] == one) - probabilities[order, one]
        sums, squares = np.bincount(place, gap), np.bincount(place, gap**2)
        spread = np.sqrt(np.maximum(squares - sums**2 / np.bincount(place), 0))
        safe = np.where(spread > 0, spread, 1)
        folded = spread * math.sqrt(2 / math.pi) * np.exp(-((sums / safe) ** 2) / 2) + sums * special.erf(
            sums / safe / math.sqrt(2)
        )
        value += np.abs(sums).sum() / n / k
        bias += (np.where(spread > 0, folded, np.abs(sums)) - np.abs(sums)).sum() / n / k
        influence[order] += np.sign(sums)[place] * gap / k
    centred = influence - influence.mean()
    totals = centred if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], centred)
    return value, bias, float(np.sqrt((totals**2).sum())) / n


def error_ends(
    confidence: Array,
    correct: Array,
    random: np.random.Generator,
    *,
    bins: int,
    groups: Array | None = None,
    draws: int = 2000,
) -> tuple[float, float]:
    """Ends of the 95 % interval of the ECE of all images of this kind: a test inverted, with normal noise of the bins.

    The high end is the largest ECE with which one as small as was seen comes about in 2.5 %, were all bins off by equally
    many standard errors: noise adds least then. The low end is the smallest with which one as large comes about in 2.5 %,
    were only those bins off that clearly are (the clearest, if none is): noise adds most then. Noise adds to every ECE, so
    the one that was seen can lie above the high end.
    """
    parts, noise, floor = _noise_of_bins(confidence, correct, bins, groups)
    observed, normal = float(np.abs(parts).sum()), random.normal(size=(draws, len(parts)))
    even = np.sqrt(np.diag(noise)) * np.where(parts < 0, -1, 1)
    high = _inverted(observed, even, normal @ _factor(noise), 0.025)
    noise = noise + np.diag(np.maximum(floor - np.diag(noise), 0))
    error = np.sqrt(np.diag(noise))
    clearness = np.divide(np.abs(parts), error, out=np.where(parts == 0, 0, np.inf), where=error > 0)
    off = (clearness > CLEARLY) | (np.arange(len(parts)) == clearness.argmax())
    return _inverted(observed, parts * off, normal @ _factor(noise), 0.975), high


def _noise_of_bins(confidence: Array, correct: Array, bins: int, groups: Array | None) -> tuple[Array, Array, Array]:
    """What each bin adds to the ECE, signed; its covariance, bins held fixed; its variance if the model were calibrated.

    Images (or groups) vary about their bin; one alone in its bin varies about 0.
    """
    order, n = np.argsort(confidence, kind="stable"), len(confidence)
    stated, right = confidence[order].astype(np.float64), correct[order].astype(np.float64)
    sizes, starts = _bin_sizes(n, bins), np.flatnonzero(np.concatenate([[True], stated[1:] != stated[:-1]]))
    place, tied = np.repeat(np.arange(len(sizes)), sizes), np.diff(np.append(starts, n))
    share = np.repeat(np.add.reduceat(np.eye(len(sizes))[place], starts) / tied[:, None], tied, axis=0)
    parts = share.T @ (right - stated) / n
    about = share @ np.where(sizes > 1, n * parts / sizes, 0)
    single = share * ((right - stated - about) * np.sqrt(sizes / np.maximum(sizes - 1, 1))[place] / n)[:, None]
    floor = (share**2).T @ (stated * (1 - stated)) / n**2
    if groups is None:
        return parts, single.T @ single, floor
    names, member = np.unique(groups[order], return_inverse=True)
    together, number = np.stack([np.bincount(member, one) for one in single.T]), len(names)
    few = number / (number - 1) * distributions.student_over_normal(0.975, number - 1) ** 2
    return parts, few * together @ together.T, floor


def _factor(covariance: Array) -> Array:
    """What standard normal rows are multiplied with to have this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    result: Array = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    return result


def _inverted(observed: float, direction: Array, noise: Array, share: float) -> float:
    """The ECE, spread over the bins as `direction`, of which noise makes less than `observed` in this share of draws."""
    total = np.abs(direction).sum()
    if total == 0:
        return observed
    unit = direction / total

    def excess(ece: float) -> float:
        return float(np.quantile(np.abs(ece * unit + noise).sum(1), share)) - observed

    if excess(0.0) >= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, observed + np.abs(noise).sum(1).max(), xtol=1e-6))


def _bin_sizes(n: int, bins: int) -> Array:
    parts = min(bins, n)
    return np.full(parts, n // parts) + (np.arange(parts) < n % parts)


def _pieces(ordered: Array, ends: Array, pieces: int) -> Array:
    """Where pieces of neighbouring confidences begin: never within equal ones, and at the bins' ends where that allows."""
    blocks = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    thinned = blocks[np.unique(blocks // max(len(ordered) // pieces, 1), return_index=True)[1]]
    return np.union1d(thinned, blocks[np.isin(blocks, ends)])
