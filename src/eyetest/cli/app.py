"""Every command: parse, call, print. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from ..errors import UserError, unknown_name
from ..training.processes import Processes
from .flags import NO_FLAGS, Count, Flag, ModelFlags, Names, Theme, Whole
from .tracked import found, send

if TYPE_CHECKING:
    from ..data import Dataset
    from ..trackers.base import Tracker

app = App(
    name="eyetest",
    help="An eye test for image classifiers: what do they look at, when are they confidently wrong, did the fix help?",
    result_action="return_value",
)
DONE, FAILED, CRASHED = 0, 1, 3


@app.command
def demo(*, out: Path | None = None, json: Flag = False, quiet: Flag = False) -> int:
    """The whole story on planted data whose truth is known; offline, minutes on two CPU cores.

    Parameters
    ----------
    out
        Directory of the run.
    json
        Print the findings as JSON.
    quiet
        No progress.
    """
    from ..demo import demo as tell
    from .progress import shown

    with shown(quiet) as progress:
        run = tell(out=out, progress=progress)
    return _finished(run, json)


@app.command
def study(
    *,
    data: str,
    group: str | None = None,
    recipe: Names = None,
    profile: str | None = None,
    set: Names = None,
    out: Path | None = None,
    seed: Whole = 0,
    seeds: Count = 1,
    checks: Names = None,
    skip: Names = None,
    cross_validate: Count | None = None,
    stamp: Names = None,
    device: str = "auto",
    threads: Count | None = None,
    human_labels: Path | None = None,
    plan: Flag = False,
    anyway: Flag = False,
    tracker: Names = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Baseline and improved recipe: train, audit each, compare, one report.

    Parameters
    ----------
    data
        A name (cifar10, planted) or a path.
    group
        The column of patients or scenes: images of one stay in one split and are resampled together.
    recipe
        Recipes by name or TOML file; the others are compared with the first.
    profile
        small, full or demo; by default chosen from the measured throughput.
    set
        Recipe fields, such as epochs=3.
    out
        Directory of the run; an unfinished run there is resumed.
    human_labels
        How many people gave each test image each class: npy, npz, csv or parquet.
    cross_validate
        Train so many more models by each recipe on parts of the training images: a second opinion on labels.
    stamp
        Explanation methods that are put to the test, or all; by default grad_cam and saliency.
    plan
        Print what it would cost and stop.
    anyway
        Audit also a model whose figures would mean nothing (DAT001).
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    _threads(threads)
    told = found(tracker)
    names = recipe or ["baseline", "improved"]
    if plan:
        from .sizing import show_training_plan

        show_training_plan(_load(data, seed, group, human_labels), names, profile, _changes(set), device, json, seeds)
        return DONE
    source = _load(data, seed, group, human_labels)
    further = {"anyway": anyway, "stamp": stamp or (), "cross_validate": cross_validate}
    return _study(
        source, names, profile, _changes(set), out, seed, seeds, checks, skip, further, device, told, json, quiet
    )


@app.command
def train(
    *,
    data: str,
    group: str | None = None,
    recipe: str = "baseline",
    set: Names = None,
    out: Path | None = None,
    seed: Whole = 0,
    device: str = "auto",
    threads: Count | None = None,
    tracker: Names = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Train one model. A killed run resumes at its last epoch.

    Parameters
    ----------
    data
        A name (cifar10, planted) or a path.
    group
        The column of patients or scenes: images of one stay in one split.
    recipe
        baseline, improved, plain_sgd, or a TOML file.
    set
        Recipe fields, such as epochs=3 width=16.
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from .. import flow as calls
    from ..training.recipe import changed
    from ..training.recipe import recipe as named
    from .progress import shown

    _threads(threads)
    told = found(tracker)
    chosen = changed(named(recipe), _changes(set))
    first = Processes.here().first
    with shown(quiet or not first) as progress:
        run = calls.train(_load(data, seed, group), chosen, out=out, seed=seed, device=device, progress=progress)
    if not first:
        return DONE
    result = run.train_result()
    if json:
        print(result.model_dump_json(indent=1))
    else:
        chosen_at = f"epoch {result.chosen_epoch} of {result.epochs}"
        print(f"{chosen.name}: validation accuracy {result.chosen_validation_accuracy:.4f} at {chosen_at}")
        grouped = f" --group {group}" if group else ""
        print(f"next: eyetest audit {run.path} --data {data}{grouped}")
    return send(run, told, quiet=json)


@app.command
def audit(
    model: str | None = None,
    *,
    data: str,
    predictions: Path | None = None,
    group: str | None = None,
    flags: ModelFlags = NO_FLAGS,
    out: Path | None = None,
    checks: Names = None,
    skip: Names = None,
    stamp: Names = None,
    budget: str | None = None,
    cross_validate: Count | None = None,
    fold_recipe: str | None = None,
    seed: Whole = 0,
    device: str = "auto",
    threads: Count | None = None,
    human_labels: Path | None = None,
    plan: Flag = False,
    anyway: Flag = False,
    tracker: Names = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Audit one model, or its saved predictions: findings and a page.

    Parameters
    ----------
    model
        A run of `eyetest train`, a checkpoint (.safetensors, .pt, .pth) with --arch, an exported program (.pt2) or
        TorchScript, timm:NAME, torchvision:NAME, or file.py:factory.
    data
        A name (cifar10, planted) or a path.
    predictions
        Instead of a model: a parquet, CSV or npz file of its answers on the test images (docs/how-to/saved-predictions.md).
    group
        The column of patients or scenes: images of one stay in one split and are resampled together.
    stamp
        Explanation methods that are put to the test, or all; by default grad_cam and saliency. --plan says what it costs.
    budget
        Time for the passes, such as 90s or 5m; fewer images are read.
    human_labels
        How many people gave each test image each class: npy, npz, csv or parquet.
    cross_validate
        Train so many models on parts of the training images: a second opinion on labels (takes so many trainings).
    fold_recipe
        Recipe of those models; by default that of the audited run, or baseline where it is unknown.
    plan
        Print what the model is fed, passes and cost, and stop.
    anyway
        Go on where the model is fed so wrongly that figures would mean nothing (DAT001).
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    _threads(threads)
    seconds, told = _seconds(budget), found(tracker)
    if predictions is not None:
        _require_no_model(model, budget, plan)
        return _saved(predictions, _load(data, seed, group, human_labels), checks, skip, out, seed, told, json, quiet)
    if model is None:
        raise UserError(
            "Neither a model nor predictions were given. Expected `audit MODEL`, or `audit --predictions FILE`."
        )
    from .. import flow as calls
    from .progress import shown
    from .show import show_plan

    opened = calls.opened(model, flags.options())
    source = _load(data, seed, group, human_labels, opened.image_size)
    if plan:
        planned = calls.plan_audit(
            opened,
            source,
            checks=checks or (),
            skip=skip or (),
            stamp=stamp or (),
            budget=seconds,
            cross_validate=cross_validate,
            fold_recipe=fold_recipe,
            device=device,
        )
        show_plan(planned, json)
        return DONE
    with shown(quiet) as progress:
        run = calls.audit(
            opened,
            source,
            checks=checks or (),
            skip=skip or (),
            stamp=stamp or (),
            out=out,
            seed=seed,
            budget=seconds,
            anyway=anyway,
            cross_validate=cross_validate,
            fold_recipe=fold_recipe,
            device=device,
            progress=progress,
        )
    if seconds is not None and not json:
        print(f"budget of {seconds:g} s: {run.plan().note}")
    return _finished(run, json, told)


@app.command
def sweep(
    grid: Path,
    *,
    data: str,
    group: str | None = None,
    out: Path | None = None,
    seed: Whole = 0,
    processes: Count = 1,
    retry: Flag = False,
    device: str = "auto",
    threads: Count | None = None,
    plan: Flag = False,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Train every recipe of a grid or an ablation; chosen on validation images, the test read once. Exit code 3 if one crashed.

    Parameters
    ----------
    grid
        A TOML file (docs/how-to/sweep.md).
    data
        A name (cifar10, planted) or a path.
    group
        The column of patients or scenes: images of one stay in one split and are resampled together.
    out
        Directory of the sweep. Several commands, also on other machines, may share it; the same command resumes.
    processes
        Workers on this machine; each trains one recipe at a time.
    retry
        Train crashed ones again.
    threads
        Of each process; with several by default an equal share of the cores.
    plan
        Print the number of trainings and their cost, and stop.
    """
    from .swept import run_sweep, show_sweep_plan

    _threads(threads)
    source = _load(data, seed, group)
    shared: dict[str, Any] = {"out": out, "seed": seed, "processes": processes, "device": device, "as_json": json}
    if plan:
        show_sweep_plan(grid, source, **shared)
        return DONE
    fine = run_sweep(grid, source, retry=retry, threads=threads, quiet=quiet, **shared)
    return DONE if fine else CRASHED


