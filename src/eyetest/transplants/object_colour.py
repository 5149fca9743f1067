"""The object's colours, inside the masks only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from ..tensors import Images
from .base import SMALLEST, Batch, Transplant


@final
@dataclass(frozen=True)
class ObjectColour(Transplant):
    """The object with all three channels moved and scaled to the mean and deviation of the donor's object."""

    needs_masks: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """`object_colour`."""
        return "object_colour"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the object's colours"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Only pixels inside the image's own mask change; a donor without an object lends nothing."""
        (mean, spread), (new_mean, new_spread) = (_statistics(x.images, x.masks) for x in (base, donor))
        moved = (base.images - mean) * (new_spread / spread.clamp_min(SMALLEST)) + new_mean
        lent = base.masks & donor.masks.any(dim=(2, 3), keepdim=True)
        return torch.where(lent, moved.clamp(0, 1), base.images)


def _statistics(images: Images, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel inside the mask, n 3 1 1."""
    weight = masks.to(images.dtype)
    count = weight.sum((2, 3), keepdim=True).clamp_min(1)
    mean = (images * weight).sum((2, 3), keepdim=True) / count
    variance = ((images - mean).square() * weight).sum((2, 3), keepdim=True) / count
    return mean, variance.sqrt()
