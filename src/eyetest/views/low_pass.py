"""The images without fine detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images
from ._bands import low_passed
from .base import View, named


@final
@dataclass(frozen=True)
class LowPass(View):
    """Each channel's spectrum times exp(−r² / 2 cutoff²), then clipped.

    Source: Yin et al. 2019 (the Fourier view); Gaussian as in Gonzalez & Woods, section 4.8.
    """

    cutoff: float = 4.0
    """Cycles per image width; 4 is a Gaussian blur of σ 1.27 pixels at width 32."""

    @property
    def key(self) -> str:
        """`low_pass`."""
        return named("low_pass", (self.cutoff,), (LowPass.cutoff,))

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """What lies below the cutoff."""
        return low_passed(images, self.cutoff).clamp(0, 1)
