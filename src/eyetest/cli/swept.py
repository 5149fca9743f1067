"""A sweep on the terminal: its plan, then its result."""

from __future__ import annotations

from pathlib import Path

from ..data import Dataset
from ..store import RunDir
from ..sweeping import crashes, plan_sweep, sweep
from ..training.processes import Processes
from .progress import shown
from .show import show_findings, show_plan


def show_sweep_plan(
    grid: Path, data: Dataset, *, out: Path | None, seed: int, processes: int, device: str, as_json: bool
) -> None:
    """Print how many trainings there are, and what each cell would cost."""
    show_plan(plan_sweep(grid, data, out=out, seed=seed, processes=processes, device=device), as_json)


def run_sweep(
    grid: Path,
    data: Dataset,
    *,
    out: Path | None,
    seed: int,
    processes: int,
    retry: bool,
    device: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> bool:
    """Run the sweep and print its result; whether no training crashed."""
    first = Processes.here().first
    with shown(quiet or not first) as progress:
        run = sweep(
            grid,
            data,
            out=out,
            seed=seed,
            processes=processes,
            retry=retry,
            device=device,
            threads=threads,
            progress=progress,
        )
    if not first:
        return True
    _show(run, as_json)
    return not crashes(run)


def _show(run: RunDir, as_json: bool) -> None:
    if as_json:
        show_findings([run], as_json)
        return
    if run.record.status != "complete":
        print(f"Other processes still train in {run.path}; the last one writes the result.")
        return
    show_findings([run], as_json)
    for name, crash in crashes(run).items():
        again = "" if crash.diverged else " Add --retry to train it again."
        print(f"crashed: {name}: {crash.error}: {crash.message}{again}")
    print(f"report: {run.page}")
    if run.choice() is not None:
        print(f"next: eyetest train --data {run.record.data.name} --recipe {run.chosen_recipe}")
