"""What FAIL001 says at other confidences, against chance, and of the training images near its errors."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import stats
from eyetest.checks._nearest import most_alike
from eyetest.checks.confident_errors import ConfidentErrors
from eyetest.evidence import Context, Embed, Predict, from_mapping
from eyetest.types import Features, Predictions

CONTEXT = Context(("ant", "bee", "cat"), "made up", "fingerprint", 0)


def predictions(confidence, correct, split="test") -> Predictions:
    """Label 0; wrong answers are class 1; class 2 has a tenth of what is left."""
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=bool)
    chances = np.empty((len(confidence), 3))
    answer = np.where(correct, 0, 1)
    row = np.arange(len(confidence))
    chances[row, answer], chances[row, 1 - answer] = confidence, 0.9 * (1 - confidence)
    chances[:, 2] = 0.1 * (1 - confidence)
    labels = np.zeros(len(confidence), dtype=np.int64)
    return Predictions(split, row, labels, np.log(chances).astype(np.float32))


def outcome(values):
    check = ConfidentErrors()
    return check.run(from_mapping("confident_errors", CONTEXT, values, check.needs()))


def test_rates_at_each_confidence_are_those_counted_by_hand():
    confidence = [0.995, 0.95, 0.95, 0.8, 0.85, 0.92, 0.97, 0.6, 0.7, 0.99]
    correct = [0, 0, 1, 0, 1, 1, 1, 1, 0, 1]
    found = outcome({Predict(): predictions(confidence, correct)}).finding
    assert found.estimate("confident_error_rate").value == 0.2
    assert found.estimate("confident_error_rate[0.99]").value == 0.1
    # right answers: .95 .85 .92 .97 .6 .99, median .935; errors at or above it: .995 and .95
    assert found.estimate("confident_error_rate_at_median").value == 0.2
    when_sure = found.estimate("error_rate_when_sure")
    assert (when_sure.value, when_sure.n) == (2 / 6, 6)
    assert when_sure.low == pytest.approx(stats.wilson(2, 6).low)
    assert found.estimate("confident_errors_over_chance").value == pytest.approx(2 / (4 * 6 / 10))
    [counted] = [block for block in found.blocks if block.kind == "histogram"]
    right, wrong = (one.counts for one in counted.series)
    assert (sum(right), sum(wrong)) == (6, 4)
    assert (sum(right[18:]), sum(wrong[18:])) == (4, 2)  # confidence of 0.9 and more: .95 .92 .97 .99, and .995 .95


def test_columns_make_every_estimate_again():
    done = outcome({Predict(): predictions(np.linspace(0.6, 0.999, 50), np.arange(50) % 4 > 0)})
    for estimate in done.finding.estimates:
        again = stats.STATISTICS[estimate.statistic](*(done.columns[name] for name in estimate.columns))
        assert again == pytest.approx(estimate.value), estimate.name


def test_shuffled_confidence_has_as_many_confident_errors_as_chance():
    random, inside = np.random.default_rng(0), 0
    for seed in range(100):
        wrong, sure = random.random(400) < 0.3, random.random(400) < 0.4
        columns = [(wrong & sure).astype(float), wrong.astype(float), sure.astype(float)]
        interval = stats.bootstrap(stats.ratio_to_independence, columns, str(seed), resamples=200)
        inside += interval.low <= 1 <= interval.high
    assert inside >= 85  # binomial(100, .94) is below 85 with chance 1e-3
    assert stats.ratio_to_independence(np.zeros(3), np.zeros(3), np.ones(3)) == 0


def test_nearest_training_images_stand_on_the_card_with_label_and_cosine():
    train = Predictions("train", np.arange(5), np.array([0, 1, 2, 1, 0]), np.zeros((5, 3), dtype=np.float32))
    near = np.array([[1, 0], [0.9, 0.1], [0, 1], [5, 1], [-1, 0]], dtype=np.float32)
    values = {
        Predict(): predictions([0.95, 0.9], [0, 1]),
        Embed(): Features("test", np.arange(2), np.array([[2, 0], [0, 1]], dtype=np.float32)),
        Embed("train"): Features("train", np.arange(5), near),
        Predict(split="train"): train,
    }
    card = outcome(values).finding.blocks[0].cards[0]
    assert [twin.id for twin in card.twins] == ["train-0", "train-1", "train-3"]
    assert [twin.label for twin in card.twins] == ["ant", "bee", "bee"]
    assert card.twins[0].note == "train-0, cosine 1.00"
    assert card.note == "then ant, 4.5%"


def test_without_features_the_gallery_stands_alone():
    found = outcome({Predict(): predictions([0.95, 0.9], [0, 1])}).finding
    assert found.blocks[0].cards[0].twins == ()
    assert found.status in ("ok", "concern")


def test_nearest_in_parts_is_nearest_of_all():
    random = np.random.default_rng(0)
    test, train = random.normal(size=(3, 8)), random.normal(size=(20000, 8))
    found, cosine = most_alike(test, train)
    slow = (test @ train.T) / np.linalg.norm(test, axis=1)[:, None] / np.linalg.norm(train, axis=1)
    assert np.array_equal(found, np.argsort(-slow, axis=1)[:, :3])
    assert cosine == pytest.approx(np.sort(slow, axis=1)[:, ::-1][:, :3], abs=1e-6)
