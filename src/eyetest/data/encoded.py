"""Splits of encoded pictures, decoded when their rows are read, so that memory stays bounded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np

from ..errors import DataError
from ..types import SPLITS, Labels, Pixels, Rows, SplitName
from .base import Dataset, SplitData
from .human_labels import require_order
from .pixels import decode, fitting_size, opened
from .split import carve_validation

Source = Path | bytes


@final
@dataclass(frozen=True)
class Picture:
    """One encoded image with its class."""

    source: Source = field(repr=False)
    label: int
    name: str
    """As named in errors: a path, or a row of a file."""
    attributes: Mapping[str, str | float | bool] = field(default_factory=dict)
    """What the data set says of it beside its class."""
    votes: tuple[int, ...] | None = None
    """How many people gave it each class."""


@final
@dataclass(eq=False)
class EncodedSplit(SplitData):
    """A split whose pictures are decoded by rows."""

    name: SplitName
    labels: Labels
    source: Rows
    pictures: Sequence[Picture] = field(repr=False)
    size: int
    metadata: Mapping[str, np.ndarray] = field(default_factory=dict)

    def attributes(self, rows: Rows) -> Mapping[str, np.ndarray]:
        """The further columns of these rows."""
        return {name: column[rows] for name, column in self.metadata.items()}

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        chosen = [self.pictures[row] for row in rows.tolist()]
        found = [decode(picture.source, self.size, picture.name) for picture in chosen]
        return np.stack(found) if found else np.empty((0, 3, self.size, self.size), dtype=np.uint8)


def encoded_dataset(
    name: str,
    classes: tuple[str, ...],
    parts: Mapping[str, list[Picture]],
    *,
    seed: int,
    image_size: int | None,
) -> Dataset:
    """The data set of pictures in `train` and `test`, with or without `validation`, or in `all`.

    Without splits they are a seeded stratified 80/10/10; without validation a tenth of train is carved out.
    Every picture is opened once, so that nothing is begun on data that cannot be read to its end.
    Raises DataError if there are fewer than two classes, a split lacks one of them, or a picture cannot be read.
    """
    _require_classes(name, classes)
    split = dict(parts)
    if "all" in split:
        split["train"], split["test"] = _carved(split.pop("all"), 0.1, seed + 1)
    if "validation" not in split:
        split["train"], split["validation"] = _carved(split["train"], 1 / 9 if "all" in parts else 0.1, seed)
    for part in SPLITS:
        _require_all(name, part, classes, split[part])
    for part in SPLITS:
        for picture in split[part]:
            opened(picture.source, picture.name)
    first = split["train"][0]
    size = image_size or fitting_size(first.source, first.name)
    splits = {part: _split(part, split[part], size) for part in SPLITS}
    return Dataset(name, name, classes, (size, size), _fingerprint(split, size), splits)


def _split(part: SplitName, pictures: list[Picture], size: int) -> EncodedSplit:
    labels = np.array([picture.label for picture in pictures], dtype=np.int64)
    names = sorted(set.intersection(*(set(picture.attributes) for picture in pictures)))
    columns = {name: np.array([picture.attributes[name] for picture in pictures]) for name in names}
    split = EncodedSplit(part, labels, np.arange(len(pictures), dtype=np.int64), pictures, size, columns)
    votes = [picture.votes for picture in pictures]
    if part == "test" and all(one is not None for one in votes):
        split.votes = np.array(votes, dtype=np.int64)
        require_order(split.votes, labels, "The column human_labels")
    return split


def _carved(pictures: list[Picture], fraction: float, seed: int) -> tuple[list[Picture], list[Picture]]:
    labels = np.array([picture.label for picture in pictures], dtype=np.int64)
    kept, held = carve_validation(labels, fraction, seed)
    return [pictures[row] for row in kept], [pictures[row] for row in held]


def _require_classes(name: str, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise DataError(
            f"{name} has {len(classes)} class{'' if len(classes) == 1 else 'es'} ({', '.join(classes)}); at least two were "
            "expected. Give a folder that holds one folder a class, or train/ and test/ with such folders."
        )


def _require_all(name: str, part: str, classes: tuple[str, ...], pictures: list[Picture]) -> None:
    missing = sorted(set(range(len(classes))) - {picture.label for picture in pictures})
    if missing:
        raise DataError(
            f"{name}: the {part} split has no image of {', '.join(classes[k] for k in missing)}; every split needs every "
            "class. Add images of it (three or more where eyetest makes the splits), or leave the class out."
        )


def _fingerprint(split: Mapping[str, list[Picture]], size: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    for part in SPLITS:
        for picture in split[part]:
            content = picture.source if isinstance(picture.source, bytes) else picture.source.read_bytes()
            digest.update(f"{part} {picture.label} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]
