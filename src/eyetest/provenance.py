"""What a run record says of its making: when, with what, on what. No torch here."""

from __future__ import annotations

import platform
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .records import DataRecord, ModelRecord, RunKind, RunRecord

PACKAGES = ("eyetest", "torch", "numpy", "scipy", "pyarrow", "pillow")


def new_record(
    kind: RunKind, data: DataRecord, models: tuple[ModelRecord, ...], *, seed: int, device: str, config: dict[str, Any]
) -> RunRecord:
    """The record of a run that begins now."""
    return RunRecord(
        kind=kind,
        status="running",
        id=uuid.uuid4().hex[:12],
        command=command_line(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        data=data,
        models=models,
        device=device,
        versions=versions(),
        git=git_state(),
        config=config,
    )


def command_line() -> str:
    """The command as it was typed, or `python` for a session."""
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    return " ".join(["eyetest" if name == "__main__.py" else name, *sys.argv[1:]])


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_state() -> str:
    """Commit of the eyetest checkout with `-dirty` if it was changed; empty if it is none."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
