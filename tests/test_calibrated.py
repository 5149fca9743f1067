"""Calibration: known answers of METHODS section 2, libraries, and calibrated draws."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from eyetest import calibrated, stats

S = np.array([0.95, 0.9, 0.85, 0.8, 0.75, 0.65, 0.6, 0.55, 0.52, 0.35])
CORRECT = np.array([1, 1, 1, 0, 1, 1, 0, 1, 0, 0], dtype=float)


def drawn(random: np.random.Generator, n: int, k: int, scale: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax."""
    logits = scale * random.normal(size=(n, k))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return logits, (random.random((n, 1)) > p.cumsum(1)).sum(1).clip(max=k - 1)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_known_temperature():
    logits, labels = np.array([[2.0, 0], [2, 0], [2, 0], [0, 2]]), np.array([0, 0, 1, 1])
    fitted = calibrated.fit_temperature(logits, labels)
    assert fitted.value == pytest.approx(2 / np.log(3), abs=1e-9)
    assert not fitted.at_limit
    assert log_loss(labels, softmax(logits)) == pytest.approx(0.626928, abs=1e-6)
    assert log_loss(labels, softmax(logits / fitted.value)) == pytest.approx(0.562335, abs=1e-6)


def test_no_other_temperature_has_a_lower_loss():
    logits, labels = drawn(np.random.default_rng(0), 300, 5)
    best = calibrated.fit_temperature(3 * logits, labels).value
    losses = [log_loss(labels, softmax(3 * logits / t)) for t in (best, 0.9 * best, 1.1 * best)]
    assert losses[0] == min(losses)
    assert best == pytest.approx(3, rel=0.15)


def test_logarithms_of_probabilities_have_the_temperature_of_their_logits():
    logits, labels = drawn(np.random.default_rng(1), 200, 4)
    log_p = np.log(softmax(logits))
    assert calibrated.fit_temperature(log_p, labels) == pytest.approx(calibrated.fit_temperature(logits, labels))


def test_a_temperature_at_the_end_of_the_range_is_flagged():
    separable = np.array([[3.0, 0], [0, 3]] * 10)
    assert calibrated.fit_temperature(separable, np.array([0, 1] * 10)).at_limit
    assert calibrated.fit_temperature(separable, np.array([1, 0] * 10)).at_limit
    assert calibrated.fit_temperature(np.zeros((20, 2)), np.array([0, 1] * 10)).at_limit


def test_the_interval_of_the_temperature_leaves_out_1_of_calibrated_logits_no_more_often_than_stated():
    random = np.random.default_rng(2)
    fits = [calibrated.fit_temperature(*drawn(random, 400, 4)) for _ in range(400)]
    missed = sum(not one.low <= 1 <= one.high for one in fits)
    assert stats.clopper_pearson(missed, 400, 0.998).low <= 0.05


def test_known_consistency_bar():
    chance = calibrated.consistency(np.full(40, 0.9), 0.0, np.random.default_rng(0), bins=1, draws=20_000)
    assert (chance.low[0], chance.high[0]) == pytest.approx((0.8, 0.975))


def test_points_of_a_calibrated_model_lie_inside_their_bars_about_as_often_as_stated():
    random = np.random.default_rng(3)
    inside = []
    for _ in range(100):
        s = random.uniform(0.3, 1, 450)
        accuracy = stats.calibration_bins(s, (random.random(450) < s).astype(float))[1]
        chance = calibrated.consistency(s, 0.0, random, bins=15, draws=199)
        inside.append((chance.low <= accuracy) & (accuracy <= chance.high))
    assert 0.92 < np.mean(inside) < 0.99


@pytest.mark.parametrize("digits", [1, 8])
def test_a_calibrated_model_is_called_otherwise_no_more_often_than_stated(digits):
    random = np.random.default_rng(4)
    p = []
    for _ in range(300):
        s = np.round(0.4 + 0.6 * random.beta(2, 1, 300), digits)
        observed = stats.ece(s, (random.random(300) < s).astype(float))
        p.append(calibrated.consistency(s, observed, random, bins=15, draws=199).p)
    assert stats.clopper_pearson(sum(one <= 0.05 for one in p), 300, 0.998).low <= 0.05
    assert 0.4 < np.mean(p) < 0.6


def test_drawing_neighbours_together_changes_little():
    s = np.random.default_rng(5).beta(8, 1, 6000)
    one, many = (
        calibrated.consistency(s, 0.01, np.random.default_rng(6), bins=15, draws=1999, pieces=pieces)
        for pieces in (500, 6000)
    )
    assert one.expected == pytest.approx(many.expected, rel=0.03)
    assert one.p == pytest.approx(many.p, abs=0.05)


