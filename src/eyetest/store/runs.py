"""Where runs lie: finding, listing, naming, deleting and timing them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..records import RunKind, RunRecord
from .run_dir import RunDir

RUNS = Path("runs")


def finished(path: Path) -> RunDir | None:
    """The complete run in a directory; None if there is none, or one that is not complete."""
    run = RunDir.open(path) if (path / "run.json").is_file() else None
    return run if run is not None and run.record.status == "complete" else None


def delete_run(path: Path) -> None:
    """Delete a run's directory, also that of a damaged run; RunError if it holds none."""
    if not (path / "run.json").is_file():
        RunDir.open(path)
    shutil.rmtree(path)


def list_runs(folder: Path) -> list[RunDir]:
    """All runs directly under a folder, newest last."""
    return sorted((RunDir(file.parent) for file in folder.glob("*/run.json")), key=lambda run: run.record.created)


def new_run_path(folder: Path, created: str, data: str, model: str, kind: RunKind) -> Path:
    """`<utc>-<data>-<model>` under a folder; numbered if it is taken."""
    stamp = created.replace(":", "").replace("-", "")[:15]
    name = "-".join(
        "".join(c if c.isalnum() else "_" for c in part)[:40] for part in (stamp, data, model or kind) if part
    )
    path, number = folder / name, 2
    while path.exists():
        path, number = folder / f"{name}-{number}", number + 1
    return path


def run_path(out: Path | str | None, record: RunRecord, model: str) -> Path:
    """`out`, or a new path under runs/."""
    return Path(out) if out else new_run_path(RUNS, record.created, record.data.name, model, record.kind)


@contextmanager
def recorded(run: RunDir, salvage: Callable[[], None] = lambda: None, *, status: str = "complete") -> Iterator[None]:
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
