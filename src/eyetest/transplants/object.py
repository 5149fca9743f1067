"""The object: the donor's object over the image's background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Object(Transplant):
    """The donor's object over the image's own background, whose hole is filled so that no silhouette stays."""

    needs_masks: ClassVar[bool] = True
    legitimate: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """`object`."""
        return "object"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the object"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Only the donor's object pixels are taken from it."""
        return torch.where(donor.masks, donor.images, base.background)
