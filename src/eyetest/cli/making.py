"""Commands that train models, and audit what they trained: demo, study, train, sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..training.processes import Processes
from .exit_codes import DONE, PARTIAL
from .flags import Count, Flag, Names, Whole
from .given import changes_of, load, set_threads
from .tracked import found, send


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
    from .finished import finished
    from .progress import shown

    with shown(quiet) as progress:
        run = tell(out=out, progress=progress)
    return finished(run, json)


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
    from .. import flow as calls
    from .finished import finished
    from .progress import shown
    from .sizing import show_training_plan, sized

    set_threads(threads)
    told, first = found(tracker), Processes.here().first
    source = load(data, seed, group, human_labels)
    training = (source, recipe or ["baseline", "improved"], profile, changes_of(set), device)
    if plan:
        show_training_plan(*training, json, seeds)
        return DONE
    plans = sized(*training, quiet=quiet or json or not first, seeds=seeds)
    with shown(quiet or not first) as progress:
        run = calls.study(
            source,
            plans,
            seeds=seeds,
            out=out,
            seed=seed,
            checks=checks or (),
            skip=skip or (),
            anyway=anyway,
            stamp=stamp or (),
            cross_validate=cross_validate,
            device=device,
            progress=progress,
        )
    return finished(run, json, told) if first else DONE


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

    set_threads(threads)
    told = found(tracker)
    chosen = changed(named(recipe), changes_of(set))
    first = Processes.here().first
    with shown(quiet or not first) as progress:
        run = calls.train(load(data, seed, group), chosen, out=out, seed=seed, device=device, progress=progress)
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

    set_threads(threads)
    source = load(data, seed, group)
    shared: dict[str, Any] = {"out": out, "seed": seed, "processes": processes, "device": device, "as_json": json}
    if plan:
        show_sweep_plan(grid, source, **shared)
        return DONE
    fine = run_sweep(grid, source, retry=retry, threads=threads, quiet=quiet, **shared)
    return DONE if fine else PARTIAL
