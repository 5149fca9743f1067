"""The calls behind every command: train, audit, compare, study. Each can be killed and given again."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from .checks import checks as registry
from .checks.base import Check
from .comparison import OTHER, Side, changed_rows, compare_findings
from .data import Dataset, load_data
from .engine.execute import explain_all, predict_all, sample_columns, selected
from .engine.pictures import draw_galleries
from .engine.plan import Work, gather, measure_speed, within
from .engine.plan import plan as make_plan
from .engine.probe import probe_all
from .engine.run import run_checks
from .engine.swap import swap_all
from .errors import UserError, unknown_name
from .models.classifier import Classifier
from .models.load import load_model
from .provenance import new_record
from .records import Finding, Gallery, Plan, RunKind, RunRecord
from .store import RunDir, new_run_path
from .training.loop import train_model
from .training.recipe import Recipe
from .training.recipe import recipe as named_recipe
from .types import Rows

Progress = Callable[[str, float, float], None]
"""What is being done, the fraction of it that is done, images a second (0: not known)."""
RUNS = Path("runs")
IDENTITY = "identity"


def silent(what: str, fraction: float, images_per_second: float) -> None:
    """A Progress that says nothing."""


def train(
    data: Dataset | str | Path,
    recipe: Recipe | str = "baseline",
    *,
    out: Path | str | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Train one model; the run holds its weights and history. An unfinished run in `out` is resumed."""
    data, recipe, device = _data(data), _recipe(recipe), find_device(device)
    record = new_record("train", data.record(), (), seed=seed, device=device, config=_train_config(recipe))
    run = RunDir.begin(_path(out, record, recipe.name), record)
    with _recorded(run):
        _train_into(run, data, recipe, seed, device, progress)
    return run


