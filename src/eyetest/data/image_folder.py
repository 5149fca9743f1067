"""A folder of class folders, or train/, val/ and test/ with class folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from ..errors import DataError
from .base import Dataset
from .encoded import encoded_dataset
from .picture import Picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
METADATA = "metadata.csv"
FILES = ("file", "file_name")
NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def image_folder(path: Path, *, seed: int, image_size: int | None, group: str | None = None) -> Dataset:
    """The data set of a folder; the class is the name of the folder that an image lies in.

    A metadata.csv at its root with a column `file` (or `file_name`: the path below the root) gives further columns; images
    that are equal in `group` stay in one split.
    Raises DataError if there is no image, only one class, a class missing in a split, or an image missing in that file.
    """
    parts = {NAMES[folder.name.lower()]: folder for folder in _folders(path) if folder.name.lower() in NAMES}
    if parts and not {"train", "test"} <= set(parts):
        raise DataError(
            f"{path} holds {', '.join(sorted(parts))} but not both train and test. Add the other, or give a folder of "
            "class folders, and eyetest splits it 80/10/10."
        )
    folders = parts or {"all": path}
    classes = tuple(sorted({one.name for folder in folders.values() for one in _folders(folder) if _images(one)}))
    if not classes:
        raise DataError(
            f"{path} holds no images in class folders ({', '.join(SUFFIXES)}). Expected {path.name}/<class>/<image>, or "
            "train/ and test/ with class folders inside."
        )
    known = _metadata(path / METADATA)
    found = {
        part: [
            _picture(path, file, classes.index(one.name), known) for one in _folders(folder) for file in _images(one)
        ]
        for part, folder in folders.items()
    }
    return encoded_dataset(str(path), classes, found, seed=seed, image_size=image_size, group=group)


def _picture(root: Path, file: Path, label: int, known: Mapping[str, Mapping[str, object]] | None) -> Picture:
    name = file.relative_to(root).as_posix()
    if known is None:
        return Picture(file, label, name)
    if name not in known:
        raise DataError(
            f"{root / METADATA} has no row for {name}. Expected one row an image, with its path below {root} in the column "
            "`file`. Add it, or remove the image."
        )
    return Picture(file, label, name, known[name])


def _metadata(file: Path) -> Mapping[str, Mapping[str, object]] | None:
    """The further columns of each image by its path; None without such a file, or where it names no files."""
    if not file.is_file():
        return None
    try:
        table = pyarrow.csv.read_csv(file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} cannot be read ({error}). Expected a CSV file with a column `file`.") from error
    column = next((name for name in FILES if name in table.column_names), None)
    if column is None:
        return None
    rows = table.to_pylist()
    names = [str(row.pop(column)) for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{file} names {twice} twice. Expected one row an image; leave one of them out.")
    return dict(zip(names, rows, strict=True))


def _folders(path: Path) -> list[Path]:
    return sorted(
        (one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")), key=lambda p: p.name
    )


def _images(path: Path) -> list[Path]:
    files = [Path(root) / name for root, _, names in os.walk(path) for name in names if name.lower().endswith(SUFFIXES)]
    return sorted(files, key=lambda file: file.relative_to(path).as_posix())
