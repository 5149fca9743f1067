"""Calibration: the temperature that fits, what bins look like by chance, and the classwise ECE."""

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
    sizes = bin_sizes(n, bins)
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
    parts = len(bin_sizes(n, bins))
    place = np.repeat(np.arange(parts), bin_sizes(n, bins))
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


def bin_sizes(n: int, bins: int) -> Array:
    """Images in each of as many bins of equal mass as there can be; the first ones are one larger where it does not divide."""
    parts = min(bins, n)
    return np.full(parts, n // parts) + (np.arange(parts) < n % parts)


def _pieces(ordered: Array, ends: Array, pieces: int) -> Array:
    """Where pieces of neighbouring confidences begin: never within equal ones, and at the bins' ends where that allows."""
    blocks = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    thinned = blocks[np.unique(blocks // max(len(ordered) // pieces, 1), return_index=True)[1]]
    return np.union1d(thinned, blocks[np.isin(blocks, ends)])
