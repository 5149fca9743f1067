"""The calls behind every command: train, audit, compare, study. Each can be killed and given again."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from .checks._choice import find_checks
from .checks.base import Check
from .checks.explanation_trust import ExplanationTrust
from .comparison import changed_rows
from .data import Dataset, load_data
from .engine.annotate import annotate_all
from .engine.attend import attend_all
from .engine.execute import explain_all, predict_all, selected
from .engine.plan import Work, gather, measure_speed, within
from .engine.plan import plan as make_plan
from .engine.preflight import NAME as PREFLIGHT
from .engine.preflight import Trained, kept, preflight
from .engine.probe import probe_all
from .engine.run import run_checks
from .engine.swap import swap_all
from .engine.trust import trust_all
from .errors import UserError, unknown_name
from .explain import explainer, explainers
from .explain.grad_cam import require_layer
from .models.classifier import Classifier
from .models.contract import ModelOptions
from .models.load import NO_OPTIONS, OpenedModel, load_model, open_model
from .pairing import compare, compare_seeds
from .provenance import new_record
from .records import Plan
from .store import TRAINED_ON, RunDir, finished, recorded, run_path
from .training.cross_validation import Folds, cross_validation
from .training.loop import train_model
from .training.processes import Processes
from .training.profile import PROFILES
from .training.recipe import Recipe
from .training.recipe import recipe as named_recipe
from .types import IDENTITY, PixelHashes, Progress, Rows, silent

__all__ = [
    "AuditJob",
    "ModelOptions",
    "audit",
    "compare",
    "find_checks",
    "find_device",
    "opened",
    "plan_audit",
    "study",
    "train",
]

ModelSource = Classifier | OpenedModel | RunDir | Path | str
"""A model in memory, opened, or as open_model() reads it."""


def train(
    data: Dataset | str | Path,
    recipe: Recipe | str = "baseline",
    *,
    out: Path | str | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Train one model; the run holds its weights and history. An unfinished run in `out` is resumed.

    Under torchrun or srun all processes train it together, and the first one writes.
    """
    data, recipe, device = _data(data), _recipe(recipe), find_device(device)
    fabric = Processes.here().fabric(device)
    record = new_record("train", data.record(), (), seed=seed, device=device, config=_train_config(recipe))
    path, recipe = fabric.broadcast((run_path(out, record, recipe.name), recipe))
    if fabric.global_rank > 0:
        return _help(path, data, recipe, seed, fabric)
    run = RunDir.begin(path, record)
    with recorded(run):
        _train_into(run, data, recipe, seed, fabric, progress)
    return run


