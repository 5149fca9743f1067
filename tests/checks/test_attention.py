"""EXP002 on made-up maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from test_explanation_trust import around, trial

from eyetest.checks.attention import Attention
from eyetest.evidence import Attend, Context, Predict, Select, Trust, from_mapping
from eyetest.types import Attention as Looked
from eyetest.types import Predictions

CONTEXT = Context(("ant", "bee"), "made up", "fingerprint", 0)
N = 200


def values(centre: np.ndarray, right: np.ndarray, positive: np.ndarray | None = None, **shares: np.ndarray):
    rows, labels = np.arange(N, dtype=np.int64), np.arange(N, dtype=np.int64) % 2
    logits = np.zeros((N, 2), dtype=np.float32)
    logits[rows, np.where(right, labels, 1 - labels)] = 1
    has = np.ones(N) if positive is None else positive
    maps = np.ones((N, 4, 4), dtype=np.float32)
    areas = {"centre": np.array([0.25]), "border": np.array([0.5])}
    looked = Looked("test", rows, maps, has, {"centre": centre, "border": 1 - centre, **shares}, areas)
    return {Predict(): Predictions("test", rows, labels, logits), Attend("grad_cam", "predicted"): looked}


def run(found, **faults):
    trust = Trust("grad_cam", "predicted", Select.sample(64))
    check = Attention()
    return check.run(from_mapping("test", CONTEXT, {**found, trust: trial(**faults)}, check.needs())).finding


def test_the_share_is_the_mean_over_images_with_evidence():
    centre, positive = np.full(N, 0.6), np.ones(N)
    positive[:50], centre[:50] = 0, 0
    finding = run(values(centre, np.arange(N) % 4 > 0, positive))
    assert finding.status == "ok"
    assert finding.estimate("centre_share").value == pytest.approx(0.6)
    assert "60.0%" in finding.headline


def test_right_and_wrong_answers_are_held_apart():
    right = np.arange(N) % 4 > 0
    finding = run(values(np.where(right, 0.7, 0.2), right))
    gap = finding.estimate("centre_share_right_minus_wrong")
    assert gap.value == pytest.approx(0.5)
    assert gap.low > 0.4


def test_the_histogram_counts_images_with_evidence_by_whether_they_are_right():
    right, positive = np.arange(N) % 4 > 0, np.ones(N)
    positive[:40] = 0  # 30 right, 10 wrong
    finding = run(values(np.where(right, 0.72, 1.0), right, positive))
    [found] = [block for block in finding.blocks if block.kind == "histogram"]
    counts = {one.name: {k: n for k, n in enumerate(one.counts) if n} for one in found.series}
    assert counts == {"right answers": {14: 120}, "wrong answers": {19: 40}}
    assert (found.edges[14], found.edges[-1]) == (0.7, 1.0)


def test_a_map_that_is_not_trusted_concludes_nothing():
    finding = run(values(np.full(N, 0.6), np.ones(N, dtype=bool)), faithful=around(0.0, 5))
    assert finding.status == "inconclusive"
    assert "cannot be told" in finding.headline
    assert finding.params["trusted"] is False


def test_with_masks_it_is_about_the_object():
    finding = run(values(np.full(N, 0.6), np.ones(N, dtype=bool), object=np.full(N, 0.9)))
    assert "90.0%" in finding.headline
    assert "on the object" in finding.headline


def test_noise_shows_no_difference_between_right_and_wrong():
    random = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        finding = run(values(random.uniform(0.2, 0.8, N), random.random(N) < 0.7))
        gap = finding.estimate("centre_share_right_minus_wrong")
        found += not gap.low <= 0 <= gap.high
    assert found <= 10
