"""A sweep: many recipes trained by as many processes as there are, chosen on validation images, the test read once."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import final

import torch

from . import flow
from .data import Dataset, load_data
from .data.split import with_fewer_training_images
from .errors import RecipeError, RunError, UserError
from .flow import find_device
from .provenance import new_record
from .records import ChoiceRecord, CrashRecord, PassPlan, Plan, RunRecord
from .store import RunDir, finished, run_path
from .sweep_finding import Found, OnTest, Trained, best, compare_cells
from .training.claims import Claim, Claims
from .training.grid import Cell, Sweep, read_sweep, toml
from .training.processes import Processes
from .training.profile import training_speed
from .training.recipe import Recipe
from .types import IDENTITY, Progress, silent

RESULT = "result"
"""What the process claims that writes the result."""
STOPPED = 2
"""Exit code of a worker that met an error which is not of one training."""
POLL = 0.5
"""Seconds between two looks at the workers."""


@final
@dataclass(frozen=True)
class Job:
    """One training."""

    cell: Cell
    seed: int

    @property
    def name(self) -> str:
        """Its directory."""
        return f"{self.cell.folder}-{self.seed}"


def sweep(
    grid: Sweep | Path | str,
    data: Dataset | Path | str,
    *,
    out: Path | str | None = None,
    seed: int = 0,
    processes: int = 1,
    retry: bool = False,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress = silent,
) -> RunDir:
    """Train every recipe of a grid, choose on validation images, read the test images of the choice and of the base once.

    `grid` is a sweep or the path of its TOML file. Several calls, on one machine or many, may share `out`; each takes
    trainings that nobody works on, and the last one writes the result. The same call resumes. `processes` starts so many
    workers here, with `threads` each (by default an equal share of the cores); a script that does so needs
    `if __name__ == "__main__":`. `retry` trains crashed ones again. Under torchrun or srun all processes share each training.

    Raises UserError if `out` holds something else, or the sweep of other data.
    """
    plan, device = _sweep(grid), find_device(device)
    used, jobs = _used(plan, _data(data), seed), _jobs(plan, seed)
    fabric = Processes.here().fabric(device)
    if processes > 1 and fabric.world_size > 1:
        raise UserError(
            f"{processes} workers were asked for under a launcher that started {fabric.world_size} processes; one of both was "
            "expected. Leave --processes out."
        )
    record = new_record("sweep", used.record(), (), seed=seed, device=device, config=_config(plan))
    run = RunDir(fabric.broadcast(run_path(out, record, "sweep")))
    if fabric.global_rank > 0:
        _Worker(run, jobs, used, device).work()
        return run
    _join(run, record)
    for job in jobs if retry else ():
        run.forget_crash(job.name)
    try:
        if processes > 1:
            _by_workers(run, jobs, used, device, processes, threads, progress)
        else:
            _Worker(run, jobs, used, device, progress).work()
        if not open_jobs(run, jobs):
            _conclude(run, plan, used, seed, device, progress)
    except KeyboardInterrupt:
        run.update("interrupted")
        raise
    return run


def plan_sweep(
    grid: Sweep | Path | str,
    data: Dataset | Path | str,
    *,
    out: Path | str | None = None,
    seed: int = 0,
    processes: int = 1,
    device: str = "auto",
) -> Plan:
    """What training every cell would cost here, from timed steps; without what is done in `out`."""
    plan, device = _sweep(grid), find_device(device)
    used = _used(plan, _data(data), seed)
    jobs, speeds = _jobs(plan, seed), dict[tuple[int | str, ...], float]()
    left = open_jobs(RunDir(Path(out)), jobs) if out else jobs
    passes = []
    for cell in dict.fromkeys(job.cell for job in left):
        kind = (cell.recipe.width, cell.recipe.blocks, cell.recipe.batch_size, cell.recipe.optimizer)
        if kind not in speeds:
            speeds[kind] = training_speed(cell.recipe, used.image_size, device)
        times = sum(job.cell == cell for job in left)
        images = cell.recipe.epochs * len(used.train) * times
        passes.append(
            PassPlan(what=cell.name, split="train", images=images, seconds=times * _cost(cell, used, speeds[kind]))
        )
    seconds = sum(one.seconds for one in passes)
    said = f"{len(plan.cells)} cells × {plan.seeds} seed{'s' * (plan.seeds > 1)}: {len(left)} of {len(jobs)} trainings are left"
    note = f"{said}, about {seconds / 60:.1f} min by one process" + (
        f", at best {seconds / processes / 60:.1f} min by {processes}." if processes > 1 else "."
    )
    return Plan(passes=tuple(passes), seconds=seconds, note=note)


def open_jobs(run: RunDir, jobs: Sequence[Job]) -> list[Job]:
    """The trainings that have neither ended nor crashed."""
    return [job for job in jobs if finished(run.cell(job.name).path) is None and run.crash(job.name) is None]


def crashes(run: RunDir) -> dict[str, CrashRecord]:
    """The trainings of a sweep that crashed, by name."""
    record = run.record
    found = {
        name: run.crash(name) for name in (f"{folder}-{n}" for folder in record.config["cells"] for n in record.seeds)
    }
    return {name: crash for name, crash in found.items() if crash is not None}


@final
class _Worker:
    """One process, or all processes of a launcher together, taking trainings until none is free."""

    def __init__(
        self, run: RunDir, jobs: Sequence[Job], data: Dataset, device: str, progress: Progress = silent
    ) -> None:
        self.run, self.jobs, self.data, self.device, self.progress = run, jobs, data, device, progress
        self.claims, self.fabric = Claims(run.claims), Processes.here().fabric(device)

    def work(self) -> None:
        """Train one after another until none is free; the first process says which, the others help."""
        while any(self._worked(job, index) for index, job in enumerate(self.jobs)):
            continue

    def _worked(self, job: Job, index: int) -> bool:
        with self._claim(job) as claim:
            mine = self.fabric.broadcast(claim is not None and bool(open_jobs(self.run, [job])))
            if mine:
                self._train(job, claim, index)
            return bool(mine)

    def _claim(self, job: Job) -> AbstractContextManager[Claim | None]:
        if self.fabric.global_rank > 0 or not open_jobs(self.run, [job]):
            return nullcontext(None)
        return self.claims.take(job.name)

    def _train(self, job: Job, claim: Claim | None, index: int) -> None:
        def told(what: str, fraction: float, speed: float) -> None:
            if claim is not None:
                claim.require()
            self.progress(f"sweep {index + 1} of {len(self.jobs)}: {what}", fraction, speed)

        path = self.run.cell(job.name).path
        try:
            flow.train(self.data, job.cell.recipe, out=path, seed=job.seed, device=self.device, progress=told)
        except Exception as error:
            if claim is not None and not claim.lost:
                self._write_crash(job, error)

    def _write_crash(self, job: Job, error: Exception) -> None:
        """What went wrong with one training; what went wrong with the directory is raised, because it stops them all."""
        if isinstance(error, RunError):
            raise error
        message = str(error).strip()[:1000] or "no message"
        diverged = isinstance(error, RecipeError)
        self.run.write_crash(job.name, CrashRecord(error=type(error).__name__, message=message, diverged=diverged))


def _by_workers(
    run: RunDir, jobs: Sequence[Job], data: Dataset, device: str, count: int, threads: int | None, progress: Progress
) -> None:
    """Spawn workers, and see that one that dies is told of and replaced."""
    share = threads or (max((os.cpu_count() or 1) // count, 1) if device == "cpu" else None)
    context = multiprocessing.get_context("spawn")

    def spawned(number: int) -> BaseProcess:
        worker = context.Process(target=_worker, args=(run.path, jobs, data, device, number, share), daemon=True)
        worker.start()
        return worker

    workers = dict(enumerate(map(spawned, range(min(count, max(len(open_jobs(run, jobs)), 1))))))
    try:
        while workers:
            time.sleep(POLL)
            for number, worker in list(workers.items()):
                if worker.exitcode is not None:
                    del workers[number]
                    if _died(run, jobs, worker):
                        workers[number] = spawned(number)
            ended = len(jobs) - len(open_jobs(run, jobs))
            progress(f"sweep by {count} processes, {ended} of {len(jobs)} trainings ended", ended / len(jobs), 0.0)
    finally:
        for worker in workers.values():
            worker.terminate()
            worker.join()


def _died(run: RunDir, jobs: Sequence[Job], worker: BaseProcess) -> bool:
    """Whether a worker died at a training, which has crashed then.

    Raises UserError if it stopped for another reason, which would stop the next one too.
    """
    if worker.exitcode == 0:
        return False
    claims = Claims(run.claims)
    held = [job for job in open_jobs(run, jobs) if claims.last_holder(job.name) == worker.pid]
    if worker.exitcode == STOPPED or not held:
        raise UserError(
            f"A worker stopped with exit code {worker.exitcode}; what it said is above. What is done is kept; give the same "
            "command again to go on."
        )
    for job in held:
        message = f"Its process ended with exit code {worker.exitcode}, without a word; it may have run out of memory."
        run.write_crash(job.name, CrashRecord(error="died", message=message))
    return True


def _worker(path: Path, jobs: Sequence[Job], data: Dataset, device: str, number: int, threads: int | None) -> None:
    """The work of one spawned process."""
    if device == "cuda":
        _one_gpu(number)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        _Worker(RunDir(path), jobs, data, device).work()
    except UserError as error:
        print(f"eyetest: {error}", file=sys.stderr)
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        sys.exit(0)


def _one_gpu(number: int) -> None:
    """Show this process one of the GPUs that it may use, in turn."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    known = listed.split(",") if listed else [str(k) for k in range(torch.cuda.device_count())]
    os.environ["CUDA_VISIBLE_DEVICES"] = known[number % len(known)]


