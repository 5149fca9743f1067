"""Control of what removes coarse layout or texture: a blur that changes as much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from ..tensors import Images
from ._bands import STEPS, gaussian, octaves
from ._matching import bisected, distance
from .base import View, named_after
from .high_pass import HighPass


@final
@dataclass(frozen=True)
class MatchedLowPass(View):
    """A Gaussian low-pass whose cutoff is chosen for each image so that it is as far away as `of` takes it.

    At most the whole contrast can go; `of` must not be farther than that.
    """

    of: View = field(default_factory=HighPass)
    """A view without randomness."""

    @property
    def key(self) -> str:
        """`matched_low_pass`."""
        return named_after("matched_low_pass", self.of, HighPass())

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Matched image by image, within 1 %."""
        spectrum, width = torch.fft.rfft2(images), images.shape[3]
        lowest, highest = octaves(width)
        target = distance(self.of(images, seeds), images)

        def change(level: Tensor) -> Images:
            return torch.fft.irfft2(gaussian(spectrum, 2**-level, width), s=images.shape[2:]).clamp(0, 1)

        return bisected(change, images, target, (-highest, -lowest), STEPS)
