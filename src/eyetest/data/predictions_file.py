"""Answers that a model gave elsewhere: a parquet, CSV or npz file with one row an image of the test split."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ..errors import DataError
from ..types import Given, Labels, Predictions, Rows
from .base import Dataset

SUM_TOLERANCE = 0.01
"""How far probabilities may be from summing to 1: half precision and rounding to a few digits stay below it."""
SCORES: dict[str, Given] = {"logit_": "logits", "p_": "probabilities"}
ARRAYS: dict[str, Given] = {"logits": "logits", "probabilities": "probabilities"}
Columns = Mapping[str, np.ndarray]


def read_predictions(file: Path, data: Dataset) -> Predictions:
    """The answers of a file about test images, in the order of their rows.

    Columns of a parquet or CSV file: `id` (row number, or `test-<row>`; without it all rows in order), and `logit_<class>`
    or `p_<class>` for every class, by name or by index, or only `predicted`. An npz file has the arrays `logits` or
    `probabilities` (n k, classes in the order of the data) or `predicted`, and perhaps `ids`. A `predicted` beside scores,
    and a `label`, must agree with them and with the data. A probability of 0 counts as the smallest step of its type, as
    in scikit-learn's log_loss.
    Raises DataError if the file cannot be read, or says something that cannot be so.
    """
    columns = _read(file)
    npz = file.suffix.lower() == ".npz"
    given, scores = _scores(file, columns, data.classes, npz=npz)
    length = len(scores) if scores is not None else _length(file, columns)
    rows = _rows(file, columns.get("ids" if npz else "id"), length, len(data.test))
    labels = data.test.labels[rows]
    if "label" in columns:
        _require_equal(file, _classes(file, "label", columns["label"], data.classes, npz=npz), labels)
    logits = _logits(file, given, scores, _answers(file, columns, data.classes, npz=npz), len(data.classes))
    order = np.argsort(rows, kind="stable")
    return Predictions("test", rows[order], labels[order], logits[order], given)


def _read(file: Path) -> Columns:
    readers = {".npz": _npz, ".parquet": _table, ".csv": _table}
    if file.suffix.lower() not in readers:
        raise DataError(f"{file} is no kind of file that is read here. Expected predictions as .parquet, .csv or .npz.")
    if not file.is_file():
        raise DataError(f"There is no file {file}. Expected predictions as .parquet, .csv or .npz.")
    try:
        columns = readers[file.suffix.lower()](file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{file} cannot be read ({reason}). Expected a table of plain numbers and texts as .parquet, .csv or .npz. "
            "Write it again; objects and pickles are never read."
        ) from error
    if any(values.ndim and not len(values) for values in columns.values()):
        raise DataError(f"{file} has no row. Expected one row an image of the test split.")
    return columns


def _npz(file: Path) -> Columns:
    opened = np.load(file, allow_pickle=False)
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise ValueError("it is one array and no npz archive")
    with opened as arrays:
        return {name: arrays[name] for name in arrays.files}


def _table(file: Path) -> Columns:
    table = pyarrow.csv.read_csv(file) if file.suffix.lower() == ".csv" else pq.read_table(file)
    wanted = [
        name for name in table.column_names if name in ("id", "predicted", "label") or name.startswith(tuple(SCORES))
    ]
    if len(set(wanted)) < len(wanted):
        raise ValueError("two columns have one name")
    return {name: table[name].to_numpy() for name in wanted}


def _scores(file: Path, columns: Columns, classes: tuple[str, ...], *, npz: bool) -> tuple[Given, np.ndarray | None]:
    """What is given, and the logits or probabilities (n k) in the order of the classes."""
    if npz:
        for name, given in ARRAYS.items():
            if name in columns:
                return given, _numbers(file, name, columns[name], (-1, len(classes)))
    for prefix, given in () if npz else SCORES.items():
        found = {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}
        if found:
            chosen = _in_order(file, prefix, tuple(found), classes)
            parts = [_numbers(file, prefix + name, found[name], (-1,)) for name in chosen]
            return given, np.stack(parts, axis=1)
    if "predicted" not in columns:
        wanted = (
            "the arrays logits, probabilities or predicted" if npz else "columns logit_<class>, p_<class> or predicted"
        )
        raise DataError(
            f"{file} holds {', '.join(columns) or 'none of the columns that are read'}. Expected {wanted}, for the classes "
            f"{', '.join(classes)}."
        )
    return "classes", None


def _in_order(file: Path, prefix: str, found: tuple[str, ...], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The column names in the order of the classes: their names, or else their indices."""
    indices = tuple(str(k) for k in range(len(classes)))
    named, numbered = set(classes) <= set(found), set(indices) <= set(found)
    if named and numbered and classes != indices:
        raise _ambiguous(file, f"{prefix}<class>", classes)
    if named or numbered:
        return classes if named else indices
    missing = [name for name in classes if name not in found]
    raise DataError(
        f"{file} has {prefix}{f', {prefix}'.join(found)}, but no {prefix}{f', {prefix}'.join(missing)}. Expected one such "
        f"column for every class of the data, by name ({', '.join(classes)}) or by index (0 to {len(classes) - 1})."
    )


