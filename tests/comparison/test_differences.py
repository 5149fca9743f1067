"""The method that each difference is given, by hand and in simulation."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import clustered, stats
from eyetest.comparison.differences import FEW, Measured, paired, share
from eyetest.records import Estimate

AT_FIFTH = "error_rate_at_coverage"


def of_surest(confidence: np.ndarray, wrong: np.ndarray, groups: np.ndarray | None = None) -> Measured:
    """The error rate among the surest fifth of a model."""
    value = stats.STATISTICS[AT_FIFTH](confidence, wrong)
    estimate = Estimate(
        name="rate", value=value, low=0, high=1, n=len(wrong), unit="fraction", better="lower", method="made up",
        statistic=AT_FIFTH, columns=("confidence", "wrong"),
    )  # fmt: skip
    return Measured(estimate, (confidence, wrong), "seed", groups)


def test_few_errors_among_the_surest_are_pairs_of_images():
    sure = np.linspace(1, 0, 100)
    first, second = np.zeros(100), np.zeros(100)
    first[[3, 5, 60]], second[[5, 70]] = 1, 1
    found = paired(of_surest(sure, first), of_surest(sure, second))
    by_hand = stats.tango(1, 0, 1, 98)
    assert (found.estimate.value, found.estimate.low, found.estimate.high) == pytest.approx(
        [5 * end for end in by_hand]
    )
    assert found.p == stats.mcnemar(0, 1)[1]
    assert "thresholds held fixed" in found.estimate.method


def test_each_model_has_its_own_surest_images():
    sure, wrong = np.linspace(1, 0, 100), np.zeros(100)
    wrong[95] = 1
    assert paired(of_surest(sure, wrong), of_surest(1 - sure, wrong)).estimate.value == pytest.approx(1 / 20)


def test_ties_that_only_fit_in_part_count_in_part():
    sure, wrong = np.ones(100), np.zeros(100)
    wrong[:10] = 1
    found = paired(of_surest(sure, wrong), of_surest(sure, np.zeros(100)))
    assert found.estimate.value == pytest.approx(-0.1)
    assert (found.estimate.low, found.estimate.high) == pytest.approx([5 * end for end in stats.tango(0, 0, 2, 98)[1:]])


def test_the_ends_stay_differences_of_rates():
    found = paired(of_surest(np.linspace(1, 0, 10), np.eye(10)[0]), of_surest(np.linspace(1, 0, 10), np.zeros(10)))
    assert (found.estimate.value, found.estimate.low, found.estimate.high) == (-0.5, -1, 1)


def test_many_errors_are_resampled():
    sure, wrong = np.linspace(1, 0, 200), np.zeros(200)
    wrong[: FEW // 2] = 1
    assert "bootstrap" in paired(of_surest(sure, wrong), of_surest(sure, wrong)).estimate.method
    wrong[0] = 0
    assert "Tango" in paired(of_surest(sure, wrong), of_surest(sure, wrong)).estimate.method


def test_errors_in_groups_are_fewer():
    sure, wrong = np.linspace(1, 0, 200), np.zeros(200)
    wrong[:4] = 1
    alone = paired(of_surest(sure, wrong), of_surest(sure, 0 * wrong)).estimate
    groups = np.arange(200) // 4
    together = paired(of_surest(sure, wrong, groups), of_surest(sure, 0 * wrong, groups)).estimate
    assert together.value == alone.value
    assert alone.high < 0 < together.high
    by_hand = clustered.tango(np.zeros(200), wrong, groups)
    assert (together.low, together.high) == pytest.approx([5 * end for end in by_hand[1:]])


def test_shares_of_yes_and_no_and_of_ones_are_the_same():
    random = np.random.default_rng(0)
    first, second = random.random(300) < 0.7, random.random(300) < 0.8
    assert share(first, second, None) == share(first.astype(float), second.astype(float), None)
    counts = [int(part.sum()) for part in (first & second, second & ~first, first & ~second, ~first & ~second)]
    assert share(first, second, None)[:2] == (stats.tango(*counts), stats.mcnemar(counts[1], counts[2])[1])


def test_few_errors_are_covered_as_often_as_stated():
    random, held, sets = np.random.default_rng(0), 0, 400
    for _ in range(sets):
        wrong = (random.random((2, 500)) < 0.03).astype(float)
        found = paired(*(of_surest(random.random(500), one) for one in wrong)).estimate
        held += found.low <= 0 <= found.high
    assert stats.clopper_pearson(held, sets, 0.998).low <= 0.95 <= stats.clopper_pearson(held, sets, 0.998).high


def calibration_error(value: float, low: float, high: float) -> Measured:
    estimate = Estimate(
        name="ece", value=value, low=low, high=high, n=100, unit="fraction", better="lower", method="made up",
        statistic="ece_debiased", columns=("confidence", "correct"),
    )  # fmt: skip
    return Measured(estimate, (np.full(100, 0.9), np.ones(100)), "seed", None)


def test_calibration_errors_differ_from_the_farthest_ends_of_both_intervals():
    found = paired(calibration_error(0.02, 0.0, 0.03), calibration_error(0.10, 0.08, 0.13))
    assert (found.estimate.value, found.estimate.low, found.estimate.high) == pytest.approx((0.08, 0.05, 0.13))
    assert found.p < 0.05
    alike = paired(calibration_error(0.02, 0.0, 0.03), calibration_error(0.02, 0.0, 0.03))
    assert (alike.estimate.low, alike.estimate.high, alike.p) == (-0.03, 0.03, 1)


def test_a_calibrated_model_against_one_that_is_slightly_too_sure_is_covered():
    """A paired bootstrap holds the truth in .40 of such comparisons, because noise keeps an ECE of 0 from being 0."""
    random, held, resampled, n = np.random.default_rng(0), 0, 0, 10_000
    for number in range(30):
        stated = random.uniform(0.6, 0.98, n)
        sides = [(stated, (random.random(n) < stated - gap).astype(float)) for gap in (0.0, 0.02)]
        ends = [stats.ece_interval(stats.ece_debiased(*one), *one, f"{number}", draws=300) for one in sides]
        found = paired(*(calibration_error(*end) for end in ends)).estimate
        held += found.low <= 0.02 <= found.high
        draws = [stats.resampled(stats.ece_debiased, one, "seed", resamples=100) for one in sides]
        interval, _ = stats.difference_of_draws(found.value, draws[1] - draws[0])
        resampled += interval.low <= 0.02 <= interval.high
    assert held >= 28
    assert resampled < held
