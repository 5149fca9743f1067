"""Donors: the right class, evenly spread, from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest.data.base import Dataset
from eyetest.data.donors import donor_table, draws_for
from eyetest.data.split import ArraySplit, stratified_sample
from eyetest.engine.plan import Work
from eyetest.engine.swap import _table
from eyetest.errors import DataError


def split(labels, name="test") -> ArraySplit:
    """A split of which only names and labels are read: pixels that are looked at would raise."""
    labels = np.asarray(labels, dtype=np.int64)
    return ArraySplit(name, labels, np.arange(len(labels), dtype=np.int64), np.empty(0))


def table(test, pool, seed=0, draws=1):
    return donor_table(split(test), split(pool, "validation"), seed=seed, draws=draws)


EVEN = np.tile(np.arange(5), 40)
UNEVEN = np.repeat([0, 1, 2, 3], [97, 31, 14, 5])


@pytest.mark.parametrize("test", [EVEN, UNEVEN, np.tile([0, 1], 33)])
@pytest.mark.parametrize("pool", [EVEN, UNEVEN])
def test_the_same_arm_has_the_label_and_the_other_arm_never(test, pool):
    found = table(test, pool, draws=3)
    labels = test[found.rows]
    assert (found.classes == pool[found.donors]).all()
    assert (found.classes[:, 0] == labels).all()
    assert (found.classes[:, 1] != labels).all()


@pytest.mark.parametrize("test", [EVEN, UNEVEN])
@pytest.mark.parametrize("pool", [EVEN[:60], UNEVEN])
def test_within_a_class_no_donor_is_used_twice_more_than_another(test, pool):
    found = table(test, pool, draws=2)
    for draw, arm in np.ndindex(2, 2):
        used = np.bincount(found.donors[draw, arm], minlength=len(pool))
        for c in np.unique(found.classes):
            assert np.ptp(used[pool == c]) <= 1


@pytest.mark.parametrize("test", [EVEN, UNEVEN, EVEN[:23]])
def test_the_other_class_is_uniform_over_the_others(test):
    found = table(test, EVEN, draws=2)
    labels = test[found.rows]
    for draw in range(2):
        for c in np.unique(labels):
            used = np.bincount(found.classes[draw, 1][labels == c], minlength=5)
            assert used[c] == 0
            assert np.ptp(np.delete(used, c)) <= 1


def test_two_classes_lend_to_each_other():
    found = table([0, 1] * 10, [0, 1] * 10)
    assert (found.classes[0, 1] == 1 - np.array([0, 1] * 10)).all()


def test_which_class_an_image_gets_does_not_follow_the_order_of_the_rows():
    found = table(EVEN, EVEN)
    mine = found.classes[0, 1][EVEN == 0]
    assert not any(
        (mine == np.resize(turn, 40)).all() for turn in ([1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3])
    )


def test_seed_and_draw_change_the_donors_and_nothing_else_does():
    first = table(EVEN, EVEN, draws=2)
    assert (table(EVEN, EVEN, draws=2).donors == first.donors).all()
    assert (table(EVEN, EVEN, draws=3).donors[:2] == first.donors).all()
    assert (first.donors[0] != first.donors[1]).mean() > 0.8
    assert (table(EVEN, EVEN, seed=1).donors[0] != first.donors[0]).mean() > 0.8


def test_what_another_class_looks_like_does_not_change_a_class_own_donors():
    more = np.concatenate([EVEN, np.full(30, 4)])
    assert (table(more, EVEN).donors[0, 0][:200][EVEN != 4] == table(EVEN, EVEN).donors[0, 0][EVEN != 4]).all()


@pytest.mark.parametrize("limits", [{"swaps": 37}, {"test": 37}])
def test_a_sample_of_the_images_keeps_its_donors(limits):
    data = Dataset(
        "d", "d", tuple("abcde"), (1, 1), "f", {"test": split(EVEN), "validation": split(EVEN, "validation")}
    )
    whole, part = (_table(Work((), (), (), (), (), (), (), (), (), one, 2), data, 0) for one in ({}, limits))
    assert part.rows.tolist() == stratified_sample(EVEN, 37, 0).tolist()
    assert (part.donors == whole.donors[..., part.rows]).all()
    assert (part.classes == whole.classes[..., part.rows]).all()


def test_a_class_with_one_donor_is_left_out_and_counted():
    found = table(np.repeat([0, 1, 2], [10, 7, 3]), [0, 0, 1, 1, 2])
    assert found.left_out == 3
    assert found.rows.tolist() == list(range(17))
    assert set(found.classes.ravel().tolist()) == {0, 1}


def test_with_fewer_than_two_lending_classes_it_says_what_to_do():
    for pool in ([0, 0, 0, 1], [0, 1, 2, 3]):
        with pytest.raises(DataError, match="--skip"):
            table([0, 1], pool)


def test_draws_make_up_for_few_images():
    assert [draws_for(n) for n in (60000, 5000, 4999, 2500, 2499, 1000, 625, 60, 1, 0)] == [
        1,
        1,
        2,
        2,
        3,
        5,
        8,
        8,
        8,
        8,
    ]