def _ambiguous(file: Path, what: str, classes: tuple[str, ...]) -> DataError:
    return DataError(
        f"{file}: {what} could be the names of the classes or their indices, because the classes are called "
        f"{', '.join(classes)} in this order. Give an npz file, whose numbers are always indices, or rename the classes."
    )


def _numbers(file: Path, name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Finite numbers of this shape (-1: any length)."""
    expected = " × ".join("n" if size < 0 else str(size) for size in shape)
    if values.dtype.kind not in "fiu":
        raise DataError(
            f"{file}: {name} holds {values.dtype}, and numbers were expected in every row. Mend that column."
        )
    if values.ndim != len(shape) or any(
        size >= 0 and size != have for size, have in zip(shape, values.shape, strict=True)
    ):
        got = " × ".join(map(str, values.shape))
        raise DataError(f"{file}: {name} has the shape {got}, and {expected} was expected. Give one column a class.")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"{file}: {name} has no finite number in row {bad[0][0]} (and {len(bad) - 1:,} more). Leave such rows out, "
            "or find out why the model gave none."
        )
    return values


def _length(file: Path, columns: Columns) -> int:
    if columns["predicted"].ndim != 1:
        raise DataError(f"{file}: predicted has {columns['predicted'].ndim} dimensions; one answer a row was expected.")
    return len(columns["predicted"])


def _rows(file: Path, ids: np.ndarray | None, length: int, images: int) -> Rows:
    """The test row of each row of the file."""
    if ids is None:
        if length != images:
            raise DataError(
                f"{file} has {length:,} rows, the test split {images:,} images. Without an id column both must be equal and "
                "in the same order. Add `id`, the row number in the test split."
            )
        return np.arange(images, dtype=np.int64)
    if ids.ndim != 1 or len(ids) != length:
        raise DataError(f"{file} has {ids.size:,} ids for {length:,} rows. Expected one id a row.")
    rows = np.array([_row(file, one) for one in ids.tolist()], dtype=np.int64)
    unknown = np.flatnonzero((rows < 0) | (rows >= images))
    if len(unknown):
        raise DataError(
            f"{file}: id {ids[unknown[0]]} is no test image; 0 to {images - 1} (or test-0 to test-{images - 1}) were "
            "expected. Count the rows of the test split from 0."
        )
    known, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f"{file}: the id {known[counts > 1][0]} comes {counts.max()} times. Expected one row an image; leave all but "
            "one out."
        )
    return rows


def _row(file: Path, one: object) -> int:
    """`5`, `5.0`, `"5"` or `"test-5"`."""
    if isinstance(one, int) and not isinstance(one, bool):
        return min(max(one, -1), 2**62)
    if isinstance(one, float) and one.is_integer():
        return int(one) if abs(one) < 2**53 else -1
    if isinstance(one, str) and one.removeprefix("test-").isdecimal():
        return min(int(one.removeprefix("test-")[:18]), 2**62)
    raise DataError(
        f"{file}: the id {one!r} was given. Expected the row number in the test split, or test-<row>; only test images are "
        "read from a file of predictions."
    )


def _answers(file: Path, columns: Columns, classes: tuple[str, ...], *, npz: bool) -> Labels | None:
    return _classes(file, "predicted", columns["predicted"], classes, npz=npz) if "predicted" in columns else None


def _classes(file: Path, name: str, values: np.ndarray, classes: tuple[str, ...], *, npz: bool) -> Labels:
    """Class indices of names or of indices; the numbers of an npz file are always indices."""
    if values.dtype.kind in "fiu" and npz:
        found = [str(one) for one in _whole(file, name, values)]
        return _indexed(file, name, found, tuple(str(k) for k in range(len(classes))))
    given: list[object] = values.tolist() if values.dtype.kind not in "fiu" else [*_whole(file, name, values)]
    if any(one is None for one in given):
        raise DataError(f"{file}: {name} is empty in row {given.index(None)}. Expected a class in every row.")
    found = [str(one) for one in given]
    indices = tuple(str(k) for k in range(len(classes)))
    named, numbered = set(found) <= set(classes), set(found) <= set(indices)
    if named and numbered and classes != indices:
        raise _ambiguous(file, name, classes)
    return _indexed(file, name, found, indices if numbered else classes)


def _whole(file: Path, name: str, values: np.ndarray) -> list[int]:
    numbers = _numbers(file, name, values, (-1,))
    if (numbers != np.round(numbers)).any():
        raise DataError(f"{file}: {name} holds {numbers[numbers != np.round(numbers)][0]}, and classes were expected.")
    return [int(one) for one in numbers.tolist()]


def _indexed(file: Path, name: str, found: Sequence[str], known: tuple[str, ...]) -> Labels:
    index = {one: k for k, one in enumerate(known)}
    for row, one in enumerate(found):
        if one not in index:
            raise DataError(
                f"{file}: {name} is {one!r} in row {row}, which is no class of the data. Expected one of {', '.join(known)}, "
                f"or an index from 0 to {len(known) - 1}."
            )
    return np.array([index[one] for one in found], dtype=np.int64)


def _require_equal(file: Path, said: Labels, labels: Labels) -> None:
    if len(said) != len(labels) or (said != labels).any():
        row = int(np.flatnonzero(said != labels)[0]) if len(said) == len(labels) else min(len(said), len(labels))
        raise DataError(
            f"{file}: its labels are not those of the data, first in row {row}. The rows are in another order, or of other "
            "images. Add `id`, the row number in the test split, or give the right --data."
        )


def _logits(file: Path, given: Given, scores: np.ndarray | None, answers: Labels | None, classes: int) -> np.ndarray:
    """What stands in for logits, n k."""
    if scores is None:
        assert answers is not None
        return np.eye(classes, dtype=np.float32)[answers]
    if answers is not None:
        _require_best(file, scores, answers)
    if given == "probabilities":
        scores = np.log(_probabilities(file, scores))
    with np.errstate(over="ignore"):
        logits = scores.astype(np.float32)
    _numbers(file, given, logits, (-1, classes))
    return logits


def _require_best(file: Path, scores: np.ndarray, answers: Labels) -> None:
    same = len(answers) == len(scores) and scores[np.arange(len(scores)), answers] == scores.max(axis=1)
    if not np.all(same):
        row = int(np.flatnonzero(~np.atleast_1d(same))[0])
        raise DataError(
            f"{file}: predicted is not the class with the highest score, first in row {row}. The classes are in another "
            "order, or a threshold chose the answer. Give the scores in the right order, or leave one of both out."
        )


def _probabilities(file: Path, values: np.ndarray) -> np.ndarray:
    step = float(np.finfo(values.dtype).eps) if values.dtype.kind == "f" else float(np.finfo(np.float64).eps)
    wide = values.astype(np.float64)
    off = np.abs(wide.sum(axis=1) - 1) > SUM_TOLERANCE
    bad = np.flatnonzero(off | (wide < -SUM_TOLERANCE).any(axis=1))
    if len(bad):
        raise DataError(
            f"{file}: the probabilities of row {bad[0]} sum to {wide[bad[0]].sum():.4g} and go from {wide[bad[0]].min():.4g} "
            f"to {wide[bad[0]].max():.4g} ({len(bad):,} such rows). Expected 0 to 1 and a sum of 1. Scores before softmax "
            "are called logit_<class> (npz: logits)."
        )
    return np.maximum(wide, step)
