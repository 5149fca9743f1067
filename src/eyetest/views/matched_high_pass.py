"""Control of what removes fine detail: coarse layout removed, as much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from ..tensors import Images
from ._bands import STEPS, gaussian, octaves
from ._matching import bisected, distance
from .base import View, named_after
from .low_pass import LowPass


@final
@dataclass(frozen=True)
class MatchedHighPass(View):
    """A Gaussian high-pass whose cutoff is chosen for each image so that it is as far away as `of` takes it.

    At most the whole contrast can go; `of` must not be farther than that.
    """

    of: View = field(default_factory=LowPass)
    """A view without randomness."""

    @property
    def key(self) -> str:
        """`matched_high_pass`."""
        return named_after("matched_high_pass", self.of, LowPass())

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Matched image by image, within 1 %."""
        spectrum, width = torch.fft.rfft2(images), images.shape[3]
        spectrum[..., 0, 0] = 0
        target = distance(self.of(images, seeds), images)

        def change(level: Tensor) -> Images:
            coarse = torch.fft.irfft2(gaussian(spectrum, 2**level, width), s=images.shape[2:])
            return (images - coarse).clamp(0, 1)

        return bisected(change, images, target, octaves(width), STEPS)
