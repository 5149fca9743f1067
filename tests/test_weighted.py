"""Resamples that are taken without sorting again are those of the plain statistic."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from eyetest import stats, weighted


def columns(n: int, digits: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    confidence = np.round(random.beta(8, 1, n), digits)
    return [confidence, (random.random(n) < confidence).astype(float)]


@pytest.mark.parametrize("name", sorted(name for name, one in stats.STATISTICS.items() if one in stats.WEIGHTED))
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("n", "digits"), [(7, 1), (40, 1), (500, 2), (500, 16)])
def test_they_agree_with_the_plain_statistic_of_the_drawn_rows(name, grouped, n, digits):
    statistic = stats.STATISTICS[name]
    read = columns(n, digits)
    groups = np.random.default_rng(1).integers(0, max(n // 5, 2), n) if grouped else None
    seeds = stats.generator("x").integers(0, 2**63, size=60)
    slow = [statistic(*(column[rows] for column in read)) for rows in weighted.drawn(seeds, n, groups)]
    assert stats.resampled(statistic, read, "x", groups=groups, resamples=60) == pytest.approx(
        np.array(slow), abs=1e-12
    )


@pytest.mark.parametrize("name", sorted(name for name, one in stats.STATISTICS.items() if one not in stats.WEIGHTED))
def test_counts_of_drawn_images_say_what_the_drawn_rows_say(name):
    statistic, random = stats.STATISTICS[name], np.random.default_rng(2)
    columns = inspect.signature(statistic).parameters.values()
    number = sum(3 if one.kind is one.VAR_POSITIONAL else 1 for one in columns)
    read = [(random.random(300) < 0.4).astype(float) for _ in range(number)]
    seeds = stats.generator("x").integers(0, 2**63, size=40)
    slow = [statistic(*(column[rows] for column in read)) for rows in weighted.drawn(seeds, 300)]
    assert stats.resampled(statistic, read, "x", resamples=40) == pytest.approx(np.array(slow), abs=1e-12)


def test_a_resample_of_groups_holds_them_whole():
    groups = np.array([3, 3, 3, 9, 7, 7])
    for rows in weighted.drawn(np.arange(50), 6, groups):
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[1] == counts[2]
        assert counts[4] == counts[5]
        assert counts[0] + counts[3] + counts[4] == 3


def test_groups_of_one_image_each_differ_only_in_the_draws_and_the_widening():
    read = columns(400, 16)
    plain = stats.bootstrap(stats.ece, read, "x")
    grouped = stats.bootstrap(stats.ece, read, "x", groups=np.arange(400))
    assert grouped == pytest.approx(plain, abs=0.001)
    assert grouped.high - grouped.low > plain.high - plain.low


def test_images_of_few_groups_say_less():
    read = columns(400, 16)
    wide = stats.bootstrap(stats.mean, [np.repeat(read[1][:20], 20)], "x", groups=np.repeat(np.arange(20), 20))
    narrow = stats.bootstrap(stats.mean, [np.repeat(read[1][:20], 20)], "x")
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    with pytest.raises(ValueError, match="one group"):
        stats.bootstrap(stats.mean, [read[1]], "x", groups=np.zeros(400))
