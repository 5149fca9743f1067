"""What every data set gives: classes, a fingerprint, and splits that are read by rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..records import DataRecord
from ..types import SPLITS, Labels, Masks, Pixels, Rows, SplitName, Votes, image_ids


class SplitData(ABC):
    """One split, read by rows so that memory stays bounded."""

    name: SplitName
    labels: Labels
    source: Rows
    """Row of each image in the file or folder order that it came from."""
    metadata: Mapping[str, np.ndarray]
    """Further columns, one value an image."""
    votes: Votes | None = None
    """How many people gave each image each class, where that is known."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def rows(self) -> Rows:
        """All row numbers."""
        return np.arange(len(self), dtype=np.int64)

    def ids(self, rows: Rows) -> tuple[str, ...]:
        """The ids `<split>-<row>` of these rows."""
        return image_ids(self.name, rows)

    @abstractmethod
    def images(self, rows: Rows) -> Pixels:
        """The images of these rows, uint8 RGB, n 3 h w."""

    def human_counts(self, rows: Rows) -> Votes | None:
        """How many people gave each of these rows each class, or None where the data set does not know."""
        return None if self.votes is None else self.votes[rows]

    def attributes(self, rows: Rows) -> Mapping[str, np.ndarray]:
        """What the data set itself says of these rows, such as the camera, by name; an audit may read it."""
        return {}

    def masks(self, rows: Rows) -> Masks | None:
        """Object masks of these rows, or None where the data set has none."""
        return None


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled set of images in three splits. It never downloads anything on its own."""

    name: str
    """As given to --data."""
    title: str
    """As printed beside every figure."""
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    """Height, width in pixels."""
    fingerprint: str
    """16 hex digits over what the images and labels are made of; equal means the same data."""
    splits: Mapping[SplitName, SplitData] = field(repr=False)
    group: str = ""
    """The metadata column whose equal values belong together (patient, scene); empty if there is none."""

    @property
    def train(self) -> SplitData:
        """The images a recipe may learn from."""
        return self.splits["train"]

    @property
    def validation(self) -> SplitData:
        """The images a choice may be made on (epoch, recipe, threshold)."""
        return self.splits["validation"]

    @property
    def test(self) -> SplitData:
        """The images that are read once, at the end, and never for a choice."""
        return self.splits["test"]

    @property
    def masked(self) -> bool:
        """Whether test and validation images have object masks."""
        none = np.empty(0, dtype=np.int64)
        return self.test.masks(none) is not None and self.validation.masks(none) is not None

    def groups(self, split: SplitName) -> Labels | None:
        """A code for the group of each image of a split, or None without groups."""
        if not self.group:
            return None
        codes: Labels = np.unique(self.splits[split].metadata[self.group], return_inverse=True)[1].astype(np.int64)
        return codes

    def sample_columns(self) -> dict[str, Any]:
        """Id, split, label, source row and, where there are groups, group of every image, as samples.parquet holds them."""
        splits = [self.splits[name] for name in SPLITS]
        columns = {
            "id": [name for split in splits for name in split.ids(split.rows)],
            "split": [split.name for split in splits for _ in range(len(split))],
            "label": np.concatenate([split.labels for split in splits]),
            "source": np.concatenate([split.source for split in splits]),
        }
        if self.group:
            columns["group"] = [str(one) for split in splits for one in split.metadata[self.group]]
        return columns

    def record(self) -> DataRecord:
        """What run.json says of this data set."""
        return DataRecord(
            name=self.name,
            title=self.title,
            fingerprint=self.fingerprint,
            classes=self.classes,
            images={name: len(self.splits[name]) for name in SPLITS},
            group=self.group,
            image_size=self.image_size,
        )
