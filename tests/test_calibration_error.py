"""ECEs without the noise that was added to them: known answers, a slow inversion, worlds whose truth is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyetest import calibration_error, stats
from eyetest.calibration_error import Bins, Ends

Sides = list[tuple[np.ndarray, np.ndarray]]


def too_sure(random: np.random.Generator, n: int, by: float) -> tuple[np.ndarray, np.ndarray]:
    confidence = random.uniform(0.5, 1, n)
    return confidence, (random.random(n) < confidence - by).astype(float)


def test_the_ece_of_one_bin_has_a_normal_interval():
    confidence, correct = too_sure(np.random.default_rng(10), 2000, 0.1)
    gap = confidence - correct
    value, half = gap.mean(), 1.96 * gap.std(ddof=1) / np.sqrt(2000)
    found = stats.ece_interval(value, confidence, correct, "x", bins=1, draws=20_000)
    assert found == pytest.approx((value, value - half, value + half), abs=0.05 * half)


def test_equal_confidences_are_one_bin_whatever_their_number():
    correct = (np.random.default_rng(11).random(900) < 0.7).astype(float)
    one, many = (stats.ece_interval(0.1, np.full(900, 0.8), correct, "x", bins=m, draws=20_000) for m in (1, 15))
    assert many == pytest.approx(one, abs=0.002)
    assert one.low < one.high - 0.04


def test_copies_in_one_group_make_an_ece_no_surer():
    confidence, correct = too_sure(np.random.default_rng(12), 900, 0.1)
    once = stats.ece_interval(0.1, confidence, correct, "x")
    four = [np.repeat(column, 4) for column in (confidence, correct)]
    together = stats.ece_interval(0.1, *four, "x", groups=np.repeat(np.arange(900), 4))
    assert together == pytest.approx(once, abs=0.004)
    alone = stats.ece_interval(0.1, *four, "x")
    assert alone.high - alone.low < 0.7 * (once.high - once.low)


def test_certain_and_right_answers_may_have_an_error_that_was_not_seen():
    found = stats.ece_interval(0.0, np.ones(500), np.ones(500), "x")
    assert (found.low, found.value) == (0, 0)
    assert found.high == pytest.approx(1.96 * np.sqrt(0.5 * 15) / 500, rel=0.1)


@pytest.mark.parametrize("by", [0.0, 0.02, 0.1])
def test_the_interval_holds_the_true_ece(by: float):
    random, held = np.random.default_rng(13), 0
    for number in range(200):
        confidence, correct = too_sure(random, 1000, by)
        found = stats.ece_interval(stats.ece(confidence, correct), confidence, correct, str(number), draws=400)
        held += found.low <= by <= found.high
    assert held >= 182  # 1 % of the time fewer, if 95 % do


def bins_of(sides: Sides, bins: int = stats.BINS, groups: np.ndarray | None = None) -> list[Bins]:
    return [calibration_error.of_bins(*side, bins=bins, groups=groups) for side in sides]


def difference(first: Bins, second: Bins, seed: int = 0, draws: int = 20_000) -> Ends:
    return calibration_error.difference(first, second, np.random.default_rng(seed), draws=draws)


def stated(random: np.random.Generator, n: int, *gaps: float) -> Sides:
    """The same confidences, less often right by each gap."""
    confidence = random.uniform(0.6, 0.98, n)
    return [(confidence, (random.random(n) < confidence - gap).astype(float)) for gap in gaps]


def test_the_difference_of_two_errors_of_one_bin_is_a_paired_mean():
    sides = stated(np.random.default_rng(20), 2000, 0.05, 0.15)
    gap = (sides[1][0] - sides[1][1]) - (sides[0][0] - sides[0][1])
    value, half = gap.mean(), 1.96 * gap.std(ddof=1) / np.sqrt(2000)
    found = difference(*bins_of(sides, bins=1))
    assert found == pytest.approx((value - half, value, value, value + half), abs=0.05 * half)


def test_against_a_model_without_any_error_it_is_the_error_itself():
    sides = stated(np.random.default_rng(21), 1500, 0.08)
    sure, other = bins_of([(np.ones(1500), np.ones(1500)), *sides])
    alone = calibration_error.ends(other, np.random.default_rng(0), draws=20_000)
    assert difference(sure, other) == pytest.approx(alone, abs=0.001)
    assert difference(other, sure) == pytest.approx([-end for end in reversed(alone)], abs=0.001)


def test_models_without_noise_are_told_nearly_exactly():
    right, wrong = np.ones(6000), np.zeros(6000)
    for stated in (0.9, 0.7, 0.35):
        one, other = bins_of([(np.full(6000, stated), right), (np.full(6000, stated), wrong)])
        found = difference(one, other)
        assert found == pytest.approx([2 * stated - 1] * 4, abs=0.015)
        assert found.low <= 2 * stated - 1 <= found.high
    same = bins_of([(right, right), (right, right)])
    assert difference(*same) == pytest.approx([0, 0, 0, 0], abs=0.002)


def test_exchanging_the_models_changes_the_sign():
    first, second = bins_of(stated(np.random.default_rng(22), 3000, 0.0, 0.05))
    found = difference(first, second)
    assert found == pytest.approx([-end for end in reversed(difference(second, first))], abs=0.002)
    assert all(low < high for low, high in pairwise(found))


def test_what_both_models_share_is_no_noise():
    sides = stated(np.random.default_rng(23), 4000, 0.1)
    same = difference(*bins_of([*sides, *sides]))
    assert same.low == pytest.approx(0, abs=0.004)
    assert same.high == pytest.approx(0, abs=0.004)
    other = difference(*bins_of([*sides, *stated(np.random.default_rng(24), 4000, 0.1)]))
    assert other.high - other.low > 5 * (same.high - same.low)


def slow_high_end(first: Bins, second: Bins, directions: Sides, share: float, seed: int) -> float:
    """By drawing both models anew for every difference on a grid; `directions` are the gaps, and added variances, of each."""
    random, own = np.random.default_rng(seed), len(first.parts)
    both = np.concatenate([first.units, second.units], axis=1)
    covariance = both.T @ both + np.diag(np.concatenate([extra for _, extra in directions]))
    noise = random.multivariate_normal(np.zeros(len(covariance)), covariance, 20_000)
    base = next(e for e in np.arange(0, 1, 0.0005) if below(e, directions[0][0], noise[:, :own], first.error) <= 0.5)
    start = np.abs(base * directions[0][0] + noise[:, :own]).sum(1)
    start = start + random.normal(0, np.sqrt(0.5 * len(covariance)) / len(both), 20_000)
    for ece in np.arange(0, 1, 0.0005):
        seen = np.abs(ece * directions[1][0] + noise[:, own:]).sum(1) - start
        if (seen < second.error - first.error).mean() <= share:
            return float(ece - base)
    raise AssertionError("no end")


def below(ece: float, direction: np.ndarray, noise: np.ndarray, observed: float) -> float:
    return float((np.abs(ece * direction + noise).sum(1) < observed).mean())


def test_the_high_end_is_where_a_slow_inversion_finds_it():
    first, second = bins_of(stated(np.random.default_rng(25), 1200, 0.05, 0.12), bins=4)
    slow = {0.025: [], 0.5: []}
    whole = [part.sum(-1, keepdims=True) for part in (first.parts, first.units, first.floor)]
    for one in (first, Bins(*whole, unseen=0.5 / 1200**2)):
        variance, other = ((bins.units**2).sum(0) for bins in (one, second))
        off = np.abs(one.parts) / np.sqrt(np.maximum(variance, one.floor)) > 2
        assert 0 < off.sum() < 4
        few = one.parts * off / np.abs(one.parts[off]).sum()
        even = np.sqrt(other) * np.sign(second.parts)
        directions = [(few, np.maximum(one.floor - variance, 0)), (even / np.abs(even).sum(), np.zeros(4))]
        for share, ends in slow.items():
            ends.append(slow_high_end(one, second, directions, share, 1))
    found = difference(first, second)
    assert min(slow[0.025]) == pytest.approx(found.high, abs=0.0015)
    assert min(slow[0.5]) == pytest.approx(found.most, abs=0.0015)


def test_copies_in_one_group_make_a_difference_no_surer():
    sides = stated(np.random.default_rng(26), 900, 0.02, 0.1)
    once = difference(*bins_of(sides))
    four = [(np.repeat(confidence, 4), np.repeat(correct, 4)) for confidence, correct in sides]
    assert difference(*bins_of(four, groups=np.repeat(np.arange(900), 4))) == pytest.approx(once, abs=0.005)
    alone = difference(*bins_of(four))
    assert alone.high - alone.low < 0.7 * (once.high - once.low)


def test_what_is_not_seen_of_groups_is_what_they_have_in_a_bin():
    (confidence, correct), member = stated(np.random.default_rng(30), 600, 0.05)[0], np.arange(600)
    alone = calibration_error.of_bins(confidence, correct, bins=15)
    assert alone.unseen == pytest.approx(0.5 * 15 / 600**2)
    assert calibration_error.of_bins(confidence, correct, bins=15, groups=member).unseen == pytest.approx(alone.unseen)
    scenes = calibration_error.of_bins(confidence, correct, bins=15, groups=member % 20)
    assert 2 < np.sqrt(scenes.unseen / alone.unseen) < 5  # 30 images a group, 2 in each bin, unevenly
    alike = calibration_error.of_bins(confidence, correct, bins=15, groups=np.argsort(np.argsort(confidence)) // 40)
    assert np.sqrt(alike.unseen / alone.unseen) == pytest.approx(40)


def test_images_of_one_group_say_nothing_of_others():
    with pytest.raises(ValueError, match="one group"):
        bins_of(stated(np.random.default_rng(27), 50, 0.0), groups=np.zeros(50))


def test_the_p_value_is_that_of_the_middle_nearer_to_0():
    assert Ends(0.0, 1.0, 2.0, 3.0).p == pytest.approx(0.05)
    assert Ends(-3.0, -2.0, -1.0, 0.0).p == pytest.approx(0.05)
    assert Ends(0.5, 1.0, 2.0, 3.0).p == pytest.approx(2 * 4.43e-5, rel=0.01)  # 3.92 standard errors
    assert Ends(-0.5, 0.0, 1.0, 1.5).p == 1
    assert Ends(-1.0, -0.1, 0.1, 1.0).p == 1
    assert Ends(1.0, 1.0, 1.0, 1.0).p == 0
    assert Ends(0.0, 0.0, 0.0, 0.0).p == 1


@pytest.mark.parametrize("gaps", [(0.0, 0.0), (0.0, 0.02), (0.05, 0.1), (0.04, 0.04)])
def test_the_difference_holds_the_truth_and_is_no_alarm_where_there_is_none(gaps: tuple[float, float]):
    random, held, alarms = np.random.default_rng(28), 0, 0
    for number in range(100):
        found = difference(*bins_of(stated(random, 2000, *gaps)), seed=number, draws=400)
        held += found.low <= gaps[1] - gaps[0] <= found.high
        alarms += found.p < 0.05
    assert held >= 89  # 1 % of the time fewer, if 95 % do
    assert gaps[0] != gaps[1] or alarms <= 11


@pytest.mark.parametrize("n", [1, 2, 3, 17, 40])
def test_few_and_equal_confidences_have_a_difference_too(n: int):
    random = np.random.default_rng(29)
    for digits in (0, 1, 3):
        sides = [(np.round(random.random(n), digits), (random.random(n) < 0.5).astype(float)) for _ in range(2)]
        found = difference(*bins_of(sides), draws=200)
        assert -1 <= found.low <= found.high <= 1
        assert 0 <= found.p <= 1
