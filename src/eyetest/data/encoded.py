"""Splits of encoded pictures, decoded when their rows are read, so that memory stays bounded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np

from ..errors import DataError
from ..types import SPLITS, Labels, Pixels, Rows, SplitName
from .base import Dataset, SplitData
from .groups import require_apart, require_groups
from .human_labels import require_order
from .picture import Picture
from .pixels import decode, fitting_size, opened
from .split import carve_groups, carve_validation


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
        """The further columns of these rows, but for those with gaps."""
        whole = {name: column for name, column in self.metadata.items() if not _gaps(column)}
        return {name: column[rows] for name, column in whole.items()}

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        found = np.empty((len(rows), 3, self.size, self.size), dtype=np.uint8)
        for place, row in zip(found, rows.tolist(), strict=True):
            picture = self.pictures[row]
            place[:] = decode(picture.source, self.size, picture.name)
        return found


def encoded_dataset(
    name: str,
    classes: tuple[str, ...],
    parts: Mapping[str, list[Picture]],
    *,
    seed: int,
    image_size: int | None,
    group: str | None = None,
) -> Dataset:
    """The data set of pictures in `train` and `test`, with or without `validation`, or in `all`.

    Without splits they are a seeded stratified 80/10/10; without validation a tenth of train is carved out. Pictures that
    are equal in the column `group` stay in one split.
    Every picture is opened once, so that nothing is begun on data that cannot be read to its end.
    Raises DataError if there are fewer than two classes, a split lacks one of them, a picture cannot be read or has no
    group, or a group lies in two splits.
    """
    _require_classes(name, classes)
    split = dict(parts)
    if group is not None:
        require_groups(name, group, [picture for part in split.values() for picture in part])
    if "all" in split:
        split["train"], split["test"] = _carved(split.pop("all"), 0.1, seed + 1, group)
    if "validation" not in split:
        split["train"], split["validation"] = _carved(split["train"], 1 / 9 if "all" in parts else 0.1, seed, group)
    for part in SPLITS:
        _require_all(name, part, classes, split[part])
    if group is not None:
        require_apart(name, group, split)
    for part in SPLITS:
        for picture in split[part]:
            opened(picture.source, picture.name)
    first = split["train"][0]
    size = image_size or fitting_size(first.source, first.name)
    splits = {part: _split(part, split[part], size) for part in SPLITS}
    return Dataset(name, name, classes, (size, size), _fingerprint(split, size), splits, group or "")


def _split(part: SplitName, pictures: list[Picture], size: int) -> EncodedSplit:
    labels = np.array([picture.label for picture in pictures], dtype=np.int64)
    metadata = {name: _column([picture.facts[name] for picture in pictures]) for name in pictures[0].facts}
    split = EncodedSplit(part, labels, np.arange(len(pictures), dtype=np.int64), pictures, size, metadata)
    votes = [picture.votes for picture in pictures]
    if part == "test" and all(one is not None for one in votes):
        split.votes = np.array(votes, dtype=np.int64)
        require_order(split.votes, labels, "The column human_labels")
    return split


def _gaps(column: np.ndarray) -> bool:
    """Whether a value is missing."""
    return bool((column == "").any() if column.dtype.kind == "U" else np.isnan(column.astype(np.float64)).any())


def _column(values: list[object]) -> np.ndarray:
    """One array; nothing is NaN among numbers and "" among texts."""
    missing = [one is None for one in values]
    if not any(missing):
        return np.array(values)
    texts = any(isinstance(one, str) for one in values)
    empty: object = "" if texts else np.nan
    return np.array([empty if one is None else one for one in values], dtype=np.str_ if texts else np.float64)


def _carved(
    pictures: list[Picture], fraction: float, seed: int, group: str | None
) -> tuple[list[Picture], list[Picture]]:
    labels = np.array([picture.label for picture in pictures], dtype=np.int64)
    if group is None:
        kept, held = carve_validation(labels, fraction, seed)
    else:
        codes = np.unique([str(picture.facts[group]) for picture in pictures], return_inverse=True)[1]
        kept, held = carve_groups(labels, codes.astype(np.int64), fraction, seed)
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
