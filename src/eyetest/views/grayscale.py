"""The images without colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images
from .base import View

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, on gamma values."""


@final
@dataclass(frozen=True)
class Grayscale(View):
    """Luma in all three channels; what is removed is the chroma.

    Edges between colours of equal luma go too.

    Source: ITU-R BT.601.
    """

    @property
    def key(self) -> str:
        """`grayscale`."""
        return "grayscale"

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Luma, three times."""
        luma = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return luma.clamp(0, 1).expand_as(images).contiguous()
