"""What the tests of the triage say of every image, the verdict that follows, and whether a verdict is more than noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from .. import confident_learning as learning
from .. import stats
from ..distributions import Z
from ..types import SPLITS, VERDICTS, Features, HumanVotes, Labels, Lookalikes, Predictions

YES, NO, UNKNOWN = 1, 0, -1
States = np.ndarray
"""YES, NO or UNKNOWN, one an image."""
LEVEL = 0.025
"""One-sided level at which a second opinion must contradict more labels than chance before it is believed."""
DECILES = 10


@final
@dataclass(frozen=True)
class Results:
    """The states of all images, whatever the model answered."""

    duplicate: States
    label: States
    """Whether the label is wrong, by evidence that does not look at the audited model."""
    suspect: np.ndarray
    """Whether the audited model's own probabilities contradict the label: the least independent evidence there is."""
    ambiguous: States
    outlier: States

    @property
    def verdicts(self) -> np.ndarray:
        """The index into VERDICTS of each image: the first test that says yes.

        `model_error` only where every test ran and said no; `label_suspect` only where nothing else knows the label, and
        after the tests that do not ask the model about itself; everything else is `cannot_tell`.
        """
        tests = (self.duplicate, self.label, self.ambiguous, self.outlier)
        conditions = [
            *(test == YES for test in tests),
            self.suspect & (self.label == UNKNOWN),
            np.all([test == NO for test in tests], axis=0),
        ]
        return np.select(conditions, range(len(conditions)), VERDICTS.index("cannot_tell"))


def unknown(n: int) -> States:
    """A test that did not run."""
    return np.full(n, UNKNOWN)


def twins(predictions: Predictions, found: Lookalikes, labels: Mapping[str, Predictions]) -> States:
    """Whether an image has a twin in the training set, or one anywhere with another label.

    `labels` gives the labels by split; a twin outside of train whose label is not known leaves the image unknown.
    """
    state = np.zeros(len(predictions.rows), dtype=np.int64)
    position = {row: index for index, row in enumerate(predictions.rows.tolist())}
    known = {name: dict(zip(one.rows.tolist(), one.labels.tolist(), strict=True)) for name, one in labels.items()}
    for row, other, split in zip(found.rows.tolist(), found.other.tolist(), found.other_split.tolist(), strict=True):
        index, name = position.get(row), SPLITS[split]
        if index is None or state[index] == YES:
            continue
        label = known.get(name, {}).get(other)
        if name == "train" or (label is not None and label != predictions.labels[index]):
            state[index] = YES
        elif label is None:
            state[index] = UNKNOWN
    return state


@final
@dataclass(frozen=True)
class People:
    """What people said of each image, where enough of them did."""

    asked: np.ndarray
    """Whether enough people were asked."""
    wrong: np.ndarray
    """Whether most of them said another class than the label, credibly."""
    ambiguous: np.ndarray
    """Whether they disagreed."""


def people(counts: np.ndarray, labels: Labels, fewest: int) -> People:
    """Rules that were fixed in advance: `counts` n k; fewer than `fewest` votes are no evidence.

    Ambiguous: less than 0.7 of the votes for the label, or an entropy above a quarter of its maximum. Wrong: the Wilson
    lower bound of the share of another class is above one half. Source: Peterson et al. 2019 for the votes.
    """
    rows, total = np.arange(len(labels)), counts.sum(1)
    share = counts / np.maximum(total, 1)[:, None]
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(1) / np.log(counts.shape[1])
    top, asked = counts.argmax(1), total >= fewest
    wrong = (top != labels) & (_wilson_low(counts.max(1), total) > 0.5)
    return People(asked, asked & wrong, asked & ((share[rows, labels] < 0.7) | (entropy > 0.25)))


def votes_of(predictions: Predictions, votes: HumanVotes, fewest: int) -> People:
    """What people said of the predicted rows; nobody was asked about rows without votes."""
    counts = np.zeros(predictions.logits.shape, dtype=np.int64)
    position = {row: index for index, row in enumerate(votes.rows.tolist())}
    here = [(index, position[row]) for index, row in enumerate(predictions.rows.tolist()) if row in position]
    if here:
        mine, theirs = np.array(here).T
        counts[mine] = votes.counts[theirs]
    return people(counts, predictions.labels, fewest)


