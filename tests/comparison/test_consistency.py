"""Error consistency: known answers, a slow and obvious implementation, and models that err independently."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eyetest.comparison.consistency import agreement


def spread(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    cells = np.repeat([3, 2, 1, 0], [both, first, second, neither])
    return cells >= 2, cells % 2 == 1


def slow_kappa(table: np.ndarray) -> tuple[float, float]:
    """Kappa and its variance cell by cell: Fleiss, Cohen & Everitt 1969, equation 13."""
    share = table / table.sum()
    rows, columns = share.sum(1), share.sum(0)
    observed = sum(share[i, i] for i in range(2))
    chance = sum(rows[i] * columns[i] for i in range(2))
    on = sum(share[i, i] * ((1 - chance) - (columns[i] + rows[i]) * (1 - observed)) ** 2 for i in range(2))
    off = sum(share[i, j] * (columns[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    last = (observed * chance - 2 * chance + observed) ** 2
    variance = (on + (1 - observed) ** 2 * off - last) / (table.sum() * (1 - chance) ** 4)
    return float((observed - chance) / (1 - chance)), float(variance)


def test_a_known_answer():
    found = agreement(*spread(20, 5, 10, 15))
    assert found.observed == 0.7
    assert found.expected == 0.5
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.4)


@pytest.mark.parametrize("counts", [(900, 40, 30, 30), (10, 3, 3, 10), (500, 0, 7, 1), (1, 20, 30, 2)])
def test_the_interval_is_that_of_the_slow_formula(counts: tuple[int, int, int, int]):
    both, first, second, neither = counts
    found = agreement(*spread(*counts)).kappa
    assert found is not None
    value, _ = slow_kappa(np.array([[both, first], [second, neither]], dtype=float))
    _, variance = slow_kappa(np.array([[both, first], [second, neither]]) + 0.5)
    half = 1.959964 * math.sqrt(variance * (sum(counts) + 2) / sum(counts))
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(max(value - half, -1), abs=1e-6)
    assert found.high == pytest.approx(min(value + half, 1), abs=1e-6)


def test_models_that_err_independently_have_no_consistency():
    random, held, rounds = np.random.default_rng(0), 0, 2000
    for _ in range(rounds):
        found = agreement(random.random(1000) < 0.9, random.random(1000) < 0.8).kappa
        held += found is not None and found.low <= 0 <= found.high
    assert 0.93 <= held / rounds <= 0.97


def test_the_interval_covers_a_known_consistency():
    random, held, rounds = np.random.default_rng(1), 0, 2000
    share = np.array([0.85, 0.05, 0.04, 0.06])
    truth, _ = slow_kappa(share.reshape(2, 2))
    for counts in random.multinomial(1000, share, size=rounds).tolist():
        found = agreement(*spread(*counts)).kappa
        held += found is not None and found.low <= truth <= found.high
    assert 0.93 <= held / rounds <= 0.97


def test_the_same_errors_are_fully_consistent_and_the_interval_keeps_a_width():
    found = agreement(*spread(90, 0, 0, 10)).kappa
    assert found is not None
    assert (found.value, found.high) == (1, 1)
    assert 0.8 < found.low < 1


@pytest.mark.parametrize("right", [True, False])
def test_without_errors_or_without_right_answers_it_is_not_defined(right: bool):
    assert agreement(np.full(10, right), np.full(10, right)).kappa is None


def test_groups_widen_the_interval():
    first, second = (np.repeat(one, 10) for one in spread(40, 10, 10, 10))
    single, grouped = agreement(first, second).kappa, agreement(first, second, np.repeat(np.arange(70), 10)).kappa
    apart = agreement(*spread(40, 10, 10, 10)).kappa
    assert single is not None and grouped is not None and apart is not None
    assert grouped.high - grouped.low > 2.5 * (single.high - single.low)
    assert grouped.high - grouped.low == pytest.approx(apart.high - apart.low, rel=0.15)
