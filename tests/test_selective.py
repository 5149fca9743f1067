"""Areas over the coverage: known answers of METHODS section 3, slow re-implementations, and what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eyetest import selective, stats

SURE = np.array([0.99, 0.95, 0.9, 0.8, 0.7, 0.6])
WRONG = np.array([0.0, 1, 0, 0, 1, 0])


def tied(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 12, n).astype(float), (random.random(n) < 0.3).astype(float)


def slow_aurc(sure: np.ndarray, wrong: np.ndarray) -> float:
    order, total, errors = np.argsort(-sure, kind="stable"), 0.0, 0.0
    for rank, image in enumerate(order, start=1):
        errors += wrong[sure == sure[image]].mean()
        total += errors / rank
    return total / len(wrong)


def slow_augrc(sure: np.ndarray, wrong: np.ndarray) -> float:
    levels = [0.0] + [float(wrong[sure >= level].sum()) for level in np.unique(sure)[::-1]]
    coverage = [0.0] + [float((sure >= level).sum()) for level in np.unique(sure)[::-1]]
    return float(np.trapezoid(np.array(levels), np.array(coverage))) / len(wrong) ** 2


def test_known_areas():
    assert stats.aurc(SURE, WRONG) == pytest.approx(0.302778, abs=1e-6)
    assert stats.e_aurc(SURE, WRONG) == pytest.approx(0.213889, abs=1e-6)
    assert stats.augrc(SURE, WRONG) == pytest.approx(0.166667, abs=1e-6)
    assert stats.aurc(-WRONG, WRONG) == pytest.approx(0.088889, abs=1e-6)
    assert stats.augrc(-WRONG, WRONG) == pytest.approx(0.055556, abs=1e-6)
    assert stats.right_above_wrong(SURE, WRONG) == 0.5


def test_known_risks_at_each_coverage():
    coverage, risk = selective.risk_curve(SURE, WRONG)
    assert coverage == pytest.approx(np.arange(1, 7) / 6)
    assert risk == pytest.approx([0, 0.5, 1 / 3, 0.25, 0.4, 1 / 3])
    assert risk.mean() == pytest.approx(stats.aurc(SURE, WRONG))


def test_ties_enter_in_expectation():
    assert selective.risk_curve(np.ones(4), np.array([1.0, 0, 0, 0]))[1] == pytest.approx([0.25] * 4)
    assert stats.aurc(np.ones(4), np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(5))
def test_areas_agree_with_slow_ones_where_there_are_ties(seed):
    sure, wrong = tied(seed)
    assert stats.aurc(sure, wrong) == pytest.approx(slow_aurc(sure, wrong))
    assert stats.augrc(sure, wrong) == pytest.approx(slow_augrc(sure, wrong))
    assert selective.risk_curve(sure, wrong)[1].mean() == pytest.approx(stats.aurc(sure, wrong))


@pytest.mark.parametrize("seed", range(3))
def test_augrc_is_a_function_of_accuracy_and_auroc(seed):
    sure, wrong = tied(seed)
    right, area = 1 - wrong.mean(), roc_auc_score(1 - wrong, sure)
    assert stats.augrc(sure, wrong) == pytest.approx((1 - area) * right * (1 - right) + (1 - right) ** 2 / 2)


def test_areas_depend_on_the_order_of_images_and_the_scale_of_the_score_in_nothing():
    sure, wrong = tied(7)
    mixed = np.random.default_rng(8).permutation(len(sure))
    for area in (stats.aurc, stats.e_aurc, stats.augrc):
        assert area(sure, wrong) == pytest.approx(area(np.exp(sure[mixed]), wrong[mixed]))


def test_without_errors_every_area_is_0():
    for area in (stats.aurc, stats.e_aurc, stats.augrc):
        assert area(SURE, np.zeros(6)) == 0
    assert stats.aurc(SURE, np.ones(6)) == pytest.approx(1)
    assert stats.e_aurc(SURE, np.ones(6)) == pytest.approx(0)


@pytest.mark.parametrize("name", ["aurc", "e_aurc", "augrc", *stats.COVERAGES])
@pytest.mark.parametrize("grouped", [False, True])
def test_resamples_by_weights_are_those_of_drawn_images(name, grouped):
    sure, wrong = tied(9)
    groups = np.sort(np.random.default_rng(1).integers(0, 15, len(sure))) if grouped else None
    area = stats.STATISTICS[name]
    fast = stats.resampled(area, [sure, wrong], "x", groups=groups, resamples=40)
    slow = stats.resampled(lambda *columns: area(*columns), [sure, wrong], "x", groups=groups, resamples=40)
    assert fast == pytest.approx(slow)


def test_error_rates_at_other_coverages_are_of_the_surest_images():
    assert stats.STATISTICS["error_rate_at_50"](SURE, WRONG) == pytest.approx(1 / 3)
    assert stats.STATISTICS["error_rate_at_80"](SURE, WRONG) == pytest.approx(0.4)
    assert stats.STATISTICS["error_rate_at_95"](SURE, WRONG) == pytest.approx(1 / 3)


def test_a_shuffled_score_gives_what_chance_gives():
    random = np.random.default_rng(10)
    wrong = (np.arange(200) < 50).astype(float)
    drawn = np.array([
        [area(score, wrong) for area in (stats.aurc, stats.augrc, stats.right_above_wrong)]
        for score in random.random((1500, 200))
    ])  # fmt: skip
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - [0.25, 0.125, 0.5]) < 3.5 * error).all()


def test_delong_has_the_area_of_scikit_learn_and_the_spread_of_the_bootstrap():
    random = np.random.default_rng(11)
    right = random.random(800) < 0.7
    score = np.round(random.normal(size=800) + right, 1)
    value, low, high = stats.delong(score, right)
    drawn = stats.resampled(stats.auroc, [score, right.astype(float)], "x", resamples=1000)
    assert value == pytest.approx(roc_auc_score(right, score))
    assert (high - low) / (2 * 1.96) == pytest.approx(drawn.std(), rel=0.1)


def test_a_score_that_says_nothing_is_above_a_half_no_more_often_than_stated():
    random = np.random.default_rng(12)
    right = np.arange(100) < 60
    above = sum(stats.delong(score, right).low > 0.5 for score in random.random((1000, 100)))
    assert stats.clopper_pearson(above, 1000, 0.998).low <= 0.025