@app.command
def look(
    model: str,
    image: str,
    *,
    data: str | None = None,
    flags: ModelFlags = NO_FLAGS,
    methods: Names = None,
    audit: Path | None = None,
    out: Path | None = None,
    seed: Whole = 0,
    device: str = "auto",
    threads: Count | None = None,
    json: Flag = False,
) -> int:
    """One image: what is answered, and a picture of what every explanation method says, with its stamp.

    Parameters
    ----------
    model
        As `eyetest audit` takes it, with the same flags for what it is fed.
    image
        An id such as test-17 (with --data), or the path of a photo.
    data
        A name (cifar10, planted) or a path; the transplant map takes its patches from there.
    methods
        Explanation methods; by default all but the slow ones.
    audit
        An audit of this model, for the stamps; a study's models have theirs.
    out
        The picture, a PNG; by default look-<image>.png here.
    """
    from .. import flow as calls
    from ..looking.look import look as seen
    from .show import show_look

    _threads(threads)
    picture = out or Path(f"look-{Path(image).stem}.png")
    opened = calls.opened(model, flags.options())
    source = _load(data, seed, image_size=opened.image_size) if data else None
    found = seen(opened, image, source, methods or (), picture, audit=audit, seed=seed, device=device)
    show_look(found.looked, json)
    if not json:
        print(f"picture: {picture}")
    return DONE


