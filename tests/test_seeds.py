"""Differences of recipes over trainings: known answers, components, coverage, false alarms, and what few trainings allow."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats as distributions
from test_reliance import columns, made_up

from eyetest import reliance, seeds, stats
from eyetest.exam.seed_coverage import WORLDS, World, covered


def noiseless(values) -> list[list[np.ndarray]]:
    """Columns of trainings whose images all say the same."""
    return [[np.full(50, value)] for value in values]


def bernoulli(rates, n=400, seed=0) -> list[list[np.ndarray]]:
    """Right answers of the trainings of one recipe on the same images; a part of how hard these are is the recipe's own."""
    random = np.random.default_rng(seed)
    hard = (np.random.default_rng(99).random(n) + random.random(n)) / 2
    return [[(np.clip(hard + random.normal(0, 0.1, n), 0, 1) < rate).astype(float)] for rate in rates]


A, B = (0.9302, 0.9295, 0.9311), (0.9537, 0.9547, 0.9541)


def test_without_noise_of_images_it_is_welchs_t_test():
    told = seeds.difference("mean", noiseless(A), noiseless(B), "f")
    expected = distributions.ttest_ind(B, A, equal_var=False)
    low, high = expected.confidence_interval()
    assert told.interval == pytest.approx((0.0239, low, high), abs=1e-9)
    assert told.interval[1:] == pytest.approx((0.022262, 0.025538), abs=1e-6)  # METHODS 1.5
    assert told.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert told.seed_share == pytest.approx(1)
    assert told.tellable == pytest.approx((high - low) / 2)
    assert told.credible
    assert "df 3.36" in told.method


def test_the_noise_of_images_is_added_as_in_the_handbook():
    image = np.array((0.045 - 0.0239**2) / 10_000)
    found = seeds.noise(np.array(A), np.array(B), seeds.Images(image, np.zeros(()), np.zeros(()), 10_000))
    _, low, high, _ = seeds.welch(np.array(A), np.array(B), found)
    assert math.sqrt(found.total) == pytest.approx(0.0021776, abs=1e-7)
    assert found.freedom == pytest.approx(788, abs=0.5)
    assert (low, high) == pytest.approx((0.01963, 0.02817), abs=5e-6)


def test_the_parts_of_the_variance_are_found_again():
    world = World(training=0.05, own=0.3, recipe=0.4)
    first, second = world.draw(800, 3, 200, np.random.default_rng(0))
    found = seeds.noise(first.mean(-1), second.mean(-1), seeds.of_means(first, second))
    assert found.image.mean() == pytest.approx(0.4**2 / 200, rel=0.03)
    assert found.first.mean() == pytest.approx((0.05**2 + 0.3**2 / 200) / 3, rel=0.12)
    assert found.second.mean() == pytest.approx((0.05**2 + 0.3**2 / 200) / 3, rel=0.12)
    true = (second.mean((1, 2)) - first.mean((1, 2))).var(ddof=1)
    assert found.total.mean() == pytest.approx(true, rel=0.15)
    images = seeds.of_means(first, second)
    assert images.first.mean() == pytest.approx(0.3**2 / 200, rel=0.03)


def test_resampling_images_finds_the_same_variance_as_the_formula():
    sides = bernoulli((0.7, 0.72, 0.69), seed=1), bernoulli((0.8, 0.81, 0.79), seed=2)
    exact = seeds.difference("mean", *sides, "f")
    ones = [[[columns[0], np.ones(400)] for columns in side] for side in sides]
    drawn = seeds.difference("ratio_of_means", *ones, "f", resamples=4000)
    assert drawn.value == pytest.approx(exact.value)
    assert drawn.image_deviation == pytest.approx(exact.image_deviation, rel=0.1)
    assert drawn.interval.low == pytest.approx(exact.interval.low, abs=0.003)
    grouped = seeds.difference("mean", *sides, "f", groups=np.arange(400), resamples=4000)
    assert grouped.image_deviation == pytest.approx(exact.image_deviation, rel=0.1)
    assert "400 groups" in grouped.method