def second_opinion(predictions: Predictions) -> tuple[States, np.ndarray, float]:
    """What independent models say of each label, which labels they contradict, and the chance of so many.

    If that is no more than their own doubt explains, a contradicted label is left unknown.
    """
    p, labels = predictions.probabilities, predictions.labels
    contradicted = learning.candidates(p, labels)
    random = stats.generator(f"{predictions.split}/{len(labels)}/second_opinion")
    by_chance = learning.chance(p, random).p_value(int(contradicted.sum()))
    return np.where(contradicted, YES if by_chance <= LEVEL else UNKNOWN, NO), contradicted, by_chance


def neighbour_distance(train: np.ndarray, queries: np.ndarray, k: int, block: int = 512) -> np.ndarray:
    """Euclidean distance of each query (m d) to its k-th nearest training feature (n d), all scaled to length 1.

    Source: Sun, Ming, Zhu & Li 2022 (their score is its negative).
    """
    base, asked = _unit(train), _unit(queries)
    nearest = [
        np.partition(asked[start : start + block] @ base.T, len(base) - k, axis=1)[:, len(base) - k]
        for start in range(0, len(asked), block)
    ]
    cosine = np.concatenate([np.empty(0, dtype=np.float32), *nearest]).astype(np.float64)
    result: np.ndarray = np.sqrt(np.maximum(2 - 2 * cosine, 0))
    return result


@final
@dataclass(frozen=True)
class Distances:
    """How far test images lie from the training images, and from where on that is far."""

    values: np.ndarray
    """One a predicted row; not a number where it has no features."""
    threshold: float
    k: int

    @property
    def states(self) -> States:
        """Whether each image is an outlier."""
        known = np.isfinite(self.values)
        far: np.ndarray = np.where(known, self.values, 0.0) > self.threshold
        return np.where(known, far.astype(np.int64), UNKNOWN)


def distances(
    predictions: Predictions, train: Features, validation: Features, test: Features, inside: float
) -> Distances:
    """Distances to the k-th nearest training image, one in a thousand; far is beyond `inside` of the validation images."""
    k = max(round(len(train.rows) / 1000), 1)
    at = dict(zip(test.rows.tolist(), neighbour_distance(train.values, test.values, k).tolist(), strict=True))
    values = np.array([at.get(row, np.nan) for row in predictions.rows.tolist()])
    own = neighbour_distance(train.values, validation.values, k)
    return Distances(values, float(np.quantile(own, inside, method="higher")), k)


def confidence_decile(predictions: Predictions) -> np.ndarray:
    """The tenth of all images, by confidence, that each image is in; 0 to 9, ties by row.

    Ordered by the log-probability of all other classes, which does not saturate where the confidence rounds to 1.
    """
    others = predictions.log_probabilities
    others[np.arange(len(others)), predictions.predicted] = -np.inf
    order = np.argsort(-np.logaddexp.reduce(others, axis=1), kind="stable")
    decile = np.empty(len(order), dtype=np.int64)
    decile[order] = np.arange(len(order)) * DECILES // len(order)
    return decile


@final
@dataclass(frozen=True)
class Lift:
    """How much oftener errors get a verdict than right answers of the same confidence."""

    base: float
    """Share among right answers, each decile weighing as much as among the errors."""
    difference: stats.Interval
    """Share among the errors minus that."""


def lift(hit: np.ndarray, error: np.ndarray, right: np.ndarray, decile: np.ndarray, confidence: float) -> Lift | None:
    """The lift of a verdict, or None where no decile has both errors and right answers.

    Errors in a decile without right answers have nothing to be compared with and are left out. The interval is that of
    two independent shares (Wilson, Zou & Donner 2008), the second with its effective number of images.
    """
    errors, rights, hits = (np.bincount(decile[chosen], minlength=DECILES) for chosen in (error, right, right & hit))
    both = (errors > 0) & (rights > 0)
    if not both.any():
        return None
    weight = errors[both] / errors[both].sum()
    base = float((weight * hits[both] / rights[both]).sum())
    size = max(int(1 / (weight**2 / rights[both]).sum()), 1)
    compared = error & both[decile]
    first = stats.wilson(int((hit & compared).sum()), int(compared.sum()), confidence)
    low, high = stats.wilson(round(base * size), size, confidence)[1:]
    second = stats.Interval(base, min(low, base), max(high, base))
    return Lift(base, stats.difference_of_intervals(first, second))


def _wilson_low(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Lower bounds of many Wilson intervals; 0 where n is 0."""
    m = np.maximum(n, 1)
    p = k / m
    half = Z * np.sqrt(p * (1 - p) / m + Z * Z / (4 * m * m))
    return np.where(n > 0, (p + Z * Z / (2 * m) - half) / (1 + Z * Z / m), 0.0)


def _unit(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.maximum(length, 1e-12)).astype(np.float32)
