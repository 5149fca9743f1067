"""One candidate sits the exam: train, audit blind, and only then look at the truth."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from .. import flow
from ..checks._cue import LIMITS, CueCheck
from ..data.base import Dataset
from ..data.planted import planted
from ..models.load import load_model
from ..store import RunDir, replacing
from ..training.recipe import Recipe
from ..transplants.background import Background
from ..transplants.base import Transplant
from ..transplants.border import Border
from ..transplants.cell import grid
from ..transplants.colour import Colour
from ..transplants.fine import Fine
from ..transplants.object_colour import ObjectColour
from ..types import IDENTITY
from .candidates import Candidate
from .truth import Truth, planted_truth

RECIPE = Recipe(name="exam", width=8, blocks=1, epochs=6, watched=100)
"""Half a minute on one thread, audit included. Nobody reads its training curve, so little of it is watched."""


@final
@dataclass(frozen=True)
class ScoredCues(CueCheck):
    """The cues that the exam scores, asked as the cue checks ask them."""

    code: ClassVar[str] = "EXM001"
    title: ClassVar[str] = "Scored cues"
    question: ClassVar[str] = "Which planted cue does it use?"
    limits: ClassVar[tuple[str, ...]] = LIMITS

    def transplants(self) -> tuple[Transplant, ...]:
        """One for each planted cue, the border, and the four corners."""
        corners = [cell for cell in grid() if cell.corner]
        return Colour(), ObjectColour(), Fine(), Background(), Border(), *corners


DRAWS = 1


def sit(candidate: Candidate, folder: Path) -> dict[str, Any]:
    """What the audit said of each cue, beside the truth; kept in `folder`, so that nobody sits twice."""
    answer = folder / f"{candidate.name}.json"
    if answer.is_file():
        known: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return known
    torch.set_num_threads(1)
    work = folder / f".{candidate.name}"
    shutil.rmtree(work, ignore_errors=True)
    data = planted(candidate.spec)
    first = _audited(data, data, candidate.seed, work / "first")
    result: dict[str, Any] = {
        "name": candidate.name,
        "role": candidate.role,
        "cues": list(candidate.cues),
        "strength": candidate.strength,
        "seed": candidate.seed,
        "accuracy": float(first.predictions(IDENTITY, "test").correct.mean()),
        "reliance": _reliances(first),
        "truth": _truths(candidate, data, first),
        "pairs": {},
    }
    for name, (spec, seed) in candidate.seconds.items():
        second = _audited(planted(spec), data, seed, work / name)
        compared = flow.compare(first, second, out=work / f"compare-{name}")
        result["pairs"][name] = {"difference": _reliances(compared), "truth": _truths(candidate, data, second)}
    with replacing(answer) as temporary:
        temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    shutil.rmtree(work)
    return result


def _audited(training: Dataset, data: Dataset, seed: int, path: Path) -> RunDir:
    trained = flow.train(training, RECIPE, out=path / "train", seed=seed, device="cpu")
    return flow.audit(trained, data, checks=[ScoredCues()], draws=DRAWS, out=path / "audit", seed=0, device="cpu")


def _reliances(run: RunDir) -> dict[str, list[float]]:
    """Value and interval of each cue's reliance, or of its difference."""
    return {
        e.name.removesuffix(".reliance"): [e.value, e.low, e.high]
        for finding in run.findings.values()
        for e in finding.estimates
        if e.name.endswith(".reliance")
    }


def _truths(candidate: Candidate, data: Dataset, run: RunDir) -> dict[str, dict[str, Any]]:
    """By planted cue; `colour_in_object` is the colour cast inside the object alone, for the operator that acts there."""
    classifier = load_model(run.path.parent / "train", data.classes, name="exam")
    found: dict[str, Truth] = {cue: planted_truth(classifier, data, cue) for cue in candidate.cues}
    if "colour" in candidate.cues:
        found["colour_in_object"] = planted_truth(classifier, data, "colour", in_object=True)
    return {
        name: {"aligned": t.aligned, "conflicting": t.conflicting, "used": list(t.used), "target": list(t.target)}
        for name, t in found.items()
    }
