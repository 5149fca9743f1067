"""Files that appear whole or not at all, and that say so when they are damaged."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from ..errors import RunError
from ..records import Record

R = TypeVar("R", bound=Record)
UNFINISHED = ".part"
"""How the name of a file ends that is being written."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place at the end; on any error nothing is left behind.

    A link stays, and what it points to is replaced. Raises RunError when the disk is full or the place cannot be
    written, and before anything is written when `path` is a device, a pipe or a directory.
    """
    if path.exists() and not path.is_file():
        raise RunError(
            f"{path} is no ordinary file (it is a device, a pipe or a directory), and nothing was written; the name of a "
            "new file, or of an old one to replace, was expected. Give another --out."
        )
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "os error 28" in str(error):
            raise RunError(
                f"The disk is full: {path} could not be written. What was finished before is intact. "
                "Free some space (`eyetest runs` lists sizes) and give the same command again; it resumes."
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EROFS):
            raise RunError(
                f"{path} cannot be written ({error.strerror}); a directory of yours was expected. Give another --out."
            ) from error
        raise
    finally:
        # Where it could not be made it cannot be removed either, and the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(record.model_dump_json(indent=1), encoding="utf-8")


def read_record(path: Path, kind: type[R]) -> R:
    """The record in a JSON file; RunError if the file is missing or damaged, as of all that is read here."""
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def find_record(path: Path, kind: type[R]) -> R | None:
    """The record in a JSON file, or None if there is no such file."""
    return read_record(path, kind) if path.is_file() else None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return value


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, str] | None = None) -> None:
    """Write arrays and words by name."""
    whole = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    with replacing(path) as temporary:
        save_file(whole, temporary, dict(header or {}))


def read_tensors(path: Path, only: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """All arrays of a file, or those of these names that it has."""
    try:
        if not only:
            tensors: dict[str, np.ndarray] = load_file(path)
            return tensors
        with safe_open(path, framework="np") as opened:
            tensors = {key: opened.get_tensor(key) for key in only if key in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error
    return tensors


def read_header(path: Path) -> dict[str, str]:
    """The words beside the arrays of a file."""
    try:
        with safe_open(path, framework="np") as opened:
            return dict(opened.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of one length as parquet."""
    with replacing(path) as temporary:
        pq.write_table(pa.table(dict(columns)), temporary, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The table in a parquet file, or these columns of it."""
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> RunError:
    reason = str(error).splitlines()[0]
    return RunError(
        f"{path} cannot be read ({reason}); a file written by eyetest was expected. "
        "The run is damaged: delete it and give the command again."
    )
