"""The images without colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images, luma_of
from .base import View


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
        return luma_of(images).clamp(0, 1).expand_as(images).contiguous()