def _join(run: RunDir, record: RunRecord) -> None:
    """Begin the sweep, or take part in the one that lies there; its cells are left as they are.

    Raises RunError if `run` holds something else.
    """
    if not (run.path / "run.json").is_file():
        if run.path.exists() and any(not one.name.startswith(".run.json.") for one in run.path.iterdir()):
            raise RunError(
                f"{run.path} already exists and is no sweep; a new directory or that of a sweep was expected. Give another --out."
            )
        run.write_record(record)
        return
    old = RunDir.open(run.path).record
    differing = [name for name in ("kind", "seed") if getattr(old, name) != getattr(record, name)]
    differing += ["data"] if old.data.fingerprint != record.data.fingerprint else []
    if differing:
        raise RunError(
            f"{run.path} holds another run: {', '.join(differing)} differ. It was begun with `{old.command}`. "
            "Give another --out; a sweep may only grow by cells and seeds."
        )
    run.write_record(old.model_copy(update={"status": "running", "config": record.config}))


def _conclude(run: RunDir, plan: Sweep, data: Dataset, seed: int, device: str, progress: Progress) -> None:
    """Choose once, read the test once, and write the result; by one process, when nothing is left to train."""
    with Claims(run.claims).take(RESULT) as claim:
        if claim is None:
            return
        found = _found(run, plan, data, seed)
        choice = run.choice() or _choose(run, found, seed)
        tested = _tested(run, choice, data, device, progress) if choice is not None else None
        run.write_finding(compare_cells(dataclasses.replace(found, choice=choice, tested=tested)))
        children = [f"cells/{job.name}" for job in _jobs(plan, seed) if finished(run.cell(job.name).path)]
        seconds = sum(RunDir(run.path / child).record.seconds for child in children)
        changes = {"status": "complete", "children": tuple(children), "seconds": seconds}
        run.write_record(run.record.model_copy(update=changes))
        run.report()