def test_images_of_one_scene_count_as_one():
    once = bernoulli((0.7, 0.72, 0.69), 100, seed=1), bernoulli((0.8, 0.81, 0.79), 100, seed=2)
    four = [[[np.repeat(columns[0], 4)] for columns in side] for side in once]
    told = seeds.difference("mean", *four, "f", groups=np.repeat(np.arange(100), 4), resamples=4000)
    assert told.image_deviation == pytest.approx(seeds.difference("mean", *once, "f").image_deviation, rel=0.1)
    assert told.image_deviation > 1.5 * seeds.difference("mean", *four, "f").image_deviation
    with pytest.raises(ValueError, match="one group"):
        seeds.difference("mean", *four, "f", groups=np.zeros(400))


def test_two_trainings_claim_nothing():
    told = seeds.difference("mean", noiseless(A[:2]), noiseless(B[:2]), "f")
    assert told.interval is None
    assert told.p is None
    assert told.tellable is None
    assert told.detectable is None
    assert not told.credible
    assert told.between == pytest.approx((0.9537 - 0.9302, 0.9547 - 0.9295))


def test_one_training_and_unequal_numbers_are_refused():
    for a, b in ((A[:1], B[:1]), (A, B[:2])):
        with pytest.raises(ValueError, match="as many of each"):
            seeds.difference("mean", noiseless(a), noiseless(b), "f")


def test_equal_trainings_have_no_luck_and_nothing_is_divided_by_zero():
    same = [bernoulli((0.7,))[0]] * 3
    told = seeds.difference("mean", same, same, "f")
    assert (told.value, *told.interval[1:]) == (0, 0, 0)
    assert told.p == 1
    assert told.deviations == (0, 0)
    assert told.seed_share == 0
    other = [bernoulli((0.8,))[0]] * 3
    told = seeds.difference("mean", same, other, "f")
    difference = other[0][0] - same[0][0]
    assert told.image_deviation == pytest.approx(difference.std(ddof=1) / 20)
    assert told.interval[1:] == pytest.approx(stats.mean_interval(difference)[1:])
    five = seeds.difference(
        "balanced_accuracy", *([[c[0], np.arange(400) % 2] for c in [s[0]] * 5] for s in (same, same)), "f"
    )
    assert five.interval == (0, 0, 0)


def test_equal_counts_of_rare_events_are_not_taken_for_certainty():
    def rare(places):
        return [[np.isin(np.arange(1000), place).astype(float)] for place in places]

    told = seeds.difference("mean", rare([[], [], []]), rare([[1], [2], [3]]), "f")
    assert told.deviations == pytest.approx((0, 0))
    assert told.interval.high - told.interval.low > 0.001


def test_three_trainings_that_overlap_are_no_difference():
    first, second = (0.90, 0.901, 0.9155), (0.915, 0.93, 0.931)
    told = seeds.difference("mean", noiseless(first), noiseless(second), "f", confidence=0.8)
    assert told.interval.low > 0
    assert not told.credible


def test_what_trainings_allow_is_as_in_the_handbook():
    assert [round(seeds.allowed(k).permutation_p, 4) for k in (3, 4, 5)] == [0.1, 0.0286, 0.0079]
    assert seeds.allowed(3).deviation == pytest.approx((0.52, 6.28), abs=0.01)
    assert seeds.allowed(5).deviation == pytest.approx((0.60, 2.87), abs=0.01)


def test_a_true_difference_as_large_as_the_detectable_one_is_told_in_most_studies():
    random, hits, k = np.random.default_rng(3), 0, 6
    error = 0.01 * math.sqrt(2 / k)
    gain = (distributions.t.ppf(0.975, 10) + distributions.t.ppf(0.8, 10)) * error
    told = seeds.difference("mean", noiseless(random.normal(0, 0.01, k)), noiseless(random.normal(0, 0.01, k)), "f")
    assert told.detectable > told.tellable
    for _ in range(400):
        a, b = random.normal(0, 0.01, k), random.normal(gain, 0.01, k)
        images = seeds.Images(*np.zeros((3, 1))[:, 0], 100)
        hits += seeds.welch(a, b, seeds.noise(a, b, images))[1] > 0
    low, _ = distributions.binomtest(int(hits), 400).proportion_ci(0.999)
    assert low < 0.8 < hits / 400 + 0.07


