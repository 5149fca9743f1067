"""Control of what removes colour: a smooth change of luma."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from ..tensors import Images
from ._matching import distance, moved
from ._random import generators
from .base import View, named_after
from .grayscale import Grayscale

WAYS = ((0, 1), (1, 0), (1, 1), (1, -1))


@final
@dataclass(frozen=True)
class LumaShift(View):
    """One wave of light and shade across the image, as far from it as `of` takes it: chroma stays.

    Clipping moves chroma a little where colours are strong.
    """

    of: View = field(default_factory=Grayscale)
    """A view without randomness."""

    @property
    def key(self) -> str:
        """`luma_shift`."""
        return named_after("luma_shift", self.of, Grayscale())

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Matched image by image, within 1 %."""
        direction = _waves(images, seeds).expand_as(images)
        return moved(images, direction, distance(self.of(images, seeds), images))


def _waves(images: Images, seeds: tuple[int, ...]) -> Tensor:
    """A cosine of one cycle, random in direction (four) and phase, n 1 h w."""
    height, width = images.shape[2:]
    drawn = [(*WAYS[int(random.integers(len(WAYS)))], random.uniform(0, 2 * math.pi)) for random in generators(seeds)]
    down, across, phase = torch.tensor(drawn, dtype=torch.float32, device=images.device).T[..., None, None, None]
    y = torch.arange(height, device=images.device).view(1, 1, -1, 1) / height
    x = torch.arange(width, device=images.device).view(1, 1, 1, -1) / width
    return torch.cos(2 * math.pi * (down * y + across * x) + phase)
