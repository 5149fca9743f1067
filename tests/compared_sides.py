"""Made-up audits to compare: sides of models with given answers to the same images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eyetest.checks.accuracy import Accuracy
from eyetest.checks.calibration import Calibration
from eyetest.checks.confident_errors import ConfidentErrors
from eyetest.checks.confusion import Confusion
from eyetest.checks.selective_risk import SelectiveRisk
from eyetest.comparison import Side
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.types import Predictions

CLASSES = ("ant", "bee", "cat")
FEW, ANSWERS = (Accuracy(), SelectiveRisk()), (Accuracy(), Confusion())
CHECKS = (Accuracy(), Confusion(), Calibration(), SelectiveRisk(), ConfidentErrors())


def labels(n: int = 500) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3, n)


def side_of(name: str, logits: np.ndarray, checks=FEW) -> Side:
    n = len(logits)
    predictions = Predictions("test", np.arange(n), labels(n), logits.astype(np.float32))
    context = Context(CLASSES, "made up", "fingerprint", 0)
    seen = {Predict(): predictions, Predict(split="validation"): replace(predictions, split="validation")}
    outcomes = [check.run(from_mapping(check.code, context, seen, check.needs())) for check in checks]
    findings = {one.finding.code: one.finding for one in outcomes}
    scores = {one.finding.code: (one.ids, one.columns) for one in outcomes}
    return Side(name, "fingerprint", findings, scores, predictions)


def side(name: str, right: float, checks=FEW, *, noise: int = 0, n: int = 500) -> Side:
    """A model whose logit of the label is `right` above noise; equal `noise` is the same model but for that."""
    logits = np.random.default_rng(noise + 1).normal(size=(n, 3))
    logits[np.arange(n), labels(n)] += right
    return side_of(name, logits, checks)


def answering(name: str, answers: np.ndarray, checks=ANSWERS) -> Side:
    """A model that gives these answers, and is equally sure of all."""
    return side_of(name, 4 * np.eye(3)[answers], checks)
