"""Which labels disagree with the probabilities of a model that never saw them, and how many would by chance.

Source: Northcutt, Jiang & Chuang 2021 (JAIR 70), section 3, with the rule "prune by noise rate" of section 3.2; temperature:
Guo et al. 2017, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from .calibrated import Temperature, fit_temperature
from .types import Predictions

Array = np.ndarray
NONE = -1
"""Of an image that is above no threshold."""
UNFITTED = Temperature(1.0, 1.0, 1.0, at_limit=True)
"""Where no temperature could be fitted."""
ROUNDING = 1e-9
"""A probability that equals its class's mean counts as above it, however the sum was rounded."""
CELLS = 4_000_000
"""Numbers held at once while chance is simulated."""


def thresholds(p: Array, labels: Array) -> Array:
    """Mean probability of each class over the images with that label (… k); infinite for a class without images.

    `p` is n k; `labels` is … n, one label set a leading index.
    """
    own = np.take_along_axis(np.broadcast_to(p, (*labels.shape, p.shape[1])), labels[..., None], -1)[..., 0]
    means = [_mean_where(own, labels == j) for j in range(p.shape[1])]
    return np.stack(means, -1)


def guesses(p: Array, labels: Array) -> Array:
    """The class that each image confidently is (… n): the likeliest of those above their thresholds, or NONE."""
    above = p >= thresholds(p, labels)[..., None, :] - ROUNDING
    best = np.where(above, p, -1.0).argmax(-1)
    return np.where(above.any(-1), best, NONE)


def confident_joint(p: Array, labels: Array) -> Array:
    """Counts of given label (row) against confident class (column), k k; images above no threshold are not counted."""
    found, k = guesses(p, labels), p.shape[1]
    counted = found != NONE
    return np.bincount(labels[counted] * k + found[counted], minlength=k * k).reshape(k, k)


def calibrated_joint(p: Array, labels: Array) -> Array:
    """Estimated share of all images with each given label (row) and true label (column); sums to 1.

    A class of which no image is confidently anything keeps its label.
    """
    counts, given = confident_joint(p, labels).astype(np.float64), np.bincount(labels, minlength=p.shape[1])
    empty = counts.sum(1) == 0
    counts[empty, empty] = 1.0
    joint = counts / counts.sum(1, keepdims=True) * given[:, None]
    result: Array = joint / joint.sum()
    return result


def candidates(p: Array, labels: Array) -> Array:
    """Whether each label looks wrong (n, bool), by the noise rate of each pair of classes.

    If m images labelled i are estimated to be of class j, those are the m of that label where p_j exceeds p_i most (ties:
    the first rows). A label that is the likeliest class is never among them.
    """
    expected = np.rint(len(labels) * calibrated_joint(p, labels)).astype(np.int64)
    np.fill_diagonal(expected, 0)
    chosen = np.zeros(len(labels), dtype=bool)
    for i in np.flatnonzero(expected.any(1)).tolist():
        members = np.flatnonzero(labels == i)
        lead = p[members].T - p[members, i]
        for j in np.flatnonzero(expected[i]).tolist():
            chosen[members] |= _largest(lead[j], int(expected[i, j]))
    result: Array = chosen & (p.argmax(1) != labels)
    return result


def normalised_margin(p: Array, labels: Array) -> Array:
    """Probability of the label minus that of the likeliest other class, −1 to 1; low is suspicious."""
    rows = np.arange(len(labels))
    others = p.copy()
    others[rows, labels] = -1.0
    result: Array = p[rows, labels] - others.max(1)
    return result


def temperature_of(tuning: Predictions | None) -> Temperature:
    """The temperature of these images; 1, and marked, where there are none or none fits them."""
    if tuning is None or not len(tuning.labels):
        return UNFITTED
    fitted = fit_temperature(tuning.log_probabilities, tuning.labels)
    return UNFITTED if fitted.at_limit else fitted


@final
@dataclass(frozen=True)
class Chance:
    """How many labels are candidates in label sets that were drawn from the probabilities themselves."""

    counts: Array
    """Candidates of each label set."""
    pairs: Array
    """Mean candidates of each given label (row) and likeliest class (column)."""

    @property
    def band(self) -> tuple[float, float]:
        """95 % of the counts lie in this."""
        low, high = np.quantile(self.counts, [0.025, 0.975])
        return float(low), float(high)

    def p_value(self, flagged: int) -> float:
        """Chance of at least so many, one-sided and exact: (1 + draws that reach it)/(1 + draws)."""
        return float((1 + (self.counts >= flagged).sum()) / (1 + len(self.counts)))


def chance(p: Array, random: np.random.Generator, draws: int = 200) -> Chance:
    """Candidates where each label is drawn from the image's own probabilities (n k): no label error beyond doubt."""
    n, k = p.shape
    size, looks_like = max(CELLS // (n * k), 1), p.argmax(1)
    counts, pairs = [], np.zeros(k * k)
    for start in range(0, draws, size):
        for labels in drawn_labels(p, random, min(size, draws - start)):
            flagged = candidates(p, labels)
            counts.append(int(flagged.sum()))
            pairs += np.bincount((labels * k + looks_like)[flagged], minlength=k * k)
    return Chance(np.array(counts), pairs.reshape(k, k) / draws)


def drawn_labels(p: Array, random: np.random.Generator, sets: int) -> Array:
    """`sets` n labels, each drawn from its image's probabilities."""
    steps, draws = np.cumsum(p, axis=1)[:, :-1], random.random((sets, len(p)))
    labels = np.zeros(draws.shape, dtype=np.int64)
    for j in range(steps.shape[1]):
        labels += draws >= steps[:, j]
    return labels


def _mean_where(values: Array, chosen: Array) -> Array:
    """Mean of the chosen along the last axis; infinite where none is."""
    count = chosen.sum(-1)
    total = np.where(chosen, values, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf)


def _largest(values: Array, count: int) -> Array:
    """Whether each value is one of the `count` largest; of equal ones the first."""
    if count >= len(values):
        return np.ones(len(values), dtype=bool)
    border = -np.partition(-values, count - 1)[count - 1]
    chosen: Array = values >= border
    chosen[np.flatnonzero(values == border)[count - int((values > border).sum()) :]] = False
    return chosen