def test_an_overconfident_model_is_told_apart():
    random = np.random.default_rng(7)
    s = random.uniform(0.6, 1, 2000)
    observed = stats.ece(s, (random.random(2000) < s - 0.1).astype(float))
    assert calibrated.consistency(s, observed, random, bins=15).p == 0.001


def test_bins_agree_with_scikit_learn():
    random = np.random.default_rng(8)
    s = random.random(1500)
    correct = (random.random(1500) < s**2).astype(float)
    _, accuracy, sureness = stats.calibration_bins(s, correct)
    theirs = calibration_curve(correct, s, n_bins=15, strategy="quantile")
    assert (accuracy, sureness) == (pytest.approx(theirs[0]), pytest.approx(theirs[1]))
    assert stats.ece(s, correct) == pytest.approx(np.abs(theirs[0] - theirs[1]).mean())


def test_the_sweep_is_the_debiased_ece_with_each_number_of_bins():
    random = np.random.default_rng(9)
    s = random.random(1001)
    correct = (random.random(1001) < s**1.5).astype(float)
    sweep = stats.ece_sweep(s, correct, "x")
    assert tuple(sweep) == (5, 10, 15, 20, 30, 50)
    value = stats.ece_debiased(s, correct)
    assert sweep[15] == stats.ece_interval(value, s, correct, "x")
    assert sweep[5].value != sweep[50].value


def test_the_number_of_bins_is_part_of_the_number():
    found = [
        (sizes * np.abs(accuracy - sureness)).sum() / 10
        for sizes, accuracy, sureness in (stats.calibration_bins(S, CORRECT, bins=m) for m in (1, 5))
    ]
    assert found == pytest.approx([0.092, 0.242])


def test_fewer_images_than_bins():
    sweep = stats.ece_sweep(S, CORRECT, "x")
    assert sweep[50].value == sweep[10].value
    assert 0 <= sweep[50].low < sweep[50].value < sweep[50].high
    chance = calibrated.consistency(S, 0.3, np.random.default_rng(0), bins=15)
    assert len(chance.low) == len(S)
    assert 0 < chance.p <= 1


def slow_classwise(p: np.ndarray, labels: np.ndarray, bins: int) -> float:
    total = 0.0
    for k in range(p.shape[1]):
        for part in np.array_split(np.argsort(p[:, k], kind="stable"), bins):
            total += len(part) / len(p) * abs((labels[part] == k).mean() - p[part, k].mean())
    return total / p.shape[1]


def test_classwise_ece_agrees_with_the_slow_one():
    logits, labels = drawn(np.random.default_rng(10), 317, 4)
    p = softmax(1.5 * logits)
    value, bias, error = calibrated.classwise(p, labels, 15)
    assert value == pytest.approx(slow_classwise(p, labels, 15))
    assert value == pytest.approx(np.mean([stats.ece(p[:, k], (labels == k).astype(float)) for k in range(4)]))
    assert 0 < bias < value
    assert 0 < error < value


def test_the_standard_error_of_classwise_ece_is_that_of_new_data_where_it_is_off():
    random = np.random.default_rng(11)
    found = []
    for _ in range(150):
        logits, labels = drawn(random, 1500, 3)
        found.append(calibrated.classwise(softmax(2.5 * logits), labels, 10))
    values, _, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)


def test_images_of_one_group_count_less_in_classwise_ece():
    logits, labels = drawn(np.random.default_rng(12), 200, 3)
    p, twice = softmax(2 * logits), np.repeat(np.arange(200), 4)
    plain = calibrated.classwise(p, labels, 10)[2]
    assert calibrated.classwise(p[twice], labels[twice], 10, twice)[2] == pytest.approx(plain, rel=0.1)
    assert calibrated.classwise(p[twice], labels[twice], 10)[2] < 0.7 * plain


def test_no_class_of_a_calibrated_model_is_called_off_more_often_than_stated():
    random, alarms = np.random.default_rng(13), 0
    for _ in range(200):
        logits, labels = drawn(random, 300, 5)
        p = softmax(logits)
        raw = [
            calibrated.consistency(
                p[:, k], stats.ece(p[:, k], (labels == k).astype(float)), random, bins=15, draws=199
            ).p
            for k in range(5)
        ]
        alarms += bool((stats.holm(raw) <= 0.05).any())
    assert stats.clopper_pearson(alarms, 200, 0.998).low <= 0.05
