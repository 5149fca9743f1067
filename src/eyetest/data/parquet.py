"""Parquet files with an image column and a label column (Hugging Face layout)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError
from .base import Dataset
from .encoded import encoded_dataset
from .human_labels import counted
from .picture import Picture

IMAGES = ("image", "img")
LABELS = ("label", "labels", "fine_label")
VOTES = "human_labels"
"""Column of how many people gave each image each class, or of the class of each vote."""
NAMES = {"train": "train", "validation": "validation", "valid": "validation", "test": "test"}


def is_parquet(folder: Path) -> bool:
    """Whether the folder holds parquet files."""
    return folder.is_dir() and any(folder.glob("*.parquet"))


def parquet(folder: Path, *, seed: int, image_size: int | None, group: str | None = None) -> Dataset:
    """The data set of train-*.parquet, test-*.parquet and perhaps validation-*.parquet, or of any one set of files.

    Further columns of numbers, texts and truth values that all files have become metadata; those that are equal in `group`
    stay in one split.
    Raises DataError if the columns are not there or a label is out of range.
    """
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*.parquet")):
        files.setdefault(NAMES.get(file.name.partition("-")[0].partition(".")[0], "all"), []).append(file)
    if "all" in files or not {"train", "test"} <= set(files):
        files = {"all": sorted(folder.glob("*.parquet"))}
    tables = {part: pa.concat_tables([pq.read_table(file) for file in found]) for part, found in files.items()}
    names = _class_names(next(iter(tables.values())), tables)
    further = _further([*tables.values()])
    parts = {part: _pictures(table, names, further, f"{folder.name}, {part}") for part, table in tables.items()}
    return encoded_dataset(str(folder), tuple(names), parts, seed=seed, image_size=image_size, group=group)


def _further(tables: list[pa.Table]) -> list[str]:
    """Names of the columns of scalars beside image and label that every table has."""
    shared = [name for name in tables[0].column_names if all(name in table.column_names for table in tables)]
    return [name for name in shared if name not in (*IMAGES, *LABELS) and all(map(_scalar, (t[name] for t in tables)))]


def _scalar(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or _is_text(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _column(table: pa.Table, names: tuple[str, ...], what: str) -> Any:
    for name in names:
        if name in table.column_names:
            return table[name]
    raise DataError(
        f"The parquet files have the columns {', '.join(table.column_names)}, none of which is the {what} column. "
        f"Expected one called {' or '.join(names)}."
    )


def _class_names(first: pa.Table, tables: dict[str, pa.Table]) -> list[str]:
    """Names from the Hugging Face schema; else the labels' own text, sorted."""
    header = json.loads((first.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = header.get("info", {}).get("features", {})
    for name in LABELS:
        if "names" in features.get(name, {}):
            return [str(one) for one in features[name]["names"]]
    values = {value for table in tables.values() for value in _column(table, LABELS, "label").to_pylist()}
    if all(isinstance(value, int) for value in values):
        return [str(value) for value in range(max(values, default=0) + 1)]
    return sorted(str(value) for value in values)


def _pictures(table: pa.Table, names: list[str], further: list[str], where: str) -> list[Picture]:
    images, labels = _column(table, IMAGES, "image").to_pylist(), _column(table, LABELS, "label").to_pylist()
    facts = table.select(further).to_pylist()
    votes = table[VOTES].to_pylist() if VOTES in table.column_names else None
    found = []
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        index = label if isinstance(label, int) else names.index(str(label))
        if not 0 <= index < len(names):
            raise DataError(
                f"{where}: row {row} has label {label}; 0 to {len(names) - 1} were expected. Mend it or leave the row out."
            )
        content = image.get("bytes") if isinstance(image, dict) else image
        if not isinstance(content, bytes):
            raise DataError(
                f"{where}: row {row} holds no image bytes. Expected the picture itself, not only a path to it."
            )
        name = f"{where}, row {row}"
        said = None if votes is None else counted(votes[row], names, name)
        found.append(Picture(content, index, name, facts[row], said))
    return found