def audit(
    model: Classifier | RunDir | Path | str,
    data: Dataset | str | Path,
    *,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    out: Path | str | None = None,
    seed: int = 0,
    budget: float | None = None,
    draws: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Audit one model: every check becomes a finding. An unfinished audit in `out` resumes at the pass it was in.

    `budget` in seconds reads fewer images, so that the passes fit. `draws` is how often each image gets new donors; by
    default so often that 5,000 images are swapped.
    """
    data = _data(data)
    classifier, source = _classifier(model, data, device)
    chosen = find_checks(checks, skip)
    config = {"checks": [check.code for check in chosen], "budget": budget, "draws": draws}
    models = (classifier.record(),)
    record = new_record("audit", data.record(), models, seed=seed, device=str(classifier.device), config=config)
    run = RunDir.begin(_path(out, record, classifier.name), record)
    if source is not None:
        run.borrow_training(source)
    job = AuditJob(run, classifier, data, chosen, seed, progress)
    with _recorded(run, job.salvage):
        job.predict(budget, draws)
        job.finish(job.selected())
    return run


def plan_audit(
    model: Classifier | RunDir | Path | str,
    data: Dataset | str | Path,
    *,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    budget: float | None = None,
    device: str = "auto",
) -> Plan:
    """The passes of an audit and their cost, without running it."""
    data = _data(data)
    classifier, _ = _classifier(model, data, device)
    speed = measure_speed(classifier, data)
    return make_plan(within(find_checks(checks, skip), data, speed, budget), data, speed)


def compare(
    a: RunDir | Path | str, b: RunDir | Path | str, *, out: Path | str | None = None, data: Dataset | None = None
) -> RunDir:
    """The same questions on the difference of two audits, paired on the same images; always B − A."""
    first, second = _run(a), _run(b)
    left, right = first.record, second.record
    compared = compare_findings(_side(first), _side(second), classes=left.data.classes)
    path = _path(out, left, f"{left.models[0].name}_against_{right.models[0].name}")
    children = tuple(Path(os.path.relpath(run.path, path)).as_posix() for run in (first, second))
    config = {"children": list(children)}
    models = left.models + right.models
    record = new_record("compare", left.data, models, seed=left.seed, device=left.device, config=config)
    run = RunDir.begin(path, record.model_copy(update={"children": children}))
    with _recorded(run):
        for one in compared:
            if one.columns:
                run.write_scores(one.finding.code, one.ids, one.columns)
            if data is not None:
                draw_galleries(run, one.finding, data, first.maps, second.maps)
            else:
                _copy_pictures(run, one.finding, first, second)
            run.write_finding(one.finding)
    return run


def study(
    data: Dataset | str | Path,
    recipes: Sequence[Recipe | str] = ("baseline", "improved"),
    *,
    seeds: int = 1,
    out: Path | str | None = None,
    seed: int = 0,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Train every recipe, audit each model, compare each with the first, and write one page.

    Both models are predicted first, so that maps of both exist for every image that either is asked about.
    """
    data, device = _data(data), find_device(device)
    plans = [_recipe(one) for one in recipes]
    chosen = find_checks(checks, skip)
    names = [f"{plan.name}-{seed + k}" for k in range(seeds) for plan in plans]
    config = {
        "recipes": [dataclasses.asdict(plan) for plan in plans],
        "seeds": seeds,
        "checks": [c.code for c in chosen],
    }
    record = new_record("study", data.record(), (), seed=seed, device=device, config=config)
    run = RunDir.begin(_path(out, record, "study"), record)
    with _recorded(run):
        for k in range(seeds):
            _one_seed(run, data, plans, chosen, seed + k, device, progress)
        comparisons = [_compared(name) for name in names if not name.startswith(f"{plans[0].name}-")]
        run.write_record(run.record.model_copy(update={"children": (*names, *comparisons)}))
    run.report()
    return run


class AuditJob:
    """One audit in steps, so that a study can run the steps of two audits in turn."""

    def __init__(
        self, run: RunDir, classifier: Classifier, data: Dataset, checks: Sequence[Check], seed: int, progress: Progress
    ) -> None:
        self.run, self.classifier, self.data, self.seed, self.progress = run, classifier, data, seed, progress
        self.work: Work = gather(checks)

    def predict(self, budget: float | None = None, draws: int | None = None) -> None:
        """Phase one: plan, then predictions."""
        speed = measure_speed(self.classifier, self.data)
        if budget is not None:
            self.work = self._settled(within(self.work.checks, self.data, speed, budget))
        self.work = dataclasses.replace(self.work, draws=draws)
        self.run.write_plan(make_plan(self.work, self.data, speed))
        self.run.write_samples(sample_columns(self.data))
        predict_all(self.run, self.work, self.classifier, self.data, seed=self.seed, progress=self.progress)
        swap_all(self.run, self.work, self.classifier, self.data, seed=self.seed, progress=self.progress)

    def selected(self) -> Rows:
        """The test rows that phase two is about."""
        return selected(self.run, self.work, self.seed)

    def finish(self, rows: Rows) -> None:
        """Phase two: maps of these rows, experiments on single images, then the checks."""
        phase = (self.run, self.work, self.classifier, self.data)
        explain_all(*phase, rows, seed=self.seed, progress=self.progress)
        probe_all(*phase, seed=self.seed, progress=self.progress)
        run_checks(self.run, self.work, self.data, seed=self.seed)

    def salvage(self) -> None:
        """After Ctrl-C: the findings that the finished passes allow."""
        ready = [check for check in self.work.checks if all(self.run.has_predictions(k) for k in self._keys(check))]
        run_checks(self.run, dataclasses.replace(self.work, checks=tuple(ready)), self.data, seed=self.seed)

    def _keys(self, check: Check) -> list[str]:
        return [self.work.key(need) for need in gather([check]).predicts]

    def _settled(self, work: Work) -> Work:
        """The sample sizes of the first attempt, if this is a resumed audit; speed differs from day to day."""
        limits = self.run.limits() or {str(split): n for split, n in work.limits.items()}
        self.run.write_limits(limits)
        return gather(work.checks, limits)


def find_checks(names: Sequence[str | Check] = (), skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks of these names or codes (all if none are given), without the skipped, by code.

    A Python file that defines checks may stand among the names, and so may a check with its own parameters.
    Raises UnknownName, or UserError if two checks have one code.
    """
    known = [registry.get(name)() for name in registry.names()]
    by_name = dict(zip(registry.names(), known, strict=True)) | {check.code: check for check in known}
    for name in (*names, *skip):
        if isinstance(name, str) and not name.endswith(".py") and name not in by_name:
            raise unknown_name("check", name, by_name)
    wanted = [check for one in names for check in _checks_of(one, by_name)] or known
    chosen = tuple(sorted(set(wanted) - {by_name[name] for name in skip}, key=lambda check: check.code))
    for first, second in itertools.pairwise(chosen):
        if first.code == second.code:
            raise UserError(
                f"Two checks have the code {first.code}: {type(first).__name__} and {type(second).__name__}. Give yours "
                "a code that `eyetest list checks` does not show."
            )
    return chosen


def _checks_of(one: str | Check, by_name: Mapping[str, Check]) -> list[Check]:
    if isinstance(one, Check):
        return [one]
    return [kind() for kind in registry.in_file(Path(one))] if one.endswith(".py") else [by_name[one]]


def find_device(name: str) -> str:
    """`auto` is CUDA where there is one, else MPS, else the CPU."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _one_seed(
    run: RunDir,
    data: Dataset,
    plans: Sequence[Recipe],
    checks: Sequence[Check],
    seed: int,
    device: str,
    progress: Progress,
) -> None:
    children = [_child(run, data, plan, checks, seed, device, progress) for plan in plans]
    jobs = [AuditJob(child, _classifier(child, data, device)[0], data, checks, seed, progress) for child in children]
    for job in jobs:
        if job.run.record.status != "complete":
            with _recorded(job.run, job.salvage, status="running"):
                job.predict()
    rows = _union(jobs)
    for job in jobs:
        if job.run.record.status != "complete":
            with _recorded(job.run, job.salvage):
                job.finish(rows)
    for job in jobs[1:]:
        path = run.path / _compared(job.run.path.name)
        if not (path / "run.json").is_file() or RunDir.open(path).record.status != "complete":
            compare(jobs[0].run, job.run, out=path, data=data)


def _child(
    run: RunDir, data: Dataset, plan: Recipe, checks: Sequence[Check], seed: int, device: str, progress: Progress
) -> RunDir:
    path = run.path / f"{plan.name}-{seed}"
    if (path / "run.json").is_file() and RunDir.open(path).record.status == "complete":
        return RunDir(path)
    record = new_record("audit", data.record(), (), seed=seed, device=device, config=_train_config(plan))
    child = RunDir.begin(path, record)
    if not child.trained:
        with _recorded(child, status="running"):
            _train_into(child, data, plan, seed, device, progress)
    return child


def _union(jobs: Sequence[AuditJob]) -> Rows:
    """All test rows that any of the models is asked about, and those that the comparisons show."""
    predictions = [job.run.predictions(IDENTITY, "test") for job in jobs]
    changed = [rows for other in predictions[1:] for rows in changed_rows(predictions[0], other)]
    return np.unique(np.concatenate([*(job.selected() for job in jobs), *changed]))


def _compared(child: str) -> str:
    return "compare" if child == "improved-0" else f"compare-{child}"


def _train_into(run: RunDir, data: Dataset, recipe: Recipe, seed: int, device: str, progress: Progress) -> None:
    fabric = Fabric(accelerator=device, devices=1)
    train_model(data, recipe, run, seed=seed, fabric=fabric, progress=progress)
    classifier = load_model(run.path, data.classes, recipe.name)
    run.write_record(run.record.model_copy(update={"models": (classifier.record(),)}))


def _train_config(recipe: Recipe) -> dict[str, object]:
    return {"recipe": dataclasses.asdict(recipe)}


@contextmanager
def _recorded(run: RunDir, salvage: Callable[[], None] = lambda: None, *, status: str = "complete") -> Iterator[None]:
    """Seconds and status into run.json; Ctrl-C leaves what is done as an interrupted, usable run."""
    started = time.perf_counter()
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            salvage()
        run.update("interrupted", time.perf_counter() - started)
        raise
    run.update("complete" if status == "complete" else "running", time.perf_counter() - started)


def _data(data: Dataset | str | Path) -> Dataset:
    return data if isinstance(data, Dataset) else load_data(data)


def _recipe(recipe: Recipe | str) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else named_recipe(recipe)


def _run(run: RunDir | Path | str) -> RunDir:
    return run if isinstance(run, RunDir) else RunDir.open(Path(run))


def _path(out: Path | str | None, record: RunRecord, model: str) -> Path:
    kind: RunKind = record.kind
    return Path(out) if out else new_run_path(RUNS, record.created, record.data.name, model, kind)


def _classifier(
    model: Classifier | RunDir | Path | str, data: Dataset, device: str
) -> tuple[Classifier, RunDir | None]:
    """The classifier on its device, and the run with its training history if it learned from this very data."""
    if isinstance(model, Classifier):
        return model, None
    path = model.path if isinstance(model, RunDir) else Path(model)
    run = RunDir.open(path) if path.is_dir() else None
    name = path.stem
    if run is not None and run.record.models:
        name = run.record.models[0].name
    classifier = load_model(path, data.classes, name)
    classifier.module.to(find_device(device))
    known = run is not None and run.trained and run.record.data.fingerprint == data.fingerprint
    return classifier, run if known else None


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
    return Side(record.models[0].name, record.data.fingerprint, findings, scores, predictions, strongest)
