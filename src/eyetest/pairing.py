"""Compare two audits: everything is read from their directories, so that neither a model nor torch is needed."""

from __future__ import annotations

import os
from pathlib import Path

from .comparison import OTHER, Side, compare_findings
from .data.base import Dataset
from .errors import UserError
from .provenance import new_record
from .recipe_comparison import Training, compare_recipes
from .records import Finding, Gallery
from .store import RunDir, finished, recorded, run_path

IDENTITY = "identity"


def compare(
    a: RunDir | Path | str, b: RunDir | Path | str, *, out: Path | str | None = None, data: Dataset | None = None
) -> RunDir:
    """The same questions on the difference of two audits, paired on the same images; always B − A."""
    first, second = _run(a), _run(b)
    left, right = first.record, second.record
    if data is not None and data.fingerprint != left.data.fingerprint:
        raise UserError(
            f"{first.path} was audited on other images than those of {data.name} (fingerprint {left.data.fingerprint}, not "
            f"{data.fingerprint}), so the wrong pictures would be shown. Give the data of the audit, and its --seed."
        )
    compared = compare_findings(_side(first), _side(second), classes=left.data.classes)
    path = run_path(out, left, f"{left.models[0].name}_against_{right.models[0].name}")
    children = tuple(Path(os.path.relpath(run.path, path)).as_posix() for run in (first, second))
    config = {"children": list(children)}
    models = left.models + right.models
    record = new_record("compare", left.data, models, seed=left.seed, device=left.device, config=config)
    run = RunDir.begin(path, record.model_copy(update={"children": children}))
    with recorded(run):
        for one in compared:
            if one.columns:
                run.write_scores(one.finding.code, one.ids, one.columns)
            if data is not None:
                from .engine.pictures import draw_galleries

                draw_galleries(run, one.finding, data, first.maps, second.maps)
            else:
                _copy_pictures(run, one.finding, first, second)
            run.write_finding(one.finding)
    return run


def compare_seeds(study: RunDir | Path | str) -> Finding:
    """SEED001 of a study of at least two recipes and two seeds, each recipe against the first; written into the study.

    Raises UserError if it is no such study or one of its audits is not finished: no training is left out.
    """
    run = _run(study)
    config, first = run.record.config, run.record.seed
    names, count = [str(one["name"]) for one in config.get("recipes", ())], int(config.get("seeds", 1))
    if run.record.kind != "study" or len(names) < 2 or count < 2:
        raise UserError(
            f"{run.path} is a {run.record.kind} of {len(names)} recipes with {count} seed; a study of at least two recipes "
            "and two seeds was expected, because luck of training shows only in other trainings. Make one with: "
            f"eyetest study --data {run.record.data.name} --seeds 3"
        )
    recipes = {name: [_training(run, name, seed) for seed in range(first, first + count)] for name in names}
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


def _side(run: RunDir) -> Side:
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
