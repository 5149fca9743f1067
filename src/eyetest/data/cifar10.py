"""CIFAR-10 in the Hugging Face parquet layout: train-*.parquet and test-*.parquet with `img` and `label`."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from ..errors import DataError
from ..types import Labels, Pixels
from .base import Dataset
from .split import ArraySplit, carve_validation

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
JPEG_TITLE = "CIFAR-10 (JPEG copy)"
Whole = tuple[np.ndarray, np.ndarray]
"""All images (n 3 h w) and labels of a published split."""
VALIDATION_FRACTION = 0.1
SIDE = 32


def is_cifar10_parquet(folder: Path) -> bool:
    """Whether the folder holds both splits in this layout, with CIFAR-10's own column name."""
    first = next(iter(sorted(folder.glob("test-*.parquet"))), None)
    return (
        first is not None
        and any(folder.glob("train-*.parquet"))
        and {"img", "label"} <= set(pq.read_schema(first).names)
    )


def cifar10_parquet(folder: Path, *, seed: int) -> Dataset:
    """All images in their original order; validation is a stratified tenth of the training images."""
    train, test = _read(folder, "train"), _read(folder, "test")
    title = JPEG_TITLE if train[2] or test[2] else "CIFAR-10"
    return assembled("cifar10", title, train[:2], test[:2], seed=seed)


def assembled(name: str, title: str, train: Whole, test: Whole, *, seed: int) -> Dataset:
    """The data set of these training and test images."""
    kept, held = carve_validation(train[1], VALIDATION_FRACTION, seed)
    splits = {
        "train": ArraySplit("train", train[1][kept], kept, train[0]),
        "validation": ArraySplit("validation", train[1][held], held, train[0]),
        "test": ArraySplit("test", test[1], np.arange(len(test[1]), dtype=np.int64), test[0]),
    }
    digest = hashlib.sha256(str(seed).encode())
    for array in (*train, *test):
        digest.update(array.tobytes())
    return Dataset(name, title, CLASSES, (SIDE, SIDE), digest.hexdigest()[:16], splits)  # type: ignore[arg-type]


def _read(folder: Path, split: str) -> tuple[Pixels, Labels, bool]:
    tables = [pq.read_table(file) for file in sorted(folder.glob(f"{split}-*.parquet"))]
    encoded, labels = [], []
    for table in tables:
        if not {"img", "label"} <= set(table.column_names):
            raise DataError(
                f"{folder} has {split} columns {', '.join(table.column_names)}; `img` and `label` were expected. "
                "Give a folder in the Hugging Face layout of CIFAR-10."
            )
        encoded += [item["bytes"] for item in table["img"].to_pylist()]
        labels.append(table["label"].to_numpy())
    classes = np.concatenate(labels).astype(np.int64)
    bad = np.flatnonzero((classes < 0) | (classes >= len(CLASSES)))
    if len(bad):
        raise DataError(
            f"{folder}: row {bad[0]} of {split} has label {classes[bad[0]]}; 0 to {len(CLASSES) - 1} were expected. "
            "Mend that label or leave the row out."
        )
    return _decode(encoded, folder, split), classes, encoded[0][:2] == b"\xff\xd8"


def _decode(encoded: list[bytes], folder: Path, split: str) -> Pixels:
    pixels = np.empty((len(encoded), 3, SIDE, SIDE), dtype=np.uint8)
    for row, item in enumerate(encoded):
        try:
            pixels[row] = np.asarray(Image.open(io.BytesIO(item)).convert("RGB")).transpose(2, 0, 1)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{folder}: image {row} of {split} cannot be read ({error}); a {SIDE}×{SIDE} picture was expected. "
                "Copy the file again, or leave the row out."
            ) from error
    return pixels
