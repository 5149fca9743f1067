"""Counts of what people called the images of the test split, from a file beside the data set or a column within it."""

from __future__ import annotations

import csv
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError
from ..types import Labels, Votes
from .base import Dataset

EXPECTED = 0.98
"""Share of images whose label is what most people said, below which the order of the file deserves a look."""
LEAST_KAPPA = 0.5
"""Agreement beyond chance, of what is possible, below which the rows are refused: a permuted file has about 0."""


def add_human_labels(data: Dataset, file: Path) -> None:
    """Give the test split the counts of a file: .npy, .npz, .csv or .parquet, one row an image, one column a class.

    Rows are in test order, or named by an `id` column (a row number of the split, or `test-<row>`); images that an `id`
    column leaves out have no votes. Raises DataError if the file cannot be read, does not fit, or is in another order.
    """
    table, names = _read(file, data.classes)
    counts = _whole_numbers(table, file, len(data.classes))
    data.test.votes = _placed(counts, names, data, file)
    require_order(data.test.votes, data.test.labels, str(file))


def require_order(votes: Votes, labels: Labels, where: str) -> None:
    """Raise DataError where most people's classes have little to do with the labels; warn where they seldom differ from chance."""
    asked = votes.sum(1) > 0
    if not asked.any():
        raise DataError(f"{where} holds no votes at all; at least one a row was expected. Leave --human-labels out.")
    agreed = float(agreement(votes[asked], labels[asked]))
    shares = np.bincount(labels[asked], minlength=votes.shape[1]) / asked.sum()
    said = np.bincount(votes[asked].argmax(1), minlength=votes.shape[1]) / asked.sum()
    chance = float((shares * said).sum())
    if agreed - chance < LEAST_KAPPA * (1 - chance):
        raise DataError(
            f"{where}: what most people said is the label of only {agreed:.1%} of the images, and by chance of {chance:.1%}. "
            f"About 98 % was expected, so the rows seem to be in another order than the test images, or the columns in "
            "another order than the classes. Put them in test order, or add an `id` column and name the columns by class."
        )
    if agreed < EXPECTED:
        warnings.warn(
            f"{where}: what most people said is the label of {agreed:.1%} of the images; 98 % or more is usual. Check "
            "that rows and columns are in the order of the images and the classes.",
            stacklevel=2,
        )


def agreement(votes: Votes, labels: Labels) -> float:
    """Share of images whose label got as many votes as any class."""
    return float((votes[np.arange(len(labels)), labels] == votes.max(1)).mean())


def counted(cell: Any, classes: Sequence[str], where: str) -> tuple[int, ...]:
    """Counts a class of one cell of a `human_labels` column: one count a class, or a list of votes by name or index.

    A list of as many whole numbers as there are classes is read as counts; nothing as no votes. DataError otherwise.
    """
    k, values = len(classes), [] if cell is None else list(cell)
    if len(values) == k and all(isinstance(one, int) and one >= 0 for one in values):
        return tuple(values)
    counts = [0] * k
    for vote in values:
        index = vote if isinstance(vote, int) else _index(str(vote), classes)
        if index is None or not 0 <= index < k:
            raise DataError(
                f"{where}: the vote {vote!r} is none of the classes {', '.join(classes)}, and the list no count for each of "
                "them. Write one count a class, or the class of each vote."
            )
        counts[index] += 1
    return tuple(counts)


def _index(name: str, classes: Sequence[str]) -> int | None:
    return list(classes).index(name) if name in classes else None


def _read(file: Path, classes: Sequence[str]) -> tuple[np.ndarray, list[str] | None]:
    """Counts as they stand, and the ids if there are any."""
    readers = {".npy": _numpy, ".npz": _numpy, ".csv": _csv, ".parquet": _parquet}
    if file.suffix.lower() not in readers:
        raise DataError(
            f"{file} is no {', '.join(readers)} file; counts of human labels were expected in one of these."
        )
    try:
        return readers[file.suffix.lower()](file, classes)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise DataError(
            f"{file} cannot be read ({str(error).splitlines()[0]}); one row an image and one column a class were expected, "
            "without pickled objects. Write it again, for example as csv."
        ) from error