@app.command
def compare(
    *runs: Path,
    reference: Path | None = None,
    data: str | None = None,
    group: str | None = None,
    out: Path | None = None,
    seed: Whole = 0,
    tracker: Names = None,
    json: Flag = False,
) -> int:
    """The difference of audits on the same images: of two B − A, of more each minus a reference; or of a study's seeds.

    One argument: a study of at least two recipes and two seeds; SEED001 says what of their difference may be luck of the
    training, and the study's page is written again.

    Parameters
    ----------
    runs
        Two audits or more (also of saved predictions), or one study.
    reference
        The audit that all others are compared with; by default the first.
    data
        Where the images lie, to draw those that were fixed, newly broken or still wrong.
    group
        The column of patients or scenes that all were audited with.
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from .. import pairing as calls

    told = found(tracker)
    if len(runs) == 1 and reference is None:
        return _seeds(runs[0], data, out, told, json)
    given = calls.with_reference(runs, reference)
    source = _load(data, seed, group) if data else None
    return _finished(calls.compare(*given, out=out, data=source), json, told)


@app.command
def validate(
    *, quick: Flag = False, seed: Whole = 0, out: Path = Path("runs/validate"), json: Flag = False, quiet: Flag = False
) -> int:
    """The audit's own sensitivity and false alarms, on models with planted shortcuts. Exit code 1 below its targets.

    Parameters
    ----------
    quick
        11 models, minutes; without it over 150 models, more than an hour on two cores.
    out
        Directory of the exam; models that are done there are not trained again.
    """
    from ..validate import markdown
    from ..validate import validate as examine
    from .progress import shown

    with shown(quiet) as progress:
        scores = examine(out, quick=quick, seed=seed, progress=progress)
    if json:
        _print_json(scores)
    else:
        print(markdown(scores))
        print(f"{'passed' if scores['passed'] else 'below its targets'}; all numbers: {out / 'validation.json'}")
    return DONE if scores["passed"] else FAILED


@app.command
def gate(
    run: Path,
    policy: Path,
    *,
    reference: Path | None = None,
    junit: Path | None = None,
    sarif: Path | None = None,
    markdown: Path | None = None,
    json: Flag = False,
) -> int:
    """Whether a run meets a policy. Exit code 0 if it does, 1 if not, 3 if that cannot be told.

    Parameters
    ----------
    policy
        A TOML file of rules (docs/how-to/gate.md).
    reference
        The run that rules with no_worse_than or equal_to = "reference" are held against, on the same images.
    junit
        Write the result as JUnit XML.
    sarif
        Write the result as SARIF 2.1.0.
    markdown
        Write the result as a Markdown table.
    """
    from ..gating import gate as held
    from .gated import show_gate, write_exports

    gated = held(run, policy, reference=reference)
    write_exports(gated, junit=junit, sarif=sarif, markdown=markdown)
    show_gate(gated, json)
    return {"pass": DONE, "fail": FAILED, "cannot_tell": CRASHED}[gated.result]


@app.command
def report(
    run: Path,
    *,
    out: Path | None = None,
    theme: Theme = "auto",
    no_images: Flag = False,
    pdf: Flag = False,
    open: Flag = False,
    tracker: Names = None,
) -> int:
    """Write the page of a run again, also as a PDF, and open it.

    Parameters
    ----------
    out
        The page; by default report.html inside the run.
    theme
        Light, dark, or as the reader's system has it.
    no_images
        Leave out every picture of the data, for confidential data; figures and tables stay.
    pdf
        Print the page to a PDF beside it too, by the Chromium, Chrome or Edge that is installed.
    open
        Show the page in the default browser.
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from ..report.options import PageOptions
    from ..store import RunDir
    from .written import show_page, write_page

    told, opened = found(tracker), RunDir.open(run)
    written = write_page(opened, out, PageOptions(theme, not no_images), pdf=pdf)
    for path in written:
        print(path)
    if open:
        show_page(written[0])
    return send(opened, told)