def _found(run: RunDir, plan: Sweep, data: Dataset, seed: int) -> Found:
    jobs = _jobs(plan, seed)
    trained = {}
    for cell in plan.cells:
        runs = [finished(run.cell(job.name).path) for job in jobs if job.cell == cell]
        if all(runs):
            trained[cell.key] = [_trained(one) for one in runs if one is not None]
    crashed = {job.name: crash for job in jobs if (crash := run.crash(job.name)) is not None}
    return Found(plan, trained, crashed, data.fingerprint, data.groups("validation"))


def _trained(run: RunDir) -> Trained:
    history, result = run.history(), run.train_result()
    if history is None:
        raise RunError(
            f"{run.path} has no training history; a finished training was expected. Delete it to train again."
        )
    correct = history.image_validation_correct[result.chosen_epoch - 1]
    return Trained(correct, result.chosen_epoch, result.epochs, result.seconds)


def _choose(run: RunDir, found: Found, seed: int) -> ChoiceRecord | None:
    """The best cell on validation images, written down before any test image is read.

    None while a training is missing that another attempt may bring: the choice is made once.
    """
    chosen, base = best(found), found.sweep.base
    if chosen is None or base.key not in found.trained or any(not crash.diverged for crash in found.crashes.values()):
        return None
    among = [cell.folder for cell in found.sweep.cells if cell.key in found.trained]
    choice = ChoiceRecord(
        chosen=chosen.folder,
        chosen_name=chosen.name,
        recipe=dataclasses.asdict(chosen.recipe),
        base=base.folder,
        seeds=tuple(range(seed, seed + found.sweep.seeds)),
        among=tuple(among),
    )
    run.write_choice(choice, toml(chosen.recipe))
    return choice


