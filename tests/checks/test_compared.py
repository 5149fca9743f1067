"""What a comparison makes of the estimates of accuracy and selective risk."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import comparison, stats
from eyetest.checks.accuracy import Accuracy
from eyetest.checks.selective_risk import SelectiveRisk
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.types import Predictions

CLASSES = ("ant", "bee", "cat")


def side(name: str, right: float) -> comparison.Side:
    random = np.random.default_rng(0)
    labels, logits = random.integers(0, 3, 500), random.normal(size=(500, 3))
    logits[np.arange(500), labels] += right
    predictions = Predictions("test", np.arange(500), labels, logits.astype(np.float32))
    context = Context(CLASSES, "made up", "fingerprint", 0)
    evidence = from_mapping("test", context, {Predict(): predictions})
    outcomes = [check.run(evidence) for check in (Accuracy(), SelectiveRisk())]
    findings = {one.finding.code: one.finding for one in outcomes}
    scores = {one.finding.code: (one.ids, one.columns) for one in outcomes}
    return comparison.Side(name, "fingerprint", findings, scores, predictions)


def compared(a: comparison.Side, b: comparison.Side):
    return {one.finding.code: one.finding for one in comparison.compare_findings(a, b, classes=CLASSES)}


def test_accuracy_per_class_is_paired_without_resampling():
    a, b = side("first", 1.0), side("second", 2.0)
    found = compared(a, b)["CMP001"].estimate("accuracy[bee]")
    own = a.predictions.labels == 1
    first, second = a.predictions.correct[own], b.predictions.correct[own]
    counts = [int(part.sum()) for part in (first & second, second & ~first, first & ~second, ~first & ~second)]
    assert (found.value, found.low, found.high) == pytest.approx(stats.tango(*counts))
    assert found.n == own.sum()


def test_selective_risk_is_compared_by_augrc():
    finding = compared(side("first", 1.0), side("second", 2.5))["CMP008"]
    assert finding.status == "ok"
    assert "second is better than first: average risk of silent failures (AUGRC)" in finding.headline
    assert {"augrc", "aurc", "error_rate_at_80", "auroc"} <= {one.name for one in finding.estimates}


def test_a_model_against_itself_shows_no_difference():
    finding = compared(side("same", 1.5), side("same", 1.5))["CMP008"]
    assert {(one.value, one.low, one.high) for one in finding.estimates if one.name[:10] != "error_rate"} == {(0, 0, 0)}