def audit(
    model: ModelSource,
    data: Dataset | str | Path,
    *,
    model_options: ModelOptions = NO_OPTIONS,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    stamp: Sequence[str] = (),
    out: Path | str | None = None,
    seed: int = 0,
    budget: float | None = None,
    draws: int | None = None,
    anyway: bool = False,
    cross_validate: int | None = None,
    fold_recipe: Recipe | str | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Audit one model: every check becomes a finding. An unfinished audit in `out` resumes at the pass it was in.

    `budget` in seconds reads fewer images, so that the passes fit. `draws` is how often each image gets new donors; by
    default so often that 5,000 images are swapped. `stamp` names the explanation methods that are put to the test. A
    model that is fed wrongly is refused before anything is written, unless `anyway`; then DAT001 says what is wrong.
    `cross_validate` trains so many models on parts of the training images, for a second opinion on labels; by
    `fold_recipe`, by default that of the model, or our baseline if unknown.

    Raises ModelError or DataError if figures would be meaningless.
    """
    model = opened(model, model_options)
    data = _data(data, model.image_size)
    classifier, source = _classifier(model, data, device)
    chosen = stamping(find_checks(checks, skip), stamp)
    crossed = _folds(cross_validate, fold_recipe, _run_of(model), data, classifier)
    contract = classifier.contract(data.image_size).model_dump(mode="json", include={"input_size", "mean", "std"})
    config: dict[str, object] = {"checks": [check.code for check in chosen], "stamp": [*stamp], "budget": budget}
    config |= {"draws": draws, "input": contract}
    config |= crossed.config if crossed else {}
    models = (classifier.record(),)
    trained = _trained_on(_run_of(model), data)
    seen = preflight(chosen, classifier, data, seed=seed, trained=trained, anyway=anyway, progress=progress)
    record = new_record("audit", data.record(), models, seed=seed, device=str(classifier.device), config=config)
    run = RunDir.begin(run_path(out, record, classifier.name), record)
    if source is not None:
        run.borrow_training(source)
    job = AuditJob(run, classifier, data, chosen, seed, progress)
    with recorded(run, job.salvage):
        if seen is not None:
            run.write_annotation(PREFLIGHT, seen)
        job.predict(budget, draws)
        job.cross_validate(crossed)
        job.finish(job.selected())
    return run


def plan_audit(
    model: ModelSource,
    data: Dataset | str | Path,
    *,
    model_options: ModelOptions = NO_OPTIONS,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    stamp: Sequence[str] = (),
    budget: float | None = None,
    cross_validate: int | None = None,
    fold_recipe: Recipe | str | None = None,
    device: str = "auto",
) -> Plan:
    """The passes of an audit and their cost, without running it; those of a cross-validation come last."""
    model = opened(model, model_options)
    data = _data(data, model.image_size)
    classifier, _ = _classifier(model, data, device)
    speed = measure_speed(classifier, data)
    crossed = _folds(cross_validate, fold_recipe, _run_of(model), data, classifier)
    chosen = stamping(find_checks(checks, skip), stamp)
    planned = make_plan(within(chosen, data, speed, budget), data, speed)
    planned = planned.model_copy(update={"contract": classifier.contract(data.image_size)})
    return crossed.priced(planned, data, str(classifier.device)) if crossed else planned


def opened(model: ModelSource, options: ModelOptions = NO_OPTIONS) -> OpenedModel | Classifier:
    """The model with what is known of its input, before the data is read.

    Raises ModelError as open_model() does, or if options are given for a model that has been opened.
    """
    if isinstance(model, Classifier | OpenedModel):
        if options != NO_OPTIONS:
            raise UserError("Model options were given for a Classifier, which says all that itself. Leave them out.")
        return model
    if isinstance(model, str | Path) and not Path(model).is_dir():
        return open_model(model, options)
    path = model.path if isinstance(model, RunDir) else Path(model)
    models = RunDir.open(path).record.models
    return open_model(path, options, name=models[0].name if models else path.stem)


def study(
    data: Dataset | str | Path,
    recipes: Sequence[Recipe | str] = ("baseline", "improved"),
    *,
    seeds: int = 1,
    out: Path | str | None = None,
    seed: int = 0,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    stamp: Sequence[str] = (),
    draws: int | None = None,
    anyway: bool = False,
    cross_validate: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> RunDir:
    """Train every recipe, audit each model, compare each with the first, and write one page.

    With several seeds each recipe is trained as often, and SEED001 says what of a difference may be luck. All models are
    trained first, under torchrun or srun by all processes together. Then both models of a seed are predicted, so that maps
    of both exist for every image that either is asked about. `draws`, `stamp`, `anyway` and `cross_validate` as in audit();
    each model's own recipe trains its folds, in the first process alone.
    """
    data, device, chosen = _data(data), find_device(device), stamping(find_checks(checks, skip), stamp)
    fabric = Processes.here().fabric(device)
    plans = fabric.broadcast([_recipe(one) for one in recipes])
    _require_distinct([plan.name for plan in plans])
    config = {
        "recipes": [dataclasses.asdict(plan) for plan in plans],
        "seeds": seeds,
        "checks": [c.code for c in chosen],
        "stamp": [*stamp],
        "draws": draws,
    }
    crossed = [Folds.of(data, cross_validate, plan, own=True) for plan in plans]
    config |= {"cross_validate": cross_validate} if cross_validate else {}
    record = new_record("study", data.record(), (), seed=seed, device=device, config=config)
    path, numbers = fabric.broadcast(run_path(out, record, "study")), range(seed, seed + seeds)
    if fabric.global_rank > 0:
        for number, plan in itertools.product(numbers, plans):
            _help(path / f"{plan.name}-{number}", data, plan, number, fabric)
        return RunDir(path)
    run = RunDir.begin(path, record)
    with recorded(run):
        pairs = list(zip(plans, crossed, strict=True))
        trained = [[_child(run, data, plan, f, chosen, n, fabric, progress) for plan, f in pairs] for n in numbers]
        for children, number in zip(trained, numbers, strict=True):
            _one_seed(run, children, data, chosen, number, draws, anyway, crossed, device, progress)
        names = [f"{plan.name}-{number}" for number, plan in itertools.product(numbers, plans)]
        comparisons = [_compared(f"{plan.name}-{number}") for number, plan in itertools.product(numbers, plans[1:])]
        run.write_record(run.record.model_copy(update={"children": (*names, *comparisons)}))
        if seeds > 1 and len(plans) > 1:
            compare_seeds(run)
    run.report()
    return run


class AuditJob:
    """One audit in steps, so that a study can run the steps of two audits in turn."""

    def __init__(
        self, run: RunDir, classifier: Classifier, data: Dataset, checks: Sequence[Check], seed: int, progress: Progress
    ) -> None:
        self.run, self.classifier, self.data, self.seed, self.progress = run, classifier, data, seed, progress
        self.work: Work = gather(checks)

    def preflight(self, anyway: bool) -> None:
        """Try how the model is fed; raises ModelError or DataError as audit() does."""
        trained, known = _trained_on(self.run, self.data), kept(self.run)
        phase = (self.work.checks, self.classifier, self.data)
        seen = preflight(*phase, seed=self.seed, trained=trained, anyway=anyway, progress=self.progress, known=known)
        if seen is not None and known is None:
            self.run.write_annotation(PREFLIGHT, seen)

    def predict(self, budget: float | None = None, draws: int | None = None) -> None:
        """Phase one: plan, then predictions."""
        speed = measure_speed(self.classifier, self.data)
        if budget is not None:
            self.work = self._settled(within(self.work.checks, self.data, speed, budget))
        self.work = dataclasses.replace(self.work, draws=draws)
        contract = self.classifier.contract(self.data.image_size)
        self.run.write_plan(make_plan(self.work, self.data, speed).model_copy(update={"contract": contract}))
        self.run.write_samples(self.data.sample_columns())
        predict_all(self.run, self.work, self.classifier, self.data, seed=self.seed, progress=self.progress)
        annotate_all(self.run, self.work, self.data, seed=self.seed, progress=self.progress)
        swap_all(self.run, self.work, self.classifier, self.data, seed=self.seed, progress=self.progress)

    def cross_validate(self, folds: Folds | None) -> None:
        """Out-of-sample predictions of the training images, where they are wanted."""
        if folds is not None:
            fabric = Processes().fabric(self.classifier.device.type)
            cross_validation(self.data, folds, self.run, seed=self.seed, fabric=fabric, progress=self.progress)

    def selected(self) -> Rows:
        """The test rows that phase two is about."""
        return selected(self.run, self.work, self.seed)

    def finish(self, rows: Rows) -> None:
        """Phase two: maps of these rows, experiments on single images, then the checks."""
        phase = (self.run, self.work, self.classifier, self.data)
        explain_all(*phase, rows, seed=self.seed, progress=self.progress)
        attend_all(*phase, seed=self.seed, progress=self.progress)
        trust_all(*phase, seed=self.seed, progress=self.progress)
        probe_all(*phase, seed=self.seed, progress=self.progress)
        run_checks(self.run, self.work, self.data, seed=self.seed)

    def salvage(self) -> None:
        """After Ctrl-C: the findings that the finished passes allow."""
        ready = [check for check in self.work.checks if self._answered(check)]
        run_checks(self.run, dataclasses.replace(self.work, checks=tuple(ready)), self.data, seed=self.seed)

    def _answered(self, check: Check) -> bool:
        own = gather([check])
        predicted = all(self.run.has_predictions(self.work.key(need)) for need in own.predicts)
        return predicted and (not own.transplants or self.run.has_swaps(0))

    def _settled(self, work: Work) -> Work:
        """The sample sizes of the first attempt, if this is a resumed audit; speed differs from day to day."""
        limits = self.run.limits() or {str(split): n for split, n in work.limits.items()}
        self.run.write_limits(limits)
        return gather(work.checks, limits)


def stamping(checks: Sequence[Check], methods: Sequence[str]) -> tuple[Check, ...]:
    """The checks, with EXP001 putting these explanation methods to the test: names, or `all`; its own if none is given.

    Raises UnknownName, or UserError if EXP001 is not among the checks.
    """
    if not methods:
        return tuple(checks)
    names = dict.fromkeys(explainers.names() if "all" in methods else methods)
    for name in names:
        explainer(name)
    if not any(isinstance(check, ExplanationTrust) for check in checks):
        raise UserError(
            f"--stamp {' '.join(methods)} says which maps are put to the test, but explanation_trust (EXP001), which does "
            "that, is not among the checks. Add it to --checks, or leave --stamp out."
        )
    chosen = ExplanationTrust(tuple((name, "predicted") for name in names))
    return tuple(chosen if isinstance(check, ExplanationTrust) else check for check in checks)


def find_device(name: str) -> str:
    """The device called auto (CUDA where there is one, else MPS, else the CPU), cuda, mps or cpu.

    Raises UserError if it is not here.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(one for one, there in here.items() if there)
    if name not in here:
        raise unknown_name("device", name, ("auto", *here))
    if not here[name]:
        usable = " or ".join(one for one, there in here.items() if there)
        raise UserError(f"There is no {name} device here; {usable} was expected. Leave --device out to take the best.")
    return name


def _one_seed(
    run: RunDir,
    children: Sequence[RunDir],
    data: Dataset,
    checks: Sequence[Check],
    seed: int,
    draws: int | None,
    anyway: bool,
    crossed: Sequence[Folds | None],
    device: str,
    progress: Progress,
) -> None:
    models = [_classifier(opened(child), data, device)[0] for child in children]
    jobs = [AuditJob(*pair, data, checks, seed, progress) for pair in zip(children, models, strict=True)]
    for job, folds in zip(jobs, crossed, strict=True):
        if job.run.record.status != "complete":
            with recorded(job.run, job.salvage, status="running"):
                job.preflight(anyway)
                job.predict(draws=draws)
                job.cross_validate(folds)
    rows = _union(jobs)
    for job in jobs:
        if job.run.record.status != "complete":
            with recorded(job.run, job.salvage):
                job.finish(rows)
    for job in jobs[1:]:
        path = run.path / _compared(job.run.path.name)
        if finished(path) is None:
            compare(jobs[0].run, job.run, out=path, data=data)


def _child(
    run: RunDir,
    data: Dataset,
    plan: Recipe,
    folds: Folds | None,
    checks: Sequence[Check],
    seed: int,
    fabric: Fabric,
    progress: Progress,
) -> RunDir:
    path = run.path / f"{plan.name}-{seed}"
    if (done := finished(path)) is not None:
        return done
    config = _train_config(plan) | (folds.config if folds else {})
    record = new_record("audit", data.record(), (), seed=seed, device=run.record.device, config=config)
    child = RunDir.begin(path, record)
    if not child.record.models:
        with recorded(child, status="running"):
            _train_into(child, data, plan, seed, fabric, progress)
    return child


def _union(jobs: Sequence[AuditJob]) -> Rows:
    """All test rows that any of the models is asked about, and those that the comparisons show."""
    predictions = [job.run.predictions(IDENTITY, "test") for job in jobs]
    changed = [rows for other in predictions[1:] for rows in changed_rows(predictions[0], other)]
    return np.unique(np.concatenate([*(job.selected() for job in jobs), *changed]))


def _compared(child: str) -> str:
    return "compare" if child == "improved-0" else f"compare-{child}"


def _help(path: Path, data: Dataset, recipe: Recipe, seed: int, fabric: Fabric) -> RunDir:
    """Take part in a training that process 0 writes into `path`, unless it has ended before."""
    run = RunDir(path)
    if not run.trained:
        train_model(data, recipe, run, seed=seed, fabric=fabric)
    return run


def _require_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise UserError(
            f"A study was asked of the recipes {', '.join(names)}; different names were expected, because each has its "
            "own directory. Leave one out, or give its TOML file another name."
        )


def _train_into(run: RunDir, data: Dataset, recipe: Recipe, seed: int, fabric: Fabric, progress: Progress) -> None:
    if not run.trained:
        train_model(data, recipe, run, seed=seed, fabric=fabric, progress=progress)
    classifier = load_model(run.path, data.classes, name=recipe.name)
    run.write_record(run.record.model_copy(update={"models": (classifier.record(),)}))


def _train_config(recipe: Recipe) -> dict[str, object]:
    return {"recipe": dataclasses.asdict(recipe)}


def _folds(
    count: int | None, wanted: Recipe | str | None, run: RunDir | None, data: Dataset, classifier: Classifier
) -> Folds | None:
    """The cross-validation that is wanted: by the given recipe, else the model's own, else our baseline."""
    known = None if run is None or "recipe" not in run.record.config else Recipe(**run.record.config["recipe"])
    size = PROFILES["small" if classifier.device.type == "cpu" else "full"]
    chosen = _recipe(wanted) if wanted is not None else known or size.apply(_recipe("baseline"))
    return Folds.of(data, count, chosen, own=chosen == known)


def _data(data: Dataset | str | Path, image_size: int | None = None) -> Dataset:
    return data if isinstance(data, Dataset) else load_data(data, image_size=image_size)


def _recipe(recipe: Recipe | str) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else named_recipe(recipe)


def _classifier(model: OpenedModel | Classifier, data: Dataset, device: str) -> tuple[Classifier, RunDir | None]:
    """The classifier on its device, and the run with its training history if it learned from this very data."""
    if isinstance(model, Classifier):
        return model, None
    classifier = model.classifier(data.classes)
    classifier.to(find_device(device))
    require_layer(classifier, data.image_size)
    run = _run_of(model)
    known = run is not None and run.trained and run.record.data.fingerprint == data.fingerprint
    return classifier, run if known else None


def _trained_on(run: RunDir | None, data: Dataset) -> Trained:
    """The hashes of the images that a model of ours was trained on."""
    if run is None:
        return None, "data"
    if run.has_annotation(TRAINED_ON):
        return run.annotation(TRAINED_ON, PixelHashes), "run"
    return None, "data" if run.record.data.fingerprint == data.fingerprint else "unknown"


def _run_of(model: Classifier | OpenedModel) -> RunDir | None:
    """The run that a model comes from."""
    return None if isinstance(model, Classifier) or model.run is None else RunDir.open(model.run)
