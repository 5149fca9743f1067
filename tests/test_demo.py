"""The demo tells what was measured beside the truth."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from eyetest import stats
from eyetest.data.base import Dataset
from eyetest.demo import Told, demo, recipes, truth_finding
from eyetest.exam.truth import Truth
from eyetest.records import Estimate
from eyetest.training.recipe import Recipe


def told(measured: stats.Interval, truth: stats.Interval) -> Told:
    fields = {"name": "colour.reliance", "n": 100, "unit": "fraction", "better": "lower", "method": "made up"}
    return Told(
        "net",
        Estimate.model_validate(fields | measured._asdict()),
        Truth(0.9, 0.4, stats.Interval(0.5, 0.4, 0.6), truth, 100),
    )


def test_measured_and_true_are_both_said() -> None:
    finding = truth_finding([told(stats.Interval(0.3, 0.25, 0.35), stats.Interval(0.33, 0.3, 0.36))])
    assert finding.status == "ok"
    assert "net: measured 30.0 points (25.0 to 35.0, n = 100), planted truth 33.0 points" in finding.headline
    assert [e.value for e in finding.estimates] == [0.3, 0.33]


def test_a_miss_is_a_concern() -> None:
    finding = truth_finding([told(stats.Interval(0.1, 0.05, 0.15), stats.Interval(0.33, 0.3, 0.36))])
    assert finding.status == "concern"


def test_the_improved_recipe_turns_the_colours_and_the_baseline_does_not() -> None:
    baseline, improved = recipes()
    assert (baseline.hue, improved.hue) == (0, 0.5)


@pytest.mark.slow
def test_the_page_ends_with_the_truth(tiny: Dataset, tiny_recipe: Recipe, tmp_path: Path, monkeypatch) -> None:
    pair = tuple(dataclasses.replace(tiny_recipe, name=name) for name in ("baseline", "improved"))
    monkeypatch.setattr("eyetest.demo.recipes", lambda: pair)
    run = demo(out=tmp_path / "demo", data=tiny)
    page = run.page.read_text(encoding="utf-8")
    assert set(run.findings) == {"TRU001"}
    assert page.rindex("planted truth") > page.rindex("CUE005")
    true = run["TRU001"].estimate("baseline.true_reliance")
    assert true.low <= true.value <= true.high