def _numpy(file: Path, classes: Sequence[str]) -> tuple[np.ndarray, list[str] | None]:
    found = np.load(file, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found, None
    with found:
        names = [name for name in found.files if name != "id"]
        if "counts" not in names and len(names) != 1:
            raise ValueError(f"it holds {', '.join(found.files)}; one array, or one called counts, was expected")
        ids = [str(one) for one in found["id"].tolist()] if "id" in found.files else None
        return found["counts" if "counts" in names else names[0]], ids


def _csv(file: Path, classes: Sequence[str]) -> tuple[np.ndarray, list[str] | None]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        rows = [row for row in csv.reader(opened) if row]
    if not rows:
        raise ValueError("it is empty")
    if (
        all(_number(cell) for cell in rows[0])
        and "id" not in rows[0]
        and [c.strip() for c in rows[0]] != _indices(classes)
    ):
        return np.array([[float(cell) for cell in row] for row in rows]), None
    header = [cell.strip() for cell in rows[0]]
    columns = {name: [row[place] for row in rows[1:]] for place, name in enumerate(header)}
    return _by_class(
        {name: np.array(values) for name, values in columns.items() if name != "id"}, classes
    ), columns.get("id")


def _parquet(file: Path, classes: Sequence[str]) -> tuple[np.ndarray, list[str] | None]:
    table = pq.read_table(file)
    ids = [str(one) for one in table["id"].to_pylist()] if "id" in table.column_names else None
    if "human_labels" in table.column_names:
        cells = table["human_labels"].to_pylist()
        return np.array([counted(cell, classes, f"{file}, row {row}") for row, cell in enumerate(cells)]), ids
    return _by_class({name: table[name].to_numpy() for name in table.column_names if name != "id"}, classes), ids


def _by_class(columns: Mapping[str, np.ndarray], classes: Sequence[str]) -> np.ndarray:
    """Columns in the order of the classes, by their names or numbers."""
    for names in (list(classes), _indices(classes)):
        if set(names) <= set(columns):
            return np.stack([columns[name].astype(np.float64) for name in names], axis=1)
    raise ValueError(f"it has the columns {', '.join(columns)}; one a class was expected: {', '.join(classes)}")


def _indices(classes: Sequence[str]) -> list[str]:
    return [str(index) for index in range(len(classes))]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole_numbers(table: np.ndarray, file: Path, k: int) -> Votes:
    values = np.asarray(table)
    if values.ndim != 2 or values.shape[1] != k or not np.issubdtype(values.dtype, np.number):
        raise DataError(
            f"{file} holds an array of shape {values.shape} and type {values.dtype}; counts of shape (images, {k}) were "
            "expected, one column a class. Give the counts of each class."
        )
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.rint(values)).any():
        raise DataError(
            f"{file} holds numbers that are no counts; how many people said each class was expected, not shares. "
            "Give whole numbers from 0 up."
        )
    result: Votes = values.astype(np.int64)
    return result


def _placed(counts: np.ndarray, names: list[str] | None, data: Dataset, file: Path) -> Votes:
    """One row a test image; source rows are those of the file where there are no ids."""
    n = len(data.test)
    if names is None:
        if len(counts) != n or (data.test.source >= n).any():
            raise DataError(
                f"{file} has {len(counts):,} rows and the test split {n:,} images; one row an image, in test order, was "
                "expected. Add an `id` column (test-<row>) where they are not the same."
            )
        result: Votes = counts[data.test.source]
        return result
    placed = np.zeros((n, counts.shape[1]), dtype=np.int64)
    seen: set[int] = set()
    for name, row in zip(names, counts, strict=True):
        number = name.strip().removeprefix("test-")
        if not number.isdigit() or int(number) >= n or int(number) in seen:
            what = "stands there twice" if number.isdigit() and int(number) in seen else "is no test image"
            raise DataError(
                f"{file}: the id {name!r} {what}; test-0 to test-{n - 1} were expected, each once. Mend it."
            )
        seen.add(int(number))
        placed[int(number)] = row
    return placed