def test_a_split_of_six_trainings_of_one_recipe_is_seldom_better():
    # The best of the ten splits has p = .1 by its order alone, so that some split of some six trainings must be called.
    random, called = np.random.default_rng(7), 0
    chosen, rest = [0, 1, 2], [3, 4, 5]
    for _ in range(500):
        values = [np.full(20, value) for value in random.normal(0, 1, 6)]
        called += seeds.difference("mean", [[values[k]] for k in chosen], [[values[k]] for k in rest], "f").credible
    assert called <= distributions.binom.ppf(0.999, 500, 0.05)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("k", [3, 5])
def test_the_formula_covers(k, name):
    held, above, below = covered(WORLDS[name], k, comparisons=2000)
    assert 0.93 - 0.011 <= held / 2000 <= 0.97 + 0.011  # the exact .999 band of 2,000 comparisons at .97 is ± .011
    assert max(above, below) <= distributions.binom.ppf(0.999, 2000, 0.035)


@pytest.mark.parametrize("name", WORLDS)
def test_the_hierarchical_bootstrap_covers(name):
    held, _, _ = covered(WORLDS[name], 5, comparisons=2000, resamples=500)
    assert 0.93 - 0.016 <= held / 2000 <= 0.97 + 0.011


def test_the_same_recipe_twice_is_seldom_called_different():
    world, alarms = WORLDS["as in CIFAR-10"], 0
    first, second = world.draw(2000, 3, 200, np.random.default_rng(5))
    values = first.mean(-1), second.mean(-1)
    _, low, high, p = seeds.welch(*values, seeds.noise(*values, seeds.of_means(first, second)))
    alarms = int(((low > 0) | (high < 0)).sum())
    assert alarms == int((p < 0.05).sum())
    assert alarms <= distributions.binom.ppf(0.999, 2000, 0.05)


def test_five_trainings_resample_seeds_and_the_interval_follows_its_arguments():
    sides = bernoulli((0.7, 0.72, 0.69, 0.71, 0.7), seed=1), bernoulli((0.8, 0.81, 0.79, 0.8, 0.82), seed=2)
    both = [[[np.linspace(0, 1, 400), columns[0]] for columns in side] for side in sides]
    told = seeds.difference("ece", *both, "f")
    assert told.method.startswith("hierarchical bootstrap over 5 + 5")
    assert told.interval.low < told.value < told.interval.high
    again, other = seeds.difference("ece", *both, "f"), seeds.difference("ece", *both, "g")
    assert again.interval == told.interval
    assert other.interval != told.interval
    wider = seeds.difference("ece", *both, "f", confidence=0.99)
    assert wider.interval.low < told.interval.low
    apart = seeds.difference("ece", *both, "f", same_images=False)
    assert apart.image_deviation > told.image_deviation


def centred(one) -> tuple[np.ndarray, np.ndarray]:
    """Influence r n, less the means of its strata, and donors r 2 n."""
    linear, donors, strata = reliance.of_columns("swap_difference", one)
    return reliance.stratified(linear.influence, strata, min(donors.shape[2], len(np.unique(donors)))), donors


def slow_covariance(first, second) -> float:
    """Over all pairs of rows of two trainings that have the image or a donor in common."""
    (one, lent), (other, borrowed) = centred(first), centred(second)
    draws, n = one.shape
    total = 0.0
    for x, r, y, s in itertools.product(range(n), range(draws), range(n), range(draws)):
        shared = 1 if x == y else sum(i == j for i in lent[r, :, x] for j in borrowed[s, :, y])
        total += one[r, x] * other[s, y] * shared
    return total / draws**2 / n**2


