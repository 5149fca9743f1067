"""CUE005 on made-up answers to images with another class's object."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest.checks._swapped import Swapped
from eyetest.checks.wrong_reasons import WrongReasons, standing
from eyetest.data.donors import donor_table
from eyetest.data.split import ArraySplit
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Predict, Swap, from_mapping
from eyetest.stats import clopper_pearson
from eyetest.transplants.centre import Centre
from eyetest.transplants.object import Object
from eyetest.types import DonorTable, Predictions, Swaps

NAMES = ("ant", "bee", "cat", "dog")
BOTH = (Object(), Centre())


def logits(predicted, classes=4):
    return 5 * np.eye(classes, dtype=np.float32)[np.asarray(predicted)]


def run(labels, plain, other_arm, table, transplants=BOTH, classes=4):
    """The outcome where the images of arm `other` (r n) are answered so."""
    labels = np.asarray(labels, dtype=np.int64)
    other_arm = np.asarray(other_arm)
    answers = np.stack([np.tile(labels, (len(other_arm), 1)), other_arm], 1)
    made = Swaps(table, labels, logits(answers, classes), np.zeros(answers.shape, dtype=np.float32))
    values = {Swap(one): made for one in transplants}
    values[Predict()] = Predictions("test", np.arange(len(labels), dtype=np.int64), labels, logits(plain, classes))
    context = Context(NAMES[:classes], "made up", "fingerprint", 0)
    return WrongReasons().run(from_mapping("wrong_reasons", context, values, WrongReasons().needs()))


LABELS = np.array([0, 0, 1, 1, 2, 2, 3, 3])
OTHER = np.array([1, 2, 2, 3, 3, 0, 0, 1])
EIGHT = DonorTable(
    np.arange(8, dtype=np.int64), np.arange(16, dtype=np.int64).reshape(1, 2, 8), np.stack([LABELS, OTHER])[None], 0
)
PLAIN = [0, 0, 1, 1, 2, 2, 0, 0]
"""The last two are wrong."""
ANSWERS = [[0, 2, 1, 3, 2, 1, 3, 1]]
"""Stands, follows, stands, follows, stands, strays; and two that do not count."""


def table(n, pool, seed=0):
    labels, lenders = np.arange(n, dtype=np.int64) % 4, np.arange(pool, dtype=np.int64) % 4
    rows = [np.arange(k, dtype=np.int64) for k in (n, pool)]
    splits = (ArraySplit("test", labels, rows[0], np.empty(0)), ArraySplit("validation", lenders, rows[1], np.empty(0)))
    return labels, donor_table(*splits, seed=seed, draws=1)


def test_eight_images_by_hand():
    outcome = run(LABELS, PLAIN, ANSWERS, EIGHT)
    estimate = outcome.finding.estimate("wrong_reasons")
    assert estimate.value == pytest.approx((3 - 1 / 2) / 6)
    assert estimate.n == outcome.finding.params["right_answers"] == 6
    assert outcome.columns["excess"].sum() / outcome.columns["right"].sum() == pytest.approx(estimate.value)
    excess = np.array([1, 0, 1, 0, 1, -0.5])
    variance = ((excess - excess.mean()) ** 2).sum() / 36 + 2 / 36
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)


def test_the_gallery_shows_right_answers_that_stand():
    (gallery,) = (b for b in run(LABELS, PLAIN, ANSWERS, EIGHT).finding.blocks if b.kind == "gallery")
    assert [card.id for card in gallery.cards] == ["test-0", "test-2", "test-4"]
    assert gallery.title == "Still answered so with another class's object, surest first"
    assert all(card.swaps[1].predicted == card.truth == card.predicted for card in gallery.cards)


def test_answers_that_stand_are_a_concern_and_answers_that_follow_the_object_are_not():
    labels, found = table(400, 800)
    assert run(labels, labels, labels[None], found).finding.status == "concern"
    assert run(labels, labels, found.classes[:, 1], found).finding.status == "ok"


def test_answers_among_the_other_classes_at_random_have_mean_0():
    random, times = np.random.default_rng(2), 200
    labels, found = table(240, 240)
    seen, excluded = [], 0
    for _ in range(times):
        follows = random.random(240) < 0.4
        answer = np.where(follows, found.classes[0, 1], random.integers(0, 4, 240))
        plain = np.where(random.random(240) < 0.8, labels, (labels + 1) % 4)
        answers = logits(np.stack([labels, answer])[None])
        made = Swaps(found, labels, answers, np.zeros((1, 2, 240), dtype=np.float32))
        estimate, _ = standing(Swapped(Object(), made, (plain == labels).astype(float)[None]), 4)
        seen.append(estimate.value)
        excluded += int(not estimate.low <= 0 <= estimate.high)
    assert abs(np.mean(seen)) < 4 * np.std(seen) / times**0.5
    assert clopper_pearson(excluded, times, 0.998).low <= 0.05
    assert excluded > 0  # 10 expected


def test_without_masks_the_centre_is_asked_and_never_called_wrong_reasons():
    labels, found = table(400, 800)
    finding = run(labels, labels, labels[None], found, (Centre(),)).finding
    assert finding.status == "inconclusive"
    assert [e.name for e in finding.estimates] == ["stands_without_centre"]
    assert finding.estimates[0].value == 1
    assert finding.estimates[0].better == "neither"
    assert "cannot be told" in finding.headline
    assert "wrong_reasons" not in finding.headline


def test_two_classes_have_no_chance_level():
    labels = np.array([0, 1])
    two = DonorTable(np.arange(2), np.arange(4).reshape(1, 2, 2), np.array([[[0, 1], [1, 0]]]), 0)
    with pytest.raises(MissingEvidence, match="two classes"):
        run(labels, labels, [[0, 1]], two, classes=2)


def test_without_any_transplant_it_is_not_asked():
    with pytest.raises(MissingEvidence, match="swap"):
        run(LABELS, PLAIN, ANSWERS, EIGHT, ())


def test_without_any_right_answer_it_is_not_asked():
    with pytest.raises(MissingEvidence, match="no image"):
        run(LABELS, (LABELS + 1) % 4, ANSWERS, EIGHT)