def _tested(run: RunDir, choice: ChoiceRecord, data: Dataset, device: str, progress: Progress) -> OnTest:
    """Right answers of the chosen recipe and of the base on the test images."""
    right = {}
    for folder in dict.fromkeys((choice.chosen, choice.base)):
        names = [f"{folder}-{seed}" for seed in choice.seeds]
        audits = [_audited(run, name, data, device, progress) for name in names]
        right[folder] = [audit.predictions(IDENTITY, "test").correct for audit in audits]
    return OnTest(right[choice.chosen], right[choice.base], data.groups("test"))


def _audited(run: RunDir, training: str, data: Dataset, device: str, progress: Progress) -> RunDir:
    path = run.tested(training).path
    done = finished(path)
    return done or flow.audit(run.cell(training), data, checks=["accuracy"], out=path, device=device, progress=progress)


def _jobs(plan: Sweep, seed: int) -> list[Job]:
    """All trainings; every cell once before any twice."""
    return [Job(cell, number) for number in range(seed, seed + plan.seeds) for cell in plan.cells]


def _config(plan: Sweep) -> dict[str, object]:
    return {
        "cells": {cell.folder: cell.name for cell in plan.cells},
        "seeds": plan.seeds,
        "train_images": plan.train_images,
    }


def _sweep(grid: Sweep | Path | str) -> Sweep:
    return grid if isinstance(grid, Sweep) else read_sweep(grid)


def _data(data: Dataset | Path | str) -> Dataset:
    return data if isinstance(data, Dataset) else load_data(data)


def _used(plan: Sweep, data: Dataset, seed: int) -> Dataset:
    """The data with as many training images as the sweep wants."""
    return with_fewer_training_images(data, plan.train_images, seed) if plan.train_images else data


def _cost(cell: Cell, data: Dataset, speed: float) -> float:
    """Seconds of one training at so many images a second; an image that is only looked at costs a third."""
    recipe: Recipe = cell.recipe
    looked = recipe.epochs * (len(data.validation) + min(recipe.watched, len(data.train))) + 2 * len(data.train)
    return (recipe.epochs * len(data.train) + looked / 3) / speed
