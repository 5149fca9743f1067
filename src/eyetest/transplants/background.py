"""The background: the object over the donor's background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Background(Transplant):
    """The object's pixels over the donor's background, whose hole is filled from that background."""

    needs_masks: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """`background`."""
        return "background"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the background"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Nothing of the donor's object is in the result."""
        return torch.where(base.masks, base.images, donor.background)