def test_cues_share_images_and_donors_between_trainings():
    trainings = [columns(made_up(n=30, seed=k)[0], made_up(n=30, seed=k // 2)[2]) for k in range(6)]
    found = reliance.covariance("swap_difference", trainings)
    for place, one in enumerate(trainings):
        linear, donors, strata = reliance.of_columns("swap_difference", one)
        alone = reliance.interval(linear, donors, strata)
        assert math.sqrt(found[place, place]) == pytest.approx(
            (alone.high - alone.low) / 2 / distributions.norm.ppf(0.975)
        )
    assert np.allclose(found, found.T)
    for first, second in ((0, 1), (0, 2), (3, 5)):
        assert found[first, second] == pytest.approx(slow_covariance(trainings[first], trainings[second]))
    told = seeds.difference("swap_difference", trainings[::2], trainings[1::2], "f")
    values = [reliance.of_columns("swap_difference", one)[0].value for one in trainings]
    assert told.first == pytest.approx(values[::2])
    assert told.interval.low <= told.value <= told.interval.high
    assert seeds.difference(
        "swap_difference", trainings[::2], trainings[1::2], "f", same_images=False
    ).image_deviation > (told.image_deviation)


def trained(sharpness: tuple[float, ...], n: int, random: np.random.Generator) -> list[list[np.ndarray]]:
    """Confidence and correctness of trainings on as hard images; a sharpness of 1 is calibrated."""
    found = []
    for one in sharpness:
        logit = 2.5 + 1.5 * random.normal(size=n)
        found.append([1 / (1 + np.exp(-one * logit)), (random.random(n) < 1 / (1 + np.exp(-logit))).astype(float)])
    return found


@pytest.mark.parametrize("k", [3, 5])
def test_a_calibration_error_is_told_as_far_as_noise_may_have_moved_it(k: int):
    random = np.random.default_rng(40)
    nearly, sure = (trained((one,) * k, 3000, random) for one in (1.0, 1.6))
    told = seeds.difference("ece_debiased", nearly, sure, "f", resamples=100)
    assert told.p < 0.05
    assert told.credible
    values = [[[np.full(3000, stats.ece_debiased(*columns))] for columns in side] for side in (nearly, sure)]
    plain = seeds.difference("mean", *values, "f")
    assert plain.value == pytest.approx(told.value)
    assert told.interval.low < plain.interval.low
    assert told.interval.high > plain.interval.high + 0.002  # noise added most to the one that is nearly calibrated
    assert told.tellable == pytest.approx((told.interval.high - told.interval.low) / 2)
    assert told.detectable > told.tellable
    assert "noise may have moved each ECE" in told.method
    same = seeds.difference("ece_debiased", nearly, trained((1.0,) * k, 3000, random), "f", resamples=100)
    assert same.p == 1
    assert same.interval.low < 0 < same.interval.high


def test_seeds_of_a_calibrated_recipe_against_one_slightly_too_sure_are_covered():
    """The values alone lie too near together: noise keeps the ECE of the calibrated one from being 0."""
    random, held, alone = np.random.default_rng(41), 0, 0
    logit = np.sort(2.5 + 1.5 * np.random.default_rng(42).normal(size=150_000)).reshape(15, -1)
    truth = float(np.abs((1 / (1 + np.exp(-1.15 * logit)) - 1 / (1 + np.exp(-logit))).mean(axis=1)).mean())
    for number in range(40):
        sides = [trained((one,) * 3, 4000, random) for one in (1.0, 1.15)]
        told = seeds.difference("ece_debiased", *sides, f"{number // 20}", resamples=100)
        held += told.interval.low <= truth <= told.interval.high
        found = seeds.noise(told.first, told.second, seeds.Images(np.zeros(()), np.zeros(()), np.zeros(()), 4000))
        _, low, high, _ = seeds.welch(told.first, told.second, found)
        alone += low <= truth <= high
    assert held >= 36
    assert alone < held