@app.command
def track(run: Path, *, tracker: Names = None) -> int:
    """Tell a tracker of a run: its numbers, its training and its page. Exit code 3 if the tracker does not take it.

    Parameters
    ----------
    tracker
        mlflow, tensorboard, wandb, or several.
    """
    from ..store import RunDir
    from ..trackers import trackers

    if not tracker:
        raise UserError(f"No --tracker was given. Expected one or more of: {', '.join(trackers.names())}.")
    return send(RunDir.open(run), found(tracker))


@app.command
def card(run: Path, *, model: str | None = None, out: Path | None = None) -> int:
    """A section for a Hugging Face model card: numbers with intervals as model-index, findings and limits in words.

    Parameters
    ----------
    model
        One of the models of a study; by default there is a section for each.
    out
        A new file; by default it is printed.
    """
    from ..export.card import card as written
    from ..export.card import write_card
    from ..store import RunDir

    if out is None:
        print(written(RunDir.open(run), model), end="")
    else:
        write_card(RunDir.open(run), out, model)
        print(out)
    return DONE


@app.command
def show(run: Path, *, json: Flag = False) -> int:
    """The findings of a run, in the terminal or as JSON."""
    from ..store import RunDir
    from .show import show_findings

    opened = RunDir.open(run)
    show_findings((*(opened.children if opened.record.kind == "study" else ()), opened), json)
    return DONE


@app.command
def runs(folder: Path = Path("runs"), *, delete: Path | None = None, json: Flag = False) -> int:
    """List runs with their sizes, or delete one.

    Parameters
    ----------
    delete
        The run to delete; anything that is no run is refused.
    """
    from ..store import delete_run, list_runs

    if delete is not None:
        delete_run(delete)
        print(f"deleted {delete}")
        return DONE
    rows = [_row(run) for run in list_runs(folder)]
    if json:
        _print_json(rows)
    for row in [] if json else rows:
        print(f"{row['created']}  {row['kind']:<8} {row['status']:<12} {row['megabytes']:>8.1f} MB  {row['path']}")
    return DONE


@app.command(name="list")
def list_(kind: str = "checks", *, json: Flag = False) -> int:
    """List checks, views, explain or recipes."""
    from ..checks import checks
    from ..explain import explainers
    from ..training.recipe import RECIPES
    from ..views import views

    def check(name: str) -> str:
        found = checks.get(name)
        return f"{found.code}: {found.question}"

    kinds = {
        "checks": {name: check(name) for name in checks.names()},
        "views": {name: _first_line(views.get(name)) for name in views.names()},
        "explain": {name: _first_line(explainers.get(name)) for name in explainers.names()},
        "recipes": {name: f"{one.optimizer}, {one.epochs} epochs" for name, one in RECIPES.items()},
    }
    if kind not in kinds:
        raise unknown_name("list", kind, kinds)
    if json:
        _print_json(kinds[kind])
    for name, text in {} if json else kinds[kind].items():
        print(f"{name:<22} {text}")
    return DONE


@app.command
def explain(code: str) -> int:
    """What a check asks, what it needs, and what its number does not show."""
    from ..checks._choice import find_checks

    (check,) = find_checks([code])
    print(f"{check.code} · {check.title}\n\n{check.question}\n\n{_first_line(type(check))}\n")
    print("needs:  " + "\n        ".join(sorted({str(need) for need in check.needs()})))
    print("limits: " + "\n        ".join(check.limits))
    return DONE


