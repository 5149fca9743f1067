"""CAL001 on made-up answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from eyetest import stats
from eyetest.checks.calibration import Calibration
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.types import Predictions

CLASSES = ("ant", "bee", "cat")


def answers(n: int, seed: int, *, split: str = "test", sharper: float = 1.0, given: str = "logits") -> Predictions:
    """Labels drawn from softmax(logits); the logits that are shown are `sharper` times as large."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(n, 3))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (random.random((n, 1)) > p.cumsum(1)).sum(1).clip(max=2).astype(np.int64)
    return Predictions(split, np.arange(n, dtype=np.int64), labels, (sharper * logits).astype(np.float32), given)


def run(test: Predictions, validation: Predictions | None = None, groups=None):
    values = {Predict(): test} | ({} if validation is None else {Predict(split="validation"): validation})
    context = Context(CLASSES, "made up", "fingerprint", 0, groups)
    return Calibration().run(from_mapping("test", context, values, Calibration().needs()))


def block(finding, title: str):
    return next(one for one in finding.blocks if getattr(one, "title", "").startswith(title))


def notes(finding) -> str:
    return " ".join(one.text for one in finding.blocks if one.kind == "note")


def test_scores_agree_with_scikit_learn():
    test = answers(500, 0, sharper=1.5)
    finding = run(test).finding
    p = test.probabilities
    assert finding.estimate("nll").value == pytest.approx(log_loss(test.labels, p))
    mean = np.mean([brier_score_loss((test.labels == k).astype(int), p[:, k]) for k in range(3)])
    assert finding.estimate("brier").value == pytest.approx(3 * mean)


def test_known_loss():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.4, 0.1]])
    test = Predictions("test", np.arange(4), np.array([0, 1, 2, 1]), np.log(p).astype(np.float32), "probabilities")
    finding = run(test).finding
    assert finding.estimate("nll").value == pytest.approx(0.6030999897503131, abs=1e-6)
    assert finding.estimate("brier").value == pytest.approx(0.34, abs=1e-6)
    assert finding.status == "inconclusive"


def test_estimates_are_their_statistics_of_the_columns():
    outcome = run(answers(400, 1), answers(300, 2, split="validation"))
    for one in outcome.finding.estimates:
        assert one.low <= one.value <= one.high
        if one.statistic:
            read = [outcome.columns[name] for name in one.columns]
            assert one.value == pytest.approx(stats.STATISTICS[one.statistic](*read))


def test_a_temperature_from_validation_images_mends_a_boastful_model():
    finding = run(answers(4000, 3, sharper=2), answers(3000, 4, split="validation", sharper=2)).finding
    temperature = finding.estimate("temperature")
    assert finding.status == "concern"
    assert temperature.low < 2 < temperature.high
    assert temperature.n == 3000
    assert finding.estimate("ece_after_temperature").value < 0.5 * finding.estimate("ece").value
    saved = finding.estimate("nll_saved_by_temperature")
    assert saved.low > 0
    assert saved.value == pytest.approx(finding.estimate("nll").value - finding.estimate("nll_after_temperature").value)


def test_the_temperature_never_sees_the_test_labels():
    validation = answers(500, 5, split="validation")
    found = {run(answers(400, seed, sharper=3), validation).finding.estimate("temperature").value for seed in (6, 7)}
    assert len(found) == 1


def test_probabilities_are_mended_as_their_logits_are():
    test, validation = answers(400, 8, sharper=2), answers(400, 9, split="validation", sharper=2)

    def as_probabilities(one: Predictions) -> Predictions:
        logs = one.log_probabilities.astype(np.float32)
        return Predictions(one.split, one.rows, one.labels, logs, "probabilities")

    plain = run(test, validation).finding.estimate("nll_after_temperature").value
    again = run(as_probabilities(test), as_probabilities(validation)).finding.estimate("nll_after_temperature").value
    assert again == pytest.approx(plain, rel=1e-4)


