from __future__ import annotations

import numpy as np
import pytest

from eyetest.checks.duplicates import Duplicates
from eyetest.evidence import Context, Predict, Resemble, from_mapping
from eyetest.records import Gallery, Table
from eyetest.types import SPLITS, Lookalikes, Predictions

CONTEXT = Context(("ant", "bee"), "made up", "fingerprint", 0)
TRAIN, TEST = SPLITS.index("train"), SPLITS.index("test")


def lookalikes(pairs, null_rate=0.0) -> Lookalikes:
    """From (test row, split, row, exact, correlation, label)."""
    columns = list(zip(*pairs, strict=True)) or [()] * 6
    whole = [np.array(columns[k], dtype=np.int64) for k in range(3)]
    return Lookalikes(
        whole[0], whole[2], whole[1], np.array(columns[3], dtype=bool), np.array(columns[4], dtype=np.float64),
        np.array([100]), np.array([null_rate]), np.array(columns[5], dtype=np.int64),
    )  # fmt: skip


def outcome(pairs, correct, null_rate=0.0, rows=None):
    labels = np.zeros(len(correct), dtype=np.int64)
    logits = np.where(np.asarray(correct, dtype=bool)[:, None], [[2.0, 0.0]], [[0.0, 2.0]]).astype(np.float32)
    rows = np.arange(len(correct)) if rows is None else rows
    values = {Predict(): Predictions("test", rows, labels, logits), Resemble(): lookalikes(pairs, null_rate)}
    check = Duplicates()
    return check.run(from_mapping("duplicates", CONTEXT, values, check.needs()))


def test_accuracy_with_and_without_the_leaked_images_is_paired():
    pairs = [(row, TRAIN, 50 + row, row < 4, 1.0 if row < 4 else 0.96, 0) for row in range(10)]
    found = outcome(pairs, [1] * 10 + [1] * 45 + [0] * 45).finding
    assert found.estimate("duplicate_rate").value == 0.1
    assert found.estimate("exact_duplicate_rate").value == 0.04
    assert found.estimate("accuracy_without_duplicates").value == 0.5
    assert found.estimate("accuracy_without_duplicates").n == 90
    gained = found.estimate("accuracy_gained")
    assert gained.value == pytest.approx(0.55 - 0.5)
    assert 0 < gained.low < gained.value < gained.high < 0.1
    assert found.status == "concern"
    assert "+5.00 points" in found.headline


def test_two_labels_come_first_then_errors_and_a_pair_of_test_images_stands_once():
    pairs = [
        (0, TRAIN, 9, False, 0.96, 0), (1, TRAIN, 8, True, 1.0, 0), (2, TRAIN, 7, False, 0.99, 1),
        (3, TEST, 5, True, 1.0, 0), (5, TEST, 3, True, 1.0, 0),
    ]  # fmt: skip
    found = outcome(pairs, [0, 1, 1, 1, 1, 1]).finding
    gallery = next(block for block in found.blocks if isinstance(block, Gallery))
    assert [card.id for card in gallery.cards] == ["test-2", "test-0", "test-1", "test-3"]
    assert [card.twins[0].id for card in gallery.cards] == ["train-7", "train-9", "train-8", "test-5"]
    assert gallery.cards[0].twins[0].label == "bee"
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.columns[0] == "image"
    assert table.rows[0] == ("test-2", "ant", "ant", "train-7", "bee", False, 0.99)
    assert found.estimate("conflicting_rate").value == pytest.approx(1 / 6)
    assert found.estimate("test_twin_rate").value == pytest.approx(2 / 6)
    assert found.samples == ("test-2", "test-0", "test-1", "test-3")


def test_columns_hold_every_image_and_make_the_estimates_again():
    from eyetest import stats

    done = outcome([(0, TRAIN, 9, False, 0.96, 1)], [0, 1, 1, 1])
    assert done.ids == ("test-0", "test-1", "test-2", "test-3")
    for estimate in done.finding.estimates:
        again = stats.STATISTICS[estimate.statistic](*(done.columns[name] for name in estimate.columns))
        assert again == pytest.approx(estimate.value), estimate.name


def test_no_pairs_are_a_rate_of_zero_with_its_interval():
    found = outcome([], [1] * 50).finding
    rate = found.estimate("duplicate_rate")
    assert (rate.value, rate.low) == (0, 0)
    assert rate.high == pytest.approx(0.0714, abs=1e-4)
    assert found.status == "ok"
    assert {e.name for e in found.estimates} & {"accuracy_gained", "accuracy_without_duplicates"} == set()


def test_everything_leaked_leaves_no_accuracy_without():
    found = outcome([(row, TRAIN, row, True, 1.0, 0) for row in range(4)], [1, 1, 0, 1]).finding
    assert found.status == "concern"
    assert "accuracy_without_duplicates" not in {e.name for e in found.estimates}


def test_a_rule_that_is_fooled_as_often_as_it_finds_cannot_tell():
    pairs = [(row, TRAIN, row, False, 0.96, 0) for row in range(10)]
    assert outcome(pairs, [1] * 100, null_rate=0.2).finding.status == "inconclusive"
    assert outcome(pairs, [1] * 100, null_rate=0.0).finding.status == "concern"


def test_pairs_of_images_that_were_not_read_do_not_count():
    pairs = [(1, TRAIN, 9, True, 1.0, 0), (4, TRAIN, 8, True, 1.0, 0)]
    done = outcome(pairs, [1, 1], rows=np.array([4, 6]))
    assert done.columns["leaked"].tolist() == [1, 0]
