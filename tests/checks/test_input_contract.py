"""The rules of DAT001 on made-up answers: what is called a fault, what is not, and how often without cause."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from eyetest import stats
from eyetest.checks._input_faults import (
    FALSE_ALARM,
    FEEDINGS,
    answer_faults,
    at_chance,
    faults,
    gains,
    reordering,
    softmaxed,
)
from eyetest.checks.input_contract import InputContract
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Predict, Preflight, from_mapping
from eyetest.types import InputTrials, Predictions

CLASSES = tuple("abcde")
NONE = np.empty(0, dtype=np.int64)


def one_hot(answers, k=5):
    return (4 * np.eye(k)[answers] - 1).astype(np.float32)


def answered(labels, right, random, k=5):
    """Answers that are right where `right` says so, else another class."""
    return np.where(right, labels, (labels + random.integers(1, k, len(labels))) % k).astype(np.int64)


def trials(labels, stated, answers=None, **changes):
    logits = one_hot(stated)
    first = logits[:128]
    values = {
        "rows": np.arange(len(labels), dtype=np.int64), "labels": labels, "logits": logits, "again": first,
        "mixed": first, "answers": answers or {}, "training_layers": "", "trained_on": "run", "seen_test": NONE,
        "seen_validation": NONE, "compared": np.array([200, 100, 800]),
    }  # fmt: skip
    return InputTrials(**(values | changes))


def harmless(random, n=512):
    """All ways of feeding exactly as good as the stated one, each with errors of its own: the worst case of the rule."""
    labels = random.permutation(np.arange(n, dtype=np.int64) % 5)
    easy = random.beta(4, 1.5, n) if random.random() < 0.5 else np.full(n, random.uniform(0.5, 0.95))
    answers = {name: answered(labels, random.random(n) < easy, random) for name in FEEDINGS}
    return trials(labels, answered(labels, random.random(n) < easy, random), answers)


def finding(found, **values):
    check = InputContract()
    context = Context(CLASSES, "made up", "fingerprint", 0)
    return check.run(from_mapping("test", context, {Preflight(): found, **values}, check.needs())).finding


def test_harmless_models_are_called_faulty_no_more_often_than_the_rule_says():
    random = np.random.default_rng(0)
    alarms = sum(bool(faults(harmless(random), CLASSES)) for _ in range(500))
    assert stats.clopper_pearson(alarms, 500, 0.998).low <= FALSE_ALARM


@pytest.mark.parametrize("accuracy", [0.45, 0.75, 1.0])
def test_the_order_of_classes_is_left_alone_where_it_is_right(accuracy):
    random = np.random.default_rng(1)
    labels = np.tile(np.arange(5), 60)
    alarms = sum(
        reordering(labels, answered(labels, random.random(300) < accuracy, random), 5)[1].fault for _ in range(300)
    )
    assert stats.clopper_pearson(alarms, 300, 0.998).low <= 0.001


def test_another_order_is_found_on_one_half_and_judged_on_the_other():
    random = np.random.default_rng(2)
    labels = np.tile(np.arange(5), 60)
    wrong_order = np.array([1, 2, 0, 3, 4])
    answers = wrong_order[answered(labels, random.random(300) < 0.9, random)]
    order, gain = reordering(labels, answers, 5)
    assert order[wrong_order].tolist() == [0, 1, 2, 3, 4]
    assert gain.n == 150
    (fault,) = faults(trials(labels, answers), CLASSES)
    assert (fault.kind, fault.refused) == ("class order", True)
    assert "a means c; b means a; c means b" in fault.seen


def test_the_half_that_chooses_an_order_does_not_judge_it():
    """Answers by chance: the best of all orders looks better on the half that chose it, and is not on the other."""
    random = np.random.default_rng(3)
    labels = np.tile(np.arange(5), 20)
    values = [reordering(labels, random.integers(0, 5, 100), 5)[1].difference.value for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)


def test_the_assignment_agrees_with_scipy_and_ties_stay_where_they_are():
    counts = np.random.default_rng(4).integers(0, 50, (6, 6))
    rows, columns = linear_sum_assignment(counts, maximize=True)
    assert counts[rows, stats.best_assignment(counts)].sum() == counts[rows, columns].sum()
    assert stats.best_assignment(np.ones((4, 4), dtype=np.int64)).tolist() == [0, 1, 2, 3]


def better_way(gain, n=512, name="imagenet"):
    """A way that is right on `gain` more of the images, nowhere worse."""
    labels = np.arange(n, dtype=np.int64) % 5
    right = np.arange(n) >= 0.3 * n
    other = np.arange(n) >= (0.3 - gain) * n
    random = np.random.default_rng(5)
    stated = answered(labels, right, random)
    return trials(labels, stated, {name: np.where(other, labels, stated), "bgr": stated.copy()})


@pytest.mark.parametrize(
    ("gain", "kinds", "refused"), [(0.01, [], []), (0.04, ["feeding"], [False]), (0.2, ["feeding"], [True])]
)
def test_a_better_way_of_feeding_is_a_concern_and_from_five_points_on_a_refusal(gain, kinds, refused):
    found = faults(better_way(gain), CLASSES)
    assert [fault.kind for fault in found] == kinds
    assert [fault.refused for fault in found] == refused
    assert finding(better_way(gain)).status == ("concern" if kinds else "ok")


def test_the_paired_difference_stands_in_the_finding():
    told = finding(better_way(0.2))
    gain = told.estimate("preferred_gain")
    assert gain.value == told.estimate("gain[imagenet]").value == pytest.approx(0.2, abs=0.002)
    assert gain.low > 0.1
    assert gain.confidence == 1 - 0.05 / 2
    assert told.params["fed"] == "imagenet"
    assert "Normalised with ImageNet's mean and deviation it is right on" in told.headline
    assert told.estimate("gain[bgr]").value == 0


def test_a_way_that_was_given_up_is_never_a_fault():
    labels = np.arange(512, dtype=np.int64) % 5
    wrong = (labels + 1) % 5
    given_up = trials(labels, np.where(np.arange(512) < 300, wrong, labels), {"bgr": labels[:64]})
    (gain,) = gains(labels, given_up.logits.argmax(1) == labels, given_up.answers)
    assert (gain.n, gain.p) == (64, 1.0)
    assert "feeding" not in [fault.kind for fault in faults(given_up, CLASSES)]
    assert finding(given_up).estimate("gain[bgr]").statistic is None


def test_twenty_images_are_too_few_to_tell():
    told = finding(better_way(0.3, n=20))
    assert told.status == "inconclusive"
    assert "at least 30" in told.headline


def test_chance_level_is_shown_and_not_merely_not_excluded():
    labels = np.arange(500) % 5
    right = np.zeros(500, dtype=bool)
    right[:100] = True
    assert at_chance(labels, right).refused
    right[:150] = True
    assert at_chance(labels, right) is None  # 30 % is weak, and above 20 %
    assert at_chance(labels[:40], np.arange(40) < 10) is None  # 25 % of 40 may be 50 %


def test_chance_is_the_most_frequent_class():
    labels = np.r_[np.zeros(1600, dtype=np.int64), np.arange(400) % 4 + 1]
    assert at_chance(labels, labels == 0) is not None
    assert at_chance(np.arange(500) % 5, np.arange(500) < 400) is None


def test_probabilities_are_told_from_logits():
    logits = np.random.default_rng(6).normal(0, 3, (50, 5)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert softmaxed(p.astype(np.float32)).refused
    assert softmaxed(p.astype(np.float16).astype(np.float32)) is not None
    assert softmaxed(np.log(p).astype(np.float32)) is None
    assert softmaxed(logits) is None
    assert softmaxed((1 / (1 + np.exp(-logits))).astype(np.float32)) is None


def test_another_answer_to_the_same_image_is_named_after_what_changed_it():
    labels = np.arange(200, dtype=np.int64) % 5
    sound = trials(labels, labels)
    noise = np.random.default_rng(7).normal(0, 1, (128, 5)).astype(np.float32)
    moved = sound.again + noise
    for changes, kind in (
        ({"again": moved, "mixed": moved}, "random"),
        ({"mixed": moved}, "batch"),
        ({"mixed": moved, "training_layers": "a.bn1,a.bn2"}, "training mode"),
    ):
        (fault,) = faults(dataclasses.replace(sound, **changes), CLASSES)
        assert (fault.kind, fault.refused) == (kind, True)
    rounding = dataclasses.replace(sound, mixed=sound.mixed + 1e-3 * noise, again=sound.again + 1e-6 * noise)
    assert not faults(rounding, CLASSES)
    (small,) = faults(dataclasses.replace(sound, again=sound.again + 1e-2 * noise), CLASSES)
    assert not small.refused


@pytest.mark.parametrize(("leaked", "refused"), [(1, None), (4, False), (100, True)])
def test_a_few_copies_are_no_leak_and_many_are(leaked, refused):
    labels = np.arange(200, dtype=np.int64) % 5
    found = faults(trials(labels, labels, seen_test=np.arange(leaked)), CLASSES)
    assert [fault.refused for fault in found] == ([] if refused is None else [refused])
    told = finding(trials(labels, labels, seen_test=np.arange(leaked)))
    assert told.estimate("leaked").value == leaked / 200


def test_validation_images_that_it_was_trained_on_are_a_concern_only():
    labels = np.arange(200, dtype=np.int64) % 5
    (fault,) = faults(trials(labels, labels, seen_validation=np.arange(90)), CLASSES)
    assert not fault.refused
    assert "90 of 100 validation images" in fault.seen


def test_what_cannot_be_known_of_an_old_training_is_said():
    labels = np.arange(200, dtype=np.int64) % 5
    told = finding(trials(labels, labels, trained_on="unknown"))
    assert told.status == "inconclusive"
    assert any("cannot be known" in block.text for block in told.blocks if block.kind == "note")


def saved(labels, answers, given="classes"):
    logits = np.eye(5, dtype=np.float32)[answers]
    return Predictions("test", np.arange(len(labels), dtype=np.int64), labels, logits, given)


def test_saved_answers_show_a_wrong_order_and_chance_without_a_model():
    labels = np.arange(400, dtype=np.int64) % 5
    context, check = Context(CLASSES, "made up", "fingerprint", 0), InputContract()

    def told(predictions):
        return check.run(from_mapping("test", context, {Predict(): predictions}, check.needs())).finding

    assert told(saved(labels, labels)).status == "ok"
    assert told(saved(labels, (labels + 1) % 5)).params["faults"] == "class order"
    assert told(saved(labels, np.zeros(400, dtype=np.int64))).params["faults"] == "chance"
    assert [one.kind for one in answer_faults(saved(labels, labels, "logits"), CLASSES)] == ["softmaxed"]
    assert "without the model" in told(saved(labels, labels)).headline
    with pytest.raises(MissingEvidence):
        check.run(from_mapping("test", context, {}, check.needs()))
