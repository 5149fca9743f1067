"""CIFAR-10 as its authors publish it: pickled batches, read by an unpickler that admits only what those files hold."""

from __future__ import annotations

import codecs
import importlib
import io
import pickle
from pathlib import Path
from typing import Any, final

import numpy as np

from ..errors import DataError
from .base import Dataset
from .cifar10 import CLASSES, SIDE, Whole, assembled

TRAIN = tuple(f"data_batch_{k}" for k in range(1, 6))
TEST = ("test_batch",)
FOLDER = "cifar-10-batches-py"


def python_batches_folder(path: Path) -> Path | None:
    """The folder of batches: `path` itself or the one inside it; None if there is none."""
    return next((folder for folder in (path, path / FOLDER) if (folder / TEST[0]).is_file()), None)


def python_batches(folder: Path, *, seed: int) -> Dataset:
    """All images in their original order; validation is a stratified tenth of the training images.

    Raises DataError at a file that is missing, damaged, or holds anything but arrays, numbers and text.
    """
    return assembled("cifar10", "CIFAR-10", _read(folder, TRAIN), _read(folder, TEST), seed=seed)


@final
class _Admitting(pickle.Unpickler):
    """Builds arrays, lists and text, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The few names that the published files use."""
        core = importlib.import_module("numpy._core.multiarray")
        admitted: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): core._reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): core._reconstruct,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): codecs.encode,
        }
        if (module, name) not in admitted:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR-10 file does")
        return admitted[module, name]


def _read(folder: Path, names: tuple[str, ...]) -> Whole:
    batches = [_batch(folder / name) for name in names]
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])


def _batch(file: Path) -> Whole:
    try:
        content = _Admitting(io.BytesIO(file.read_bytes()), encoding="bytes").load()
        images = np.asarray(content[b"data"])
        labels = np.asarray(content[b"labels"], dtype=np.int64)
        pixels = images.reshape(len(labels), 3, SIDE, SIDE)
        ok = images.dtype == np.uint8 and labels.min() >= 0 and labels.max() < len(CLASSES)
    except (
        OSError,
        pickle.UnpicklingError,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
    ) as error:
        raise _bad(file, str(error)) from error
    if not ok:
        raise _bad(file, f"its images are {images.dtype} and its labels go from {labels.min()} to {labels.max()}")
    return pixels, labels


def _bad(file: Path, why: str) -> DataError:
    return DataError(
        f"{file} is no batch of CIFAR-10: {why}. Expected uint8 images of {3 * SIDE * SIDE} values and labels from 0 to "
        f"{len(CLASSES) - 1}. Get the published files with `eyetest fetch cifar10`."
    )
