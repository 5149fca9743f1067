"""Light and palette of each patch: its mean and deviation from the donor's patch at the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ..tensors import Images, scaled
from .base import SMALLEST, Batch, Transplant


@final
@dataclass(frozen=True)
class PatchStatistics(Transplant):
    """Every patch of 8 pixels (at width 32) with the mean and standard deviation of the donor's, channel by channel."""

    patch: int = 8

    @property
    def key(self) -> str:
        """`patch_statistics`."""
        return "patch_statistics"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the light and palette of each patch"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Structure inside a patch stays the image's own."""
        side = scaled(self.patch, base.images.shape[3])
        (mean, spread), (new_mean, new_spread) = (_statistics(x.images, side) for x in (base, donor))
        return ((base.images - mean) * (new_spread / spread.clamp_min(SMALLEST)) + new_mean).clamp(0, 1)


def _statistics(images: Images, side: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each patch, spread over its pixels; the last patches may be smaller."""
    size = images.shape[2:]
    mean = avg_pool2d(images, side, ceil_mode=True)
    square = avg_pool2d(images.square(), side, ceil_mode=True)
    spread = (square - mean.square()).clamp_min(0).sqrt()
    whole, deviation = (
        interpolate(x, scale_factor=side, mode="nearest")[..., : size[0], : size[1]] for x in (mean, spread)
    )
    return whole, deviation
