"""The images without coarse layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images
from ._bands import low_passed
from .base import View, named


@final
@dataclass(frozen=True)
class HighPass(View):
    """The image minus its low-pass plus the mean of each channel, then clipped.

    Source: Yin et al. 2019.
    """

    cutoff: float = 4.0
    """Cycles per image width; the same as the low-pass's, so that the two divide the image."""

    @property
    def key(self) -> str:
        """`high_pass`."""
        return named("high_pass", (self.cutoff,), (HighPass.cutoff,))

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """What lies above the cutoff."""
        mean = images.mean((2, 3), keepdim=True)
        return (images - low_passed(images, self.cutoff) + mean).clamp(0, 1)
