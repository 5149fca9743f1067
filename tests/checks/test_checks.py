"""Checks on made-up evidence whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest.checks.accuracy import Accuracy
from eyetest.checks.calibration import Calibration
from eyetest.checks.confident_errors import ConfidentErrors
from eyetest.checks.confusion import Confusion, one_sided
from eyetest.checks.generalisation_gap import GeneralisationGap, smoothed
from eyetest.errors import MissingEvidence, UndeclaredNeed
from eyetest.evidence import Context, Explain, History, Predict, Select, from_mapping
from eyetest.types import MapSet, Predictions, TrainingHistory

CONTEXT = Context(("ant", "bee"), "made up", "fingerprint", 0)


def predictions(labels, predicted, confidence, split="test") -> Predictions:
    labels, predicted = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    confidence = np.broadcast_to(np.asarray(confidence, dtype=np.float64), labels.shape)
    logits = np.zeros((len(labels), 2), dtype=np.float32)
    logits[np.arange(len(labels)), predicted] = np.log(confidence / (1 - confidence))
    return Predictions(split, np.arange(len(labels), dtype=np.int64), labels, logits)


def on_test(labels, predicted, confidence=0.8):
    return {Predict(): predictions(labels, predicted, confidence)}


def run(check, values):
    return check.run(from_mapping("test", CONTEXT, values, check.needs())).finding


def test_accuracy_has_the_wilson_interval():
    finding = run(Accuracy(), on_test([0] * 5 + [1] * 5, [0] * 5 + [1, 1, 1, 0, 0]))
    assert finding.estimate("accuracy").low == pytest.approx(0.49016, abs=1e-5)
    assert finding.estimate("accuracy[bee]").value == 0.6
    assert finding.estimate("balanced_accuracy").value == 0.8


def test_a_class_without_test_images_is_left_out():
    finding = run(Accuracy(), on_test([0] * 10, [0] * 10))
    assert {e.name for e in finding.estimates} == {"accuracy", "balanced_accuracy", "accuracy[ant]"}


def test_confusion_counts_the_direction():
    labels = [0] * 1000 + [1] * 1000
    predicted = [1] * 18 + [0] * 982 + [0] * 6 + [1] * 994
    finding = run(Confusion(), on_test(labels, predicted))
    assert finding.blocks[0].counts == ((982, 18), (6, 994))
    assert "ant is taken for bee: 18 of 1,000" in finding.headline
    assert one_sided(np.array([[982, 18], [6, 994]]))[0].p == pytest.approx(0.0226558, abs=1e-6)


def test_no_errors_at_all():
    values = on_test([0, 1] * 10, [0, 1] * 10)
    assert "No class" in run(Confusion(), values).headline
    finding = run(ConfidentErrors(), values)
    assert finding.estimate("confident_error_rate").value == 0
    rates = {"", "_at_coverage", "_at_median", "[0.99]"}
    assert {e.name for e in finding.estimates} == {f"confident_error_rate{name}" for name in rates}


def test_a_calibrated_model_is_no_concern_and_a_boastful_one_is():
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 0.99, 20000)
    labels = np.zeros(20000, dtype=int)
    honest = (random.random(20000) > confidence).astype(int)
    assert run(Calibration(), on_test(labels, honest, confidence)).status == "ok"
    boastful = (random.random(20000) > 0.6).astype(int)
    finding = run(Calibration(), on_test(labels, boastful, 0.95))
    assert finding.status == "concern"
    assert finding.estimate("ece").value == pytest.approx(0.35, abs=0.03)


def test_confident_errors_are_ranked_and_share_one_scale():
    values = on_test([0] * 100, [1] * 10 + [0] * 90, np.linspace(0.99, 0.6, 100))
    rows = np.arange(10, dtype=np.int64)
    maps = MapSet("test", rows, np.ones(10, dtype=np.int64), np.full((10, 4, 4), -1.0, dtype=np.float32))
    maps.values[0] = 2.0
    values |= {Explain("grad_cam", "predicted", Select.errors(24)): maps}
    finding = run(ConfidentErrors(), values)
    cards = finding.blocks[0].cards
    assert [card.id for card in cards] == [f"test-{k}" for k in range(10)]
    assert {picture.high for card in cards for picture in card.maps} == {2.0}
    assert [card.maps[0].own_maximum > 0 for card in cards] == [True] + [False] * 9
    assert finding.estimate("confident_error_rate").value == 0.1
    assert finding.estimate("confident_error_rate_at_coverage").value == 0.5


def history(losses, correct) -> TrainingHistory:
    epochs = len(losses)
    flat = np.linspace(0, 1, epochs)
    return TrainingHistory(
        np.arange(1, epochs + 1), flat, flat, losses.mean(1).astype(float), correct.mean(1), flat, 3,
        losses.astype(np.float32), correct,
    )  # fmt: skip


def fit(losses, correct, right=(95, 80)):
    values = {
        History(): history(losses, correct),
        Predict(split="train"): predictions([0] * 100, [0] * right[0] + [1] * (100 - right[0]), 0.8, "train"),
        Predict(split="validation"): predictions([0] * 100, [0] * right[1] + [1] * (100 - right[1]), 0.8, "validation"),
    }
    return run(GeneralisationGap(), values)


@pytest.mark.parametrize(
    ("rise", "fall", "right", "verdict"),
    [
        (0.0, 0.0, (80, 80), "no gap seen"),
        (0.0, 0.0, (99, 60), "interpolates"),
        (0.05, 0.0, (99, 60), "overconfidence grows"),
        (0.05, 0.04, (99, 60), "overfits"),
    ],
)
def test_the_verdict_follows_gap_turn_and_fall(rise, fall, right, verdict):
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.05, 400)
    epochs = np.arange(20)
    mean = 1 - 0.05 * np.minimum(epochs, 8) + rise * np.maximum(epochs - 8, 0)
    accuracy = 0.5 + 0.04 * np.minimum(epochs, 8) - fall * np.maximum(epochs - 8, 0)
    correct = random.random(400)[None, :] < accuracy[:, None]
    finding = fit(mean[:, None] + noise, correct, right)
    assert finding.params["verdict"] == verdict
    assert (finding.status == "concern") == (verdict in ("overfits", "overconfidence grows"))


def test_running_median_agrees_with_the_obvious_one():
    values = np.random.default_rng(1).normal(size=12)
    slow = [np.median([values[j] for j in range(12) if abs(i - j) <= 2]) for i in range(12)]
    assert smoothed(values) == pytest.approx(slow)


def test_without_history_it_is_not_asked():
    with pytest.raises(MissingEvidence, match="no history"):
        run(GeneralisationGap(), {})


def test_reading_what_was_not_declared_names_check_and_need():
    with pytest.raises(UndeclaredNeed, match=r"accuracy.*History"):
        from_mapping("accuracy", CONTEXT, {})[History()]
