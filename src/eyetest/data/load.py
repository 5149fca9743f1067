"""From a name or a path to a data set."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DataError
from .base import Dataset
from .cifar10 import cifar10_parquet, is_cifar10_parquet
from .planted import named_spec, planted


def load_data(name_or_path: str | Path, *, seed: int = 0, image_size: int | None = None) -> Dataset:
    """The data set of a name (`cifar10`, `planted`) or of a path."""
    if str(name_or_path) == "cifar10":
        return cifar10_parquet(find_cifar10(), seed=seed)
    if str(name_or_path).partition(":")[0] == "planted":
        return planted(named_spec(str(name_or_path), seed))
    path = Path(name_or_path)
    if is_cifar10_parquet(path):
        return cifar10_parquet(path, seed=seed)
    raise DataError(f"There is no data at {path}.")


def find_cifar10() -> Path:
    """Where CIFAR-10 lies: $EYETEST_DATA, data/cifar10, ../shared/cifar10."""
    places = [Path(os.environ["EYETEST_DATA"])] if "EYETEST_DATA" in os.environ else []
    for place in [*places, Path("data/cifar10"), Path("../shared/cifar10")]:
        if is_cifar10_parquet(place):
            return place
    raise DataError("CIFAR-10 was not found.\nGet it with `eyetest fetch cifar10`.")
