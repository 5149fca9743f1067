"""Rates and paired differences of images that come in groups: coverage, limits and nulls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, t

from eyetest import clustered, stats
from eyetest.checks import _measure as measure
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context

T_OVER_Z = t.ppf(0.975, 199) / 1.959963984540054


def test_groups_of_one_image_each_are_wilson_but_for_the_few_that_the_effect_is_estimated_from():
    hits = np.arange(200) < 30
    found = clustered.wilson(hits, np.arange(200))
    factor = T_OVER_Z**2 * ((1 - 0.5 / 30.5) * 200 / 199 + 0.5 / 30.5)
    assert found == pytest.approx(stats.wilson(30 / factor, 200 / factor))
    assert found == pytest.approx(stats.wilson(30, 200), abs=0.002)


def test_copies_of_an_image_add_nothing():
    hits = np.arange(200) < 60
    one = clustered.wilson(hits, np.arange(200))
    copied = clustered.wilson(np.repeat(hits, 7), np.repeat(np.arange(200), 7))
    assert copied == pytest.approx(one, abs=0.002)


def test_one_group_says_nothing_of_others():
    assert clustered.wilson(np.arange(10) < 4, np.zeros(10)) == (0.4, 0, 1)
    assert clustered.tango(np.arange(10) < 4, np.arange(10) < 2, np.zeros(10)) == (0.2, -1, 1)


def test_nothing_seen_counts_each_group_once():
    found = clustered.wilson(np.zeros(600, dtype=bool), np.repeat(np.arange(60), 10))
    assert found.low == 0
    assert found.high == pytest.approx(stats.wilson(0, 60).high, rel=0.05)


def clusters(random: np.random.Generator, rate: float, alike: float, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits (beta-binomial) and groups."""
    sizes = random.integers(1, 20, groups)
    chance = random.beta(rate * (1 - alike) / alike, (1 - rate) * (1 - alike) / alike, groups)
    place = np.repeat(np.arange(groups), sizes)
    return random.random(len(place)) < chance[place], place


@pytest.mark.parametrize("alike", [0.1, 0.5])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_wilson_at_the_effective_n_covers(rate, alike):
    random = np.random.default_rng(0)
    found = [clustered.wilson(*clusters(random, rate, alike, 60)) for _ in range(800)]
    inside = sum(one.low <= rate <= one.high for one in found)
    assert binom.ppf(0.0005, 800, 0.94) <= inside <= binom.ppf(0.9995, 800, 0.97)
    random = np.random.default_rng(0)
    naive = [
        stats.wilson(int(hits.sum()), len(hits)) for hits, _ in (clusters(random, rate, alike, 60) for _ in range(800))
    ]
    assert sum(one.low <= rate <= one.high for one in naive) < binom.ppf(0.0005, 800, 0.93)


def test_two_coins_rarely_differ():
    random, seen, p = np.random.default_rng(1), 0, 0
    for _ in range(600):
        first, place = clusters(random, 0.3, 0.4, 50)
        second = np.where(random.random(50)[place] < 0.5, first, clusters_like(random, place))
        found = clustered.tango(first, second, place)
        seen += not found.low <= 0 <= found.high
        p += clustered.mcnemar(first & ~second, second & ~first, place) < 0.05
    assert seen <= binom.ppf(0.9995, 600, 0.06)
    assert binom.ppf(0.0005, 600, 0.03) <= p <= binom.ppf(0.9995, 600, 0.07)


def clusters_like(random: np.random.Generator, place: np.ndarray) -> np.ndarray:
    chance = random.beta(0.3 * 1.5, 0.7 * 1.5, place.max() + 1)
    return random.random(len(place)) < chance[place]


def test_the_same_model_twice_differs_in_nothing_and_the_interval_is_no_point():
    hits = np.arange(100) < 40
    groups = np.repeat(np.arange(20), 5)
    found = clustered.tango(hits, hits, groups)
    assert found.value == 0
    assert found.low < 0 < found.high
    assert clustered.mcnemar(hits & ~hits, ~hits & hits, groups) == 1


def test_measures_say_over_how_many_groups():
    groups = np.repeat(np.arange(30), 4)
    context = Context(("a", "b"), "made up", "f", 0, groups)
    rows, hits = np.arange(0, 120, 2), np.arange(60) % 3 == 0
    rate = measure.rate(context, "r", hits, rows, better="lower")
    assert rate.method == "Wilson score interval at the effective n over 30 groups"
    mean = measure.measured(context, "m", "mean", ("x",), {"x": hits.astype(float)}, rows, unit="u", better="lower")
    assert mean.method.startswith("percentile bootstrap over 30 groups")
    with pytest.raises(MissingEvidence, match="at least two groups"):
        measure.measured(context, "m", "mean", ("x",), {"x": np.ones(2)}, rows[:2], unit="u", better="lower")
