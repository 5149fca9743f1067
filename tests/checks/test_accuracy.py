"""ACC001 and ACC002 on made-up answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score

from eyetest import stats
from eyetest.checks.accuracy import Accuracy, label_rank
from eyetest.checks.confusion import Confusion
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.types import Predictions


def answers(k: int, n: int, seed: int = 0, right: float = 2.0, given: str = "logits") -> Predictions:
    random = np.random.default_rng(seed)
    labels = random.integers(0, k, n)
    logits = random.normal(size=(n, k))
    logits[np.arange(n), labels] += right
    return Predictions("test", np.arange(n), labels, logits.astype(np.float32), given)


def outcome(check, predictions: Predictions, groups=None):
    classes = tuple(f"c{k}" for k in range(predictions.logits.shape[1]))
    context = Context(classes, "made up", "fingerprint", 0, groups)
    return check.run(from_mapping("test", context, {Predict(): predictions}))


def test_rates_agree_with_scikit_learn():
    predictions = answers(12, 700)
    finding = outcome(Accuracy(), predictions).finding
    names = np.arange(12)
    assert finding.estimate("top_5_accuracy").value == pytest.approx(
        top_k_accuracy_score(predictions.labels, predictions.logits, k=5, labels=names)
    )
    assert finding.estimate("balanced_accuracy").value == pytest.approx(
        balanced_accuracy_score(predictions.labels, predictions.predicted)
    )
    matrix = outcome(Confusion(), predictions).finding.blocks[0].counts
    assert (np.array(matrix) == confusion_matrix(predictions.labels, predictions.predicted, labels=names)).all()


def test_estimates_are_their_statistics_of_the_columns():
    found = outcome(Accuracy(), answers(12, 300))
    for one in found.finding.estimates:
        assert one.statistic
        read = [found.columns[name] for name in one.columns]
        assert one.value == pytest.approx(stats.STATISTICS[one.statistic](*read))
        assert one.low <= one.value <= one.high


def test_top_5_needs_more_than_10_classes_and_more_than_the_answer():
    def has_top(predictions: Predictions) -> bool:
        return "top_5_accuracy" in {one.name for one in outcome(Accuracy(), predictions).finding.estimates}

    assert has_top(answers(11, 60))
    assert not has_top(answers(10, 60))
    assert not has_top(answers(11, 60, given="classes"))


def test_a_tie_is_won_by_the_lowest_class_in_the_top_5_as_in_the_answer():
    flat = Predictions("test", np.arange(12), np.arange(12), np.zeros((12, 12), dtype=np.float32))
    assert label_rank(flat).tolist() == list(range(12))
    assert ((label_rank(flat) == 0) == flat.correct).all()


def test_many_classes_have_no_columns_of_their_own():
    found = outcome(Accuracy(), answers(101, 400))
    assert found.finding.estimate("accuracy[c3]").statistic is None
    assert set(found.columns) == {"correct", "label", "in_top_5"}


@pytest.mark.parametrize(
    ("n", "right", "status"), [(6000, 3.0, "ok"), (6000, 0.0, "concern"), (400, 0.0, "inconclusive")]
)
def test_the_status_is_about_guessing(n, right, status):
    assert outcome(Accuracy(), answers(4, n, right=right)).finding.status == status


def test_a_useful_model_of_a_rare_class_is_no_concern_though_the_commonest_answer_is_right_more_often():
    labels = np.array([1] * 30 + [0] * 2970)
    predicted = np.where(np.arange(3000) % 20 == 0, 1 - labels, labels)
    predictions = Predictions("test", np.arange(3000), labels, np.eye(2, dtype=np.float32)[predicted])
    finding = outcome(Accuracy(), predictions).finding
    assert finding.estimate("accuracy").high < finding.params["most_frequent_class"]
    assert finding.status == "ok"


def test_one_class_or_few_images_conclude_nothing():
    one = Predictions("test", np.arange(50), np.zeros(50, dtype=np.int64), np.eye(2, dtype=np.float32)[[0] * 50])
    finding = outcome(Accuracy(), one).finding
    assert finding.status == "inconclusive"
    assert "all of them are of one class" in finding.headline
    assert outcome(Accuracy(), answers(2, 29, right=9)).finding.status == "inconclusive"


def test_images_of_one_group_widen_the_intervals():
    predictions, groups = answers(3, 400), np.arange(400) // 20
    plain, grouped = (outcome(Accuracy(), predictions, one).finding for one in (None, groups))
    assert "20 groups" in grouped.estimate("balanced_accuracy").method
    assert plain.headline.partition("worst")[2] != grouped.headline.partition("worst")[2]


def test_directions_have_intervals_that_allow_for_having_been_picked():
    counts = {(0, 1): 18, (0, 0): 982, (1, 0): 6, (1, 1): 994, (2, 2): 1000}
    labels = np.repeat([i for i, _ in counts], list(counts.values()))
    predicted = np.repeat([j for _, j in counts], list(counts.values()))
    rows = np.arange(len(labels))
    finding = outcome(Confusion(), Predictions("test", rows, labels, np.eye(3, dtype=np.float32)[predicted])).finding
    first = finding.blocks[1].rows[0]
    assert first[:3] == ("c0 → c1", 18, 0.018)
    assert first[3:5] == pytest.approx(stats.wilson(18, 1000, 1 - 0.05 / 6)[1:])
    pair = finding.blocks[2].rows[0]
    assert pair[:3] == ("c0 → c1", 18, 6)
    assert pair[3:] == pytest.approx((0.0226558, 0.0146333), abs=1e-6)
    share = finding.estimate("one_sided_pairs")
    assert (share.value, share.low, share.high) == (1, 1, 1)


def test_errors_without_a_pair_to_test_are_inconclusive():
    labels, predicted = np.array([0, 1] * 30), np.array([0, 1] * 28 + [1, 0] * 2)
    finding = outcome(
        Confusion(), Predictions("test", np.arange(60), labels, np.eye(2, dtype=np.float32)[predicted])
    ).finding
    assert finding.status == "inconclusive"
    assert "no pair has enough errors" in finding.headline
