"""The colours: the donor's chroma statistics over the image's own luma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from ..tensors import Images
from .base import LUMA, Batch, Transplant

SMALLEST = 0.01
"""Standard deviation of chroma below which an image counts as grey and is not stretched further."""


@final
@dataclass(frozen=True)
class Colour(Transplant):
    """The image's luma with its chroma moved and scaled to the donor's mean and standard deviation."""

    @property
    def key(self) -> str:
        """`colour`."""
        return "colour"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the colours"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Red − luma and blue − luma are restandardised; green follows, so that the luma stays."""
        (mean, spread), (new_mean, new_spread) = (
            (x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True)) for x in (base.chroma, donor.chroma)
        )
        red, blue = ((base.chroma - mean) * (new_spread / spread.clamp_min(SMALLEST)) + new_mean).unbind(1)
        green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
        return (base.luma + torch.stack([red, green, blue], 1)).clamp(0, 1)
