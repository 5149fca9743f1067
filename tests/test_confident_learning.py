"""Confident learning: the known answer, cleanlab's answer, and nothing where there is nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from eyetest import confident_learning as learning
from eyetest.calibrated import Temperature, fit_temperature

P = np.array([(0.9, 0.1), (0.8, 0.2), (0.3, 0.7), (0.2, 0.8), (0.4, 0.6), (0.95, 0.05)])
LABELS = np.array([0, 0, 0, 1, 1, 1])


def made_up(n: int = 300, k: int = 4, seed: int = 0, wrong: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(k, 0.3), n)
    labels = learning.drawn_labels(p, random, 1)[0]
    return p, np.where(random.random(n) < wrong, random.integers(0, k, n), labels)


def slow_guess(row: np.ndarray, limits: np.ndarray) -> int:
    """The definition, word by word."""
    above = [j for j in range(len(row)) if row[j] >= limits[j] - 1e-9]
    return max(above, key=lambda j: row[j]) if above else learning.NONE


def test_the_known_answer():
    assert learning.thresholds(P, LABELS) == pytest.approx([0.666667, 0.483333], abs=1e-6)
    assert learning.confident_joint(P, LABELS).tolist() == [[2, 1], [1, 2]]
    assert np.flatnonzero(learning.candidates(P, LABELS)).tolist() == [2, 5]
    assert learning.calibrated_joint(P, LABELS) == pytest.approx(np.array([[2, 1], [1, 2]]) / 6)
    assert learning.normalised_margin(P, LABELS)[2] == pytest.approx(-0.4)


def test_it_agrees_with_the_slow_definition():
    p, labels = made_up()
    limits = [p[labels == j, j].mean() for j in range(4)]
    assert learning.guesses(p, labels).tolist() == [slow_guess(row, limits) for row in p]


def test_many_label_sets_at_once_are_each_by_itself():
    p, _ = made_up()
    sets = learning.drawn_labels(p, np.random.default_rng(1), 5)
    assert np.array_equal(learning.guesses(p, sets), [learning.guesses(p, labels) for labels in sets])


@pytest.mark.parametrize("seed", range(5))
def test_the_confident_joint_is_that_of_cleanlab(seed):
    """Where the likeliest class is not confident but two others are, cleanlab takes it all the same; the paper does not."""
    count = pytest.importorskip("cleanlab.count")
    p, labels = made_up(seed=seed)
    above = p >= learning.thresholds(p, labels) - 1e-9
    odd = (above.sum(1) > 1) & ~above[np.arange(len(p)), p.argmax(1)]
    limits = learning.thresholds(p, labels)
    theirs = count.compute_confident_joint(labels, p, thresholds=limits, calibrate=False)
    ours = learning.confident_joint(p, labels)
    assert np.abs(theirs - ours).sum() <= 2 * odd.sum()
    kept, kept_labels = p[~odd], labels[~odd]
    again = learning.thresholds(kept, kept_labels)
    theirs = count.compute_confident_joint(kept_labels, kept, thresholds=again, calibrate=False)
    above = kept >= again - 1e-9
    assert not ((above.sum(1) > 1) & ~above[np.arange(len(kept)), kept.argmax(1)]).any()
    assert np.array_equal(theirs, learning.confident_joint(kept, kept_labels))


def test_thresholds_and_calibration_are_those_of_cleanlab():
    count = pytest.importorskip("cleanlab.count")
    p, labels = made_up()
    assert learning.thresholds(p, labels) == pytest.approx(count.get_confident_thresholds(labels, p))
    theirs = count.calibrate_confident_joint(learning.confident_joint(p, labels), labels)
    assert learning.calibrated_joint(p, labels) == pytest.approx(theirs / theirs.sum(), abs=0.002)  # rounded to images


def test_the_temperature_of_the_known_answer():
    logits = np.array([[2.0, 0.0]] * 3 + [[0.0, 2.0]])
    found = fit_temperature(logits, np.array([0, 0, 1, 1]))
    assert found.value == pytest.approx(2 / math.log(3), abs=1e-6)
    assert not found.at_limit
    assert fit_temperature(logits, np.array([0, 0, 0, 1])).at_limit
    assert fit_temperature(logits, np.array([1, 1, 1, 0])).at_limit


def test_the_temperature_is_the_least_loss():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (400, 5))
    labels = learning.drawn_labels(Temperature(1.7, 1.7, 1.7, False).apply(logits), random, 1)[0]

    def loss(t: float) -> float:
        return -np.log(Temperature(t, t, t, False).apply(logits)[np.arange(400), labels]).mean()

    slow = optimize.minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9}).x
    assert fit_temperature(logits, labels).value == pytest.approx(slow, abs=1e-5)


def test_a_class_without_images_is_skipped():
    p = np.array([(0.1, 0.2, 0.7), (0.6, 0.3, 0.1), (0.2, 0.7, 0.1)])
    labels = np.array([0, 0, 1])
    assert np.isinf(learning.thresholds(p, labels)[2])
    assert 2 not in learning.guesses(p, labels)
    joint = learning.calibrated_joint(p, labels)
    assert joint.sum() == pytest.approx(1)
    assert joint[2].sum() == 0


def test_a_constant_model_contradicts_no_more_than_chance():
    p = np.tile([0.5, 0.3, 0.2], (300, 1))
    labels = np.repeat([0, 1, 2], [150, 90, 60])
    assert learning.candidates(p, labels).sum() == 150
    assert learning.chance(p, np.random.default_rng(0)).p_value(150) > 0.3


def test_labels_drawn_from_the_probabilities_exceed_chance_at_most_at_the_nominal_level():
    sets, level = 400, 0.025
    random = np.random.default_rng(3)
    beyond = 0
    for _ in range(sets):
        p = random.dirichlet(np.full(3, 0.3), 60)
        flagged = int(learning.candidates(p, learning.drawn_labels(p, random, 1)[0]).sum())
        beyond += learning.chance(p, random, 200).p_value(flagged) <= level
    assert beyond <= scipy_stats.binom.ppf(0.999, sets, level)


def test_flipped_labels_exceed_chance():
    p, labels = made_up(2000, seed=2, wrong=0.15)
    found = learning.chance(p, np.random.default_rng(0))
    flagged = int(learning.candidates(p, labels).sum())
    assert found.band[0] < found.counts.mean() < found.band[1] < flagged
    assert found.p_value(flagged) == 1 / 201
    assert found.pairs.sum() == pytest.approx(found.counts.mean())
    assert not np.diag(found.pairs).any()
