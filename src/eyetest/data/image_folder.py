"""A folder of class folders, or train/, val/ and test/ with class folders."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DataError
from .base import Dataset
from .encoded import Picture, encoded_dataset

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def image_folder(path: Path, *, seed: int, image_size: int | None) -> Dataset:
    """The data set of a folder; the class is the name of the folder that an image lies in.

    Raises DataError if there is no image, only one class, or a class missing in a split.
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
    found = {
        part: [
            Picture(file, classes.index(one.name), file.relative_to(path).as_posix())
            for one in _folders(folder)
            for file in _images(one)
        ]
        for part, folder in folders.items()
    }
    return encoded_dataset(str(path), classes, found, seed=seed, image_size=image_size)


def _folders(path: Path) -> list[Path]:
    return sorted(
        (one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")), key=lambda p: p.name
    )


def _images(path: Path) -> list[Path]:
    files = [Path(root) / name for root, _, names in os.walk(path) for name in names if name.lower().endswith(SUFFIXES)]
    return sorted(files, key=lambda file: file.relative_to(path).as_posix())
