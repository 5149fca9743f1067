"""From a name or a path to a data set."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DataError
from .base import Dataset
from .cifar10 import cifar10_parquet, is_cifar10_parquet
from .human_labels import add_human_labels
from .image_folder import image_folder
from .parquet import is_parquet, parquet
from .planted import named_spec, planted
from .python_batches import python_batches, python_batches_folder


def load_data(
    name_or_path: str | Path,
    *,
    seed: int = 0,
    image_size: int | None = None,
    group: str | None = None,
    human_labels: Path | str | None = None,
) -> Dataset:
    """The data set of a name (`cifar10`, `planted`, `planted:<cue>-<strength>`) or of a path.

    `seed` decides which training images become validation; `image_size` in pixels is for folders of pictures, and
    so is `group`: the column (patient, scene) whose equal values stay in one split and are resampled together.
    `human_labels` is a file that says how many people gave each test image each class (npy, npz, csv, parquet).
    Raises DataError if there is none, or it cannot be used.
    """
    if group is not None and (str(name_or_path) == "cifar10" or str(name_or_path).partition(":")[0] == "planted"):
        raise DataError(f"{name_or_path} has no column {group!r} to group images by. Leave the group out.")
    data = _named(name_or_path, seed, image_size, group)
    if human_labels is not None:
        add_human_labels(data, Path(human_labels))
    return data


def _named(name_or_path: str | Path, seed: int, image_size: int | None, group: str | None) -> Dataset:
    if str(name_or_path) == "cifar10":
        return _cifar10(seed)
    if str(name_or_path).partition(":")[0] == "planted":
        return planted(named_spec(str(name_or_path), seed))
    path = Path(name_or_path)
    if not path.is_dir():
        raise DataError(
            f"There is no data called or at {name_or_path}. Expected cifar10, planted, or a folder: class folders, "
            "CIFAR-10's python batches, or parquet files with an image and a label column."
        )
    found = None if group is not None else _at(path, seed)
    read = parquet if is_parquet(path) else image_folder
    return found or read(path, seed=seed, image_size=image_size, group=group)


def cache_folder() -> Path:
    """$EYETEST_CACHE, or eyetest's folder in the user's cache."""
    if "EYETEST_CACHE" in os.environ:
        return Path(os.environ["EYETEST_CACHE"])
    local = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME")
    return (Path(local) if local else Path.home() / ".cache") / "eyetest"


def _cifar10(seed: int) -> Dataset:
    own = [Path(os.environ["EYETEST_DATA"])] if "EYETEST_DATA" in os.environ else []
    places = [*own, Path("data/cifar10"), Path("../shared/cifar10"), cache_folder() / "cifar10"]
    for place in places:
        found = _at(place, seed)
        if found is not None:
            return found
    raise DataError(
        f"CIFAR-10 is in none of {', '.join(place.as_posix() for place in places)}.\n"
        "Get it with `eyetest fetch cifar10` (163 MB), or name its folder with --data or $EYETEST_DATA."
    )


def _at(path: Path, seed: int) -> Dataset | None:
    """CIFAR-10 in one of its two layouts, if it lies there."""
    if is_cifar10_parquet(path):
        return cifar10_parquet(path, seed=seed)
    folder = python_batches_folder(path)
    return python_batches(folder, seed=seed) if folder else None