def test_without_validation_answers_the_rest_is_still_asked():
    finding = run(answers(400, 10)).finding
    names = {one.name for one in finding.estimates}
    assert "ece" in names
    assert "temperature" not in names
    assert "No temperature: there is no predict evidence" in notes(finding)


def test_validation_answers_without_probabilities_give_no_temperature():
    finding = run(answers(400, 11), answers(400, 12, split="validation", given="classes")).finding
    assert "No temperature: only the predicted classes" in notes(finding)


def test_a_temperature_at_the_end_of_the_range_is_flagged_and_not_used():
    right = answers(200, 13, split="validation")
    right = Predictions("validation", right.rows, right.predicted, right.logits)
    finding = run(answers(400, 14), right).finding
    assert "all validation answers are right" in notes(finding)
    assert "temperature" not in {one.name for one in finding.estimates}


def test_probabilities_of_0_and_1_are_counted_and_stay_finite():
    logits = np.log(np.array([[1.0, 1e-300, 1e-300]] * 50)).astype(np.float32)
    logits[:, 1:] = -np.inf
    labels = np.array([0] * 40 + [1] * 10)
    test = Predictions("test", np.arange(50), labels, logits, "probabilities")
    finding = run(test, Predictions("validation", np.arange(50), labels, logits, "probabilities")).finding
    assert finding.params["clipped"] == 10
    assert finding.estimate("nll").value == pytest.approx(0.2 * 12 * np.log(10))
    assert finding.estimate("ece").value == pytest.approx(0.2)


def test_the_side_is_said_only_where_it_is_clear():
    assert "neither too sure nor too unsure" in run(answers(600, 15)).finding.headline
    assert "too sure of itself by" in run(answers(600, 16, sharper=2)).finding.headline
    assert "less sure than it could be by" in run(answers(600, 17, sharper=0.5)).finding.headline


def test_the_diagram_has_bars_of_chance_and_every_number_of_bins_is_shown():
    finding = run(answers(600, 18, sharper=2)).finding
    chance, bins = block(finding, "Confidence against accuracy").series
    assert len(chance.low) == len(bins.y) == 15
    one = 1 / 40  # what one of the 40 images of a bin counts
    assert all(low - one <= x <= high + one for low, x, high in zip(chance.low, chance.x, chance.high, strict=True))
    assert [row[0] for row in block(finding, "Debiased ECE by number of bins").rows] == [5, 10, 15, 20, 30, 50]
    assert finding.params["consistency_p"] == 0.001


def test_one_class_that_is_off_is_named():
    test = answers(6000, 19)
    logits = test.logits.copy()
    logits[:, 0] -= 0.7
    finding = run(Predictions("test", test.rows, test.labels, logits)).finding
    first = block(finding, "Classes by").rows[0]
    assert first[0] == "ant"
    assert first[3] < 0
    assert first[5] < 0.05
    assert "ant" in notes(finding)


def test_conclusions_need_every_number_of_bins(monkeypatch):
    test = answers(3000, 20, sharper=2)
    assert run(test).finding.status == "concern"
    sweep = stats.ece_sweep

    def with_a_doubt(*arguments, **options):
        return sweep(*arguments, **options) | {50: stats.Interval(0.03, 0.01, 0.05)}

    monkeypatch.setattr(stats, "ece_sweep", with_a_doubt)
    assert run(test).finding.status == "inconclusive"


def test_few_images_conclude_nothing():
    assert run(answers(29, 21, sharper=5)).finding.status == "inconclusive"


def test_images_of_one_group_are_resampled_together():
    test, groups = answers(600, 22), np.arange(600) // 20
    plain, grouped = run(test).finding, run(test, groups=groups).finding
    for name in ("ece", "nll", "classwise_ece"):
        assert grouped.estimate(name).value == plain.estimate(name).value
        assert "30 groups" in grouped.estimate(name).method