@app.command
def fetch(name: str, *, to: Path = Path("data/cifar10"), quiet: Flag = False) -> int:
    """Download a data set (the only command that uses the network): cifar10, 163 MB, MD5 checked, resumable."""
    from ..data.fetch import fetch_cifar10
    from .progress import shown

    if name != "cifar10":
        raise unknown_name("downloadable data set", name, ["cifar10"])
    with shown(quiet) as progress:
        print(fetch_cifar10(to, progress=lambda fraction: progress("fetch cifar10", fraction, 0.0)))
    return DONE


def _study(
    source: Dataset,
    recipes: list[str],
    profile: str | None,
    changes: dict[str, str],
    out: Path | None,
    seed: int,
    seeds: int,
    checks: list[str] | None,
    skip: list[str] | None,
    further: dict[str, Any],
    device: str,
    told: list[Tracker],
    as_json: bool,
    quiet: bool,
) -> int:
    from .. import flow as calls
    from .progress import shown
    from .sizing import sized

    first = Processes.here().first
    plans = sized(source, recipes, profile, changes, device, quiet=quiet or as_json or not first, seeds=seeds)
    with shown(quiet or not first) as progress:
        run = calls.study(
            source,
            plans,
            seeds=seeds,
            out=out,
            seed=seed,
            checks=checks or (),
            skip=skip or (),
            **further,
            device=device,
            progress=progress,
        )
    return _finished(run, as_json, told) if first else DONE


def _seeds(path: Path, data: str | None, out: Path | None, told: Sequence[Tracker], as_json: bool) -> int:
    """SEED001 of a study, once more from its audits."""
    from ..pairing import compare_seeds, require_several
    from ..store import RunDir
    from .show import show_findings

    run = RunDir.open(path)
    if run.record.kind != "study":
        require_several([path])
    if data is not None or out is not None:
        raise UserError(
            f"--data and --out are for comparing audits; {path} is a study, which keeps its comparison. Leave them out."
        )
    compare_seeds(run)
    show_findings((run,), as_json)
    page = run.report()
    if not as_json:
        print(f"report: {page}")
    return send(run, told, quiet=as_json)


def _finished(run: Any, as_json: bool, told: Sequence[Tracker] = ()) -> int:
    from .show import crashed, show_findings

    children = run.children if run.record.kind == "study" else ()
    show_findings((*children, run) if run.findings else children, as_json)
    page = run.report()
    if not as_json:
        print(f"report: {page}")
    return max(send(run, told, quiet=as_json), CRASHED if crashed((run, *children)) else DONE)


def _load(
    data: str,
    seed: int,
    group: str | None = None,
    human_labels: Path | None = None,
    image_size: int | None = None,
) -> Dataset:
    from ..data import load_data

    return load_data(data, seed=seed, image_size=image_size, group=group, human_labels=human_labels)


def _require_no_model(model: str | None, budget: str | None, plan: bool) -> None:
    if model is not None:
        raise UserError(
            f"Both a model ({model}) and a file of predictions were given, and one of both was expected. Leave one out; to "
            "compare them, audit each and give both runs to `eyetest compare`."
        )
    if budget is not None or plan:
        raise UserError(
            "--budget and --plan are about passes of a model; saved predictions need none, and take seconds. Leave them out."
        )


def _saved(
    file: Path,
    data: Dataset,
    checks: list[str] | None,
    skip: list[str] | None,
    out: Path | None,
    seed: int,
    told: list[Tracker],
    as_json: bool,
    quiet: bool,
) -> int:
    from ..saved import audit_predictions
    from .progress import shown

    with shown(quiet) as progress:
        run = audit_predictions(file, data, checks=checks or (), skip=skip or (), out=out, seed=seed, progress=progress)
    return _finished(run, as_json, told)


def _changes(fields: list[str] | None) -> dict[str, str]:
    changes = {}
    for field in fields or []:
        name, found, value = field.partition("=")
        if not found:
            raise UserError(
                f"--set {field} has no value; expected a recipe field and its value, such as --set epochs=3."
            )
        changes[name] = value
    return changes


def _seconds(budget: str | None) -> float | None:
    """Seconds of `90`, `90s`, `5m` or `1h`."""
    if budget is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600}.get(budget[-1:], 0)
    number = budget[:-1] if factor else budget
    try:
        seconds = float(number) * (factor or 1)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UserError(f"--budget {budget} is no time; expected something like 90s, 5m or 1h.")
    return seconds


def _threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _row(run: Any) -> dict[str, Any]:
    record = run.record
    size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
    return {
        "path": str(run.path),
        "kind": record.kind,
        "status": record.status,
        "created": record.created,
        "megabytes": round(size / 1e6, 1),
    }


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))
