"""The whole story on planted data, with the truth beside it: what was measured, and what the models really used."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple, final

from . import flow
from .data.base import Dataset
from .data.planted import Cue, PlantedSpec, planted
from .exam.cues import OPERATOR
from .exam.truth import Truth, planted_truth
from .models.load import load_model
from .records import Estimate, Finding, Forest, Note, Table
from .store import RunDir
from .training.profile import profile
from .training.recipe import Recipe, recipe
from .types import Progress, silent

CUE: Cue = "colour"
SPEC = PlantedSpec(cues=(CUE,), strength=0.9)
HUE = 0.5
"""Turn of the improved recipe's hue jitter: all the way round, so that a colour cast says nothing while it learns."""
DRAWS = 1
"""Donors of each kind for each image; 2,000 images know a reliance to ±3 points with one."""
QUESTION = "Does the measured reliance agree with what the models really use?"
LIMITS = (
    "The truth is accuracy with the planted cue always right, minus always wrong, on the same objects. Donors carry the "
    "right cue only as often as the data do, so what swapping can measure is that times λ, shown here.",
    "One planted cue in one small data set; how often the audit is right at all is what `eyetest validate` says.",
)


@final
class Told(NamedTuple):
    """One model: what the audit measured, beside the truth."""

    name: str
    measured: Estimate
    truth: Truth

    @property
    def agrees(self) -> bool:
        """Whether the intervals overlap."""
        return self.measured.low <= self.truth.target.high and self.truth.target.low <= self.measured.high


def demo(*, out: Path | None = None, data: Dataset | None = None, progress: Progress = silent) -> RunDir:
    """Train, audit and compare two recipes on planted data, then tell the truth; the audits never see it."""
    data = data or planted(SPEC)
    run = flow.study(data, recipes(), out=out, draws=DRAWS, progress=progress)
    audits = [child for child in run.children if child.record.kind == "audit"]
    run.write_finding(truth_finding([told(child, data) for child in audits]))
    run.report()
    return run


def recipes() -> tuple[Recipe, Recipe]:
    """The baseline, and the improved recipe with hue jitter, both at the demo's size."""
    size = profile("demo")
    improved = dataclasses.replace(recipe("improved"), hue=HUE)
    return size.apply(recipe("baseline")), size.apply(improved)


def told(audit: RunDir, data: Dataset) -> Told:
    """The truth of an audited model, beside what its audit measured."""
    name = audit.record.models[0].name
    classifier = load_model(audit.path, data.classes, name=name)
    measured = audit["CUE001"].estimate(f"{OPERATOR[CUE]}.reliance")
    return Told(name, measured, planted_truth(classifier, data, CUE))


def truth_finding(models: list[Told]) -> Finding:
    """TRU001: measured and true reliance of each model."""
    pairs = [_estimates(one) for one in models]
    sentences = [
        f"{one.name}: measured {_points(measured)}, planted truth {_points(true)}"
        for one, (measured, true) in zip(models, pairs, strict=True)
    ]
    estimates = [estimate for pair in pairs for estimate in pair]
    rows = tuple((one.name, one.truth.aligned, one.truth.conflicting, one.truth.used.value) for one in models)
    return Finding(
        code="TRU001",
        name="planted_truth",
        title="Planted truth",
        question=QUESTION,
        status="ok" if all(one.agrees for one in models) else "concern",
        headline=f"Accuracy that hangs on the planted {CUE} cast. {'; '.join(sentences)}.",
        estimates=tuple(estimates),
        blocks=(
            Forest(
                title="Measured, and true",
                x_label="accuracy that hangs on the cue (points)",
                estimates=tuple(e.name for e in estimates),
            ),
            Table(
                title="What they really use",
                columns=("model", "accuracy, cue always right", "cue always wrong", "difference"),
                rows=rows,
            ),
            Note(text=f"Here the cast is the class's own in {SPEC.strength:.0%} of the images."),
        ),
        limits=LIMITS,
    )


def _estimates(one: Told) -> tuple[Estimate, Estimate]:
    measured = one.measured.model_copy(
        update={"name": f"{one.name}.measured_reliance", "statistic": None, "columns": ()}
    )
    value, low, high = one.truth.target
    true = Estimate(
        name=f"{one.name}.true_reliance",
        value=value,
        low=low,
        high=high,
        n=one.truth.n,
        unit="fraction",
        better="neither",
        method="λ times the Tango interval of accuracy with the cue always right minus always wrong",
    )
    return measured, true


def _points(e: Estimate) -> str:
    return f"{100 * e.value:.1f} points ({100 * e.low:.1f} to {100 * e.high:.1f}, n = {e.n:,})"
