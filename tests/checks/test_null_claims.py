"""Noise in, no claim out: how often each status and each tested claim is wrong, against the level that is stated."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import stats
from eyetest.checks import calibration, selective_risk
from eyetest.checks.accuracy import Accuracy, _worst
from eyetest.checks.confusion import one_sided
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.records import Estimate
from eyetest.types import Predictions

SETS = 200


def no_more_often(alarms: int, level: float, n: int = SETS) -> bool:
    """Whether the exact 99.9 % lower bound of the rate of false alarms is at most the level."""
    return stats.clopper_pearson(alarms, n, 0.998).low <= level


def estimate(interval: stats.Interval, n: int) -> Estimate:
    fields = {"name": "x", "n": n, "unit": "fraction", "better": "lower", "method": "made up"}
    return Estimate.model_validate(fields | interval._asdict())


def guesses(k: int, n: int, hit: float, random: np.random.Generator) -> Predictions:
    """Answers that are right with chance `hit`, as many images of each class."""
    labels = np.arange(n) % k
    predicted = np.where(random.random(n) < hit, labels, (labels + random.integers(1, k, n)) % k)
    return Predictions("test", np.arange(n), labels, np.eye(k, dtype=np.float32)[predicted])


def accuracy_statuses(hit: float, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    context = Context(("a", "b", "c", "d"), "made up", "fingerprint", 0)
    sets = ({Predict(): guesses(4, 400, hit, random)} for _ in range(SETS))
    return [Accuracy().run(from_mapping("test", context, one)).finding.status for one in sets]


def test_guessing_is_rarely_called_useful_and_two_points_above_it_rarely_a_concern():
    assert no_more_often(accuracy_statuses(0.25, 0).count("ok"), 0.025)
    assert no_more_often(accuracy_statuses(0.27, 1).count("concern"), 0.025)


def test_the_class_that_was_picked_as_the_worst_is_covered_as_often_as_stated():
    random, missed = np.random.default_rng(2), 0
    context = Context(tuple("abcdefgh"), "made up", "fingerprint", 0)
    for _ in range(SETS):
        predictions = guesses(8, 480, 0.7, random)
        per_class = Accuracy().run(from_mapping("test", context, {Predict(): predictions})).finding.estimates[2:]
        worst = _worst(context, predictions, list(per_class))
        missed += not worst.low <= 0.7 <= worst.high
    assert no_more_often(missed, 0.05)


@pytest.mark.parametrize("sizes", [(300, 300, 300, 300), (900, 300, 150, 60)])
def test_a_symmetric_confusion_has_a_one_sided_pair_no_more_often_than_stated(sizes):
    random = np.random.default_rng(3)
    off = np.array([[0, 0.10, 0.05, 0.2], [0.10, 0, 0.12, 0.02], [0.05, 0.12, 0, 0.08], [0.2, 0.02, 0.08, 0]])
    chance = off + np.diag(1 - off.sum(1))
    drawn = np.stack([random.multinomial(n, row, size=SETS) for n, row in zip(sizes, chance, strict=True)], axis=1)
    alarms = sum(any(pair.p < 0.05 for pair in one_sided(counts)) for counts in drawn)
    assert no_more_often(alarms, 0.05)


def test_a_one_sided_confusion_is_seen():
    counts = np.array([[900, 80, 20], [30, 960, 10], [20, 10, 970]])
    assert [(pair.first, pair.second) for pair in one_sided(counts) if pair.p < 0.05] == [(0, 1)]


def calibration_statuses(shift: float, seed: int, sets: int) -> list[str]:
    """Status of models that are right `shift` less often than they say."""
    found, n, random = [], 1200, np.random.default_rng(seed)
    for number in range(sets):
        confidence = 0.6 + 0.38 * random.random(n)
        correct = (random.random(n) < confidence - shift).astype(float)
        pair, name = [confidence, correct], f"set {number}"
        debiased = stats.ece_interval(stats.ece_debiased(*pair), *pair, name)
        sweep = stats.ece_sweep(*pair, name)
        found.append(calibration._status(estimate(debiased, n), sweep, n))
    return found


@pytest.mark.slow
def test_a_calibrated_model_is_no_concern_and_one_on_the_line_rarely_either():
    assert "concern" not in calibration_statuses(0.0, 4, 200)
    at_the_line = calibration_statuses(calibration.CLEAR, 5, 200)
    assert no_more_often(at_the_line.count("concern"), 0.025, 200)
    assert no_more_often(at_the_line.count("ok"), 0.025, 200)


@pytest.mark.slow
def test_a_model_that_is_too_sure_by_more_than_the_line_is_seen():
    seen = {shift: calibration_statuses(shift, 6, 60).count("concern") for shift in (0.05, 0.08, 0.12)}
    assert seen[0.05] >= 30  # a power of .65
    assert seen[0.08] >= 57
    assert seen[0.12] == 60


@pytest.mark.slow
def test_a_calibrated_model_is_called_too_sure_or_not_sure_enough_no_more_often_than_stated():
    random, alarms = np.random.default_rng(7), 0
    for number in range(SETS):
        confidence = random.uniform(0.4, 1, 300)
        gap = confidence - (random.random(300) < confidence)
        _, low, high = stats.bootstrap(stats.mean, [gap], f"set {number}", resamples=200)
        alarms += not low <= 0 <= high
    assert no_more_often(alarms, 0.05)


def aurocs(gap: float, seed: int, n: int = 300) -> list[Estimate]:
    """AUROC of normal scores whose means are `gap` standard deviations apart in right and wrong answers."""
    random, found = np.random.default_rng(seed), []
    for number in range(SETS):
        wrong = (random.random(n) < 0.3).astype(float)
        score = random.normal(size=n) + gap * (1 - wrong)
        interval = stats.bootstrap(stats.right_above_wrong, [score, wrong], f"set {number}", resamples=200)
        found.append(estimate(interval, n))
    return found


@pytest.mark.slow
def test_a_confidence_that_says_nothing_is_rarely_said_to_help():
    random = aurocs(0.0, 8)
    rates = [replace_name(random[0], "error_rate"), replace_name(random[0], "error_rate_at_80")]
    claims = sum("errors fall" in selective_risk._headline(rates, one) for one in random)
    assert no_more_often(claims, 0.025)


def replace_name(one: Estimate, name: str) -> Estimate:
    return one.model_copy(update={"name": name})


@pytest.mark.slow
def test_a_confidence_on_the_line_is_rarely_a_concern_or_fine():
    on_the_line = 0.3582868  # √2 times the normal quantile of .6
    statuses = [selective_risk._status(one, one.n) for one in aurocs(on_the_line, 9)]
    assert no_more_often(statuses.count("concern"), 0.025)
    assert no_more_often(statuses.count("ok"), 0.025)
