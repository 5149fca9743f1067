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


def calibration_error(
    stated: np.ndarray, correct: np.ndarray, seed: str = "seed", name: str = "ece_debiased"
) -> Measured:
    """As an audit measures it."""
    value = stats.STATISTICS[name](stated, correct)
    interval = stats.ece_interval(value, stated, correct, seed, draws=300)
    estimate = Estimate(
        name="ece", **interval._asdict(), n=len(stated), unit="fraction", better="lower", method="made up",
        statistic=name, columns=("confidence", "correct"),
    )  # fmt: skip
    return Measured(estimate, (stated, correct), seed, None)


def too_sure(random: np.random.Generator, n: int, *gaps: float) -> list[tuple[np.ndarray, np.ndarray]]:
    stated = random.uniform(0.6, 0.98, n)
    return [(stated, (random.random(n) < stated - gap).astype(float)) for gap in gaps]


def test_calibration_errors_are_tested_together_and_no_further_apart_than_each_may_be():
    sides = [calibration_error(*side) for side in too_sure(np.random.default_rng(0), 2000, 0.0, 0.0)]
    found = paired(*sides)
    assert "both ECEs of 15 bins over the same images" in found.estimate.method
    assert found.p > 0.5
    assert (found.estimate.low, found.estimate.high) == (-sides[0].estimate.high, sides[1].estimate.high)
    before, after = (calibration_error(*side) for side in too_sure(np.random.default_rng(1), 10_000, 0.05, 0.12))
    apart = paired(before, after)
    assert apart.p < 0.001
    farthest = after.estimate.high - before.estimate.low - (after.estimate.low - before.estimate.high)
    assert apart.estimate.high - apart.estimate.low < 0.8 * farthest


@pytest.mark.parametrize("name", ["ece", "ece_debiased"])
def test_the_difference_that_is_shown_is_within_its_interval(name: str):
    random = np.random.default_rng(2)
    for n in (20, 200, 2000):
        found = paired(*(calibration_error(*side, name=name) for side in too_sure(random, n, 0.0, 0.1))).estimate
        assert found.low <= found.value <= found.high


def test_calibration_errors_of_images_in_groups_are_less_sure():
    sides, member = too_sure(np.random.default_rng(3), 500, 0.02, 0.2), np.repeat(np.arange(500), 4)
    four = [calibration_error(*(np.repeat(column, 4) for column in side)) for side in sides]
    alone = paired(*four).estimate
    together = paired(*(Measured(one.estimate, one.columns, one.seed, member) for one in four)).estimate
    assert together.value == alone.value
    assert together.low < alone.low < alone.high < together.high
    assert "500 groups" in together.method


def test_a_calibrated_model_against_one_that_is_slightly_too_sure_is_covered():
    """A paired bootstrap holds the truth in .40 of such comparisons, because noise keeps an ECE of 0 from being 0."""
    random, held, resampled = np.random.default_rng(0), 0, 0
    for number in range(30):
        sides = [calibration_error(*one, f"{number}") for one in too_sure(random, 10_000, 0.0, 0.02)]
        found = paired(*sides).estimate
        held += found.low <= 0.02 <= found.high
        draws = [stats.resampled(stats.ece_debiased, one.columns, "seed", resamples=100) for one in sides]
        interval, _ = stats.difference_of_draws(found.value, draws[1] - draws[0])
        resampled += interval.low <= 0.02 <= interval.high
    assert held >= 27  # fewer 2 % of the time, if 95 % do
    assert resampled < held
