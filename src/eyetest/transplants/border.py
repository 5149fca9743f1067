"""The border: a ring of pixels from the donor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..tensors import Images, scaled
from .base import Batch, Transplant

RING = 5
"""Pixels at width 32; the ring has 540 of 1,024 pixels, the centre 484."""


@final
@dataclass(frozen=True)
class Border(Transplant):
    """The ring of 5 pixels (at width 32) along the edges, from the donor. It is a position, not a background."""

    @property
    def key(self) -> str:
        """`border`."""
        return "border"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the border"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """The centre stays."""
        return torch.where(in_centre(base.images), base.images, donor.images)


def in_centre(images: Images) -> Tensor:
    """True inside the ring, h w."""
    height, width = images.shape[2:]
    ring = scaled(RING, width)
    inside = torch.zeros(height, width, dtype=torch.bool, device=images.device)
    inside[ring : height - ring, ring : width - ring] = True
    return inside
