"""Compare two audits: everything is read from their directories, so that neither a model nor torch is needed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from .comparison import OTHER, Side, compare_findings, compare_with_reference
from .data.base import Dataset
from .errors import UserError
from .outcome import Outcome
from .provenance import new_record
from .recipe_comparison import Training, compare_recipes
from .records import Finding, Gallery
from .store import RunDir, finished, recorded, run_path
from .types import IDENTITY


def compare(
    a: RunDir | Path | str,
    b: RunDir | Path | str,
    *others: RunDir | Path | str,
    out: Path | str | None = None,
    data: Dataset | None = None,
) -> RunDir:
    """The same questions on the difference of audits, paired on the same images; of two always B − A.

    With more than two audits each is compared with the first, and a run that is given twice is refused. Raises RunError if
    they did not see the same images.
    """
    runs = [_run(one) for one in (a, b, *others)]
    if others:
        require_several([run.path for run in runs])
    first, left = runs[0], runs[0].record
    if data is not None and data.fingerprint != left.data.fingerprint:
        raise UserError(
            f"{first.path} was audited on other images than those of {data.name} (fingerprint {left.data.fingerprint}, not "
            f"{data.fingerprint}), so the wrong pictures would be shown. Give the data of the audit, and its --seed."
        )
    sides = [side_of(run) for run in runs]
    if len(runs) == 2:
        return _written(runs, compare_findings(*sides, classes=left.data.classes), out, data)
    names = _names(runs)
    sides = [dataclasses.replace(side, name=name) for side, name in zip(sides, names, strict=True)]
    return _written(runs, compare_with_reference(sides), out, data)


def with_reference(runs: Sequence[Path], reference: Path | None) -> list[Path]:
    """The runs with the reference first, by default as given.

    Raises UserError if these are not at least two runs, all of them different.
    """
    others = [run for run in runs if reference is None or run.resolve() != reference.resolve()]
    ordered = [*([] if reference is None else [reference]), *others]
    require_several(ordered)
    return ordered


def require_several(runs: Sequence[Path]) -> None:
    """Raise UserError if these are not at least two runs, all of them different."""
    if len(runs) < 2:
        raise UserError(
            f"{len(runs)} run{'' if len(runs) == 1 else 's'} to compare: at least two audits of the same images, or one study "
            "of several recipes and seeds, were expected. Example: eyetest compare runs/first runs/second"
        )
    resolved = [run.resolve() for run in runs]
    twice = next((run for run, path in zip(runs, resolved, strict=True) if resolved.count(path) > 1), None)
    if twice is not None:
        raise UserError(f"{twice} was given twice, and a run does not differ from itself. Give each run once.")


def _names(runs: Sequence[RunDir]) -> list[str]:
    """Name of each model, with its directory where two have one name."""
    names = [run.record.models[0].name for run in runs]
    return [
        f"{name} ({run.path.as_posix()})" if names.count(name) > 1 else name
        for name, run in zip(names, runs, strict=True)
    ]


def _written(
    runs: Sequence[RunDir], compared: Sequence[Outcome], out: Path | str | None, data: Dataset | None
) -> RunDir:
    """The run of a comparison, with its findings, their columns and the images that they cite."""
    first, *others = runs
    left = first.record
    name = left.models[0].name
    what = f"{name}_against_{others[0].record.models[0].name}" if len(others) == 1 else f"{len(others)}_against_{name}"
    path = run_path(out, left, what)
    children = tuple(Path(os.path.relpath(run.path, path)).as_posix() for run in runs)
    models = tuple(run.record.models[0] for run in runs)
    config = {"children": list(children)}
    record = new_record("compare", left.data, models, seed=left.seed, device=left.device, config=config)
    run = RunDir.begin(path, record.model_copy(update={"children": children}))
    with recorded(run):
        for one in compared:
            if one.columns:
                run.write_scores(one.finding.code, one.ids, one.columns)
            if data is not None:
                from .engine.pictures import draw_galleries

                draw_galleries(run, one.finding, data, first.maps, others[0].maps)
            else:
                _copy_pictures(run, one.finding, first, others[0])
            run.write_finding(one.finding)
    return run


def compare_seeds(study: RunDir | Path | str) -> Finding:
    """SEED001 of a study of at least two recipes and two seeds, each recipe against the first; written into the study.

    Raises UserError if it is no such study or one of its audits is not finished: no training is left out.
    """
    run = _run(study)
    names, seeds = [str(one["name"]) for one in run.record.config.get("recipes", ())], run.record.seeds
    if run.record.kind != "study" or len(names) < 2 or len(seeds) < 2:
        raise UserError(
            f"{run.path} is a {run.record.kind} of {len(names)} recipes with {len(seeds)} seed; a study of at least two recipes "
            "and two seeds was expected, because luck of training shows only in other trainings. Make one with: "
            f"eyetest study --data {run.record.data.name} --seeds 3"
        )
    recipes = {name: [_training(run, name, seed) for seed in seeds] for name in names}
    finding = compare_recipes(recipes, run.record.data.fingerprint)
    run.write_finding(finding)
    return finding


def _training(study: RunDir, recipe: str, seed: int) -> Training:
    path = study.path / f"{recipe}-{seed}"
    run = finished(path)
    if run is None:
        raise UserError(
            f"{path} holds no finished audit, and one of every recipe and seed was expected: recipes are not compared with "
            f"trainings left out. Finish the study by giving its command again: {study.record.command}"
        )
    findings = run.findings
    return Training(path.name, seed, findings, {code: run.scores(code) for code in findings}, run.groups())


def _run(run: RunDir | Path | str) -> RunDir:
    return run if isinstance(run, RunDir) else RunDir.open(Path(run))


def _copy_pictures(run: RunDir, finding: Finding, first: RunDir, second: RunDir) -> None:
    """Copy the cited pictures that the two audits hold; without the data no others can be drawn."""
    cards = [card for block in finding.blocks if isinstance(block, Gallery) for card in block.cards]
    for card in cards:
        names = [(first, card.image), (second, card.image), *((first, picture.file) for picture in card.maps)]
        names += [(second, picture.file) for picture in card.other_maps]
        for source, name in names:
            file = source.path / name.replace(OTHER, "images/")
            if file.is_file():
                run.copy_file(file, name)


def side_of(run: RunDir) -> Side:
    """What a finished audit brings to a comparison; UserError if it holds no predictions of all test images."""
    record = run.record
    if not record.models or not run.has_predictions(IDENTITY):
        raise UserError(
            f"{run.path} holds no audit with predictions of all test images, so it cannot be compared. "
            f"Audit it first: eyetest audit {run.path} --data {record.data.name}"
        )
    findings = run.findings
    scores = {code: run.scores(code) for code in findings}
    maps = run.maps("grad_cam-predicted")
    strongest = dict(zip(maps.rows.tolist(), maps.values.max((1, 2)).tolist(), strict=True)) if maps is not None else {}
    predictions = run.predictions(IDENTITY, "test")
    return Side(record.models[0].name, record.data.fingerprint, findings, scores, predictions, strongest, run.groups())
