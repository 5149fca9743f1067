"""The images with texture smoothed and edges kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch

from ..tensors import NATIVE, Images
from .base import View, named


@final
@dataclass(frozen=True)
class SmoothTexture(View):
    """A bilateral filter, several times: each pixel becomes the mean of near pixels of similar colour.

    Colours differ by their Euclidean distance in RGB; pixels beyond the edge have no weight. On larger images each pass
    is repeated with holes of 1, 2, 4, … pixels, which reaches as far in proportion at the same cost a pixel.

    Source: Tomasi & Manduchi 1998; holes as in Dammertz et al. 2010.
    """

    sigma_colour: float = 0.1
    """In [0, 1] units."""
    sigma_space: float = 3.0
    """Pixels at width 32."""
    radius: int = 2
    """Pixels at width 32; 2 is a disc 5 pixels across."""
    passes: int = 3

    @property
    def key(self) -> str:
        """`smooth_texture`."""
        defaults = SmoothTexture.sigma_colour, SmoothTexture.sigma_space, SmoothTexture.radius, SmoothTexture.passes
        return named("smooth_texture", (self.sigma_colour, self.sigma_space, self.radius, self.passes), defaults)

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Smoothed `passes` times."""
        levels = max(round(math.log2(images.shape[3] / NATIVE + 1)), 1)
        for _ in range(self.passes):
            for level in range(levels):
                images = self._pass(images, 2**level)
        return images.clamp(0, 1)

    def _pass(self, images: Images, hole: int) -> Images:
        total, weight = images.clone(), torch.ones_like(images[:, :1])
        height, width = images.shape[2:]
        for down, across in half_disc(self.radius):
            space = (down**2 + across**2) / (2 * self.sigma_space**2)
            y, x = down * hole, abs(across) * hole
            if y >= height or x >= width:
                continue
            left, right = slice(width - x), slice(x, width)
            columns = (left, right) if across >= 0 else (right, left)
            here = (..., slice(height - y), columns[0])
            there = (..., slice(y, height), columns[1])
            squared = (images[here] - images[there]).square().sum(1, keepdim=True)
            alike = torch.exp(squared * (-1 / (2 * self.sigma_colour**2)) - space)
            total[here] += alike * images[there]
            total[there] += alike * images[here]
            weight[here] += alike
            weight[there] += alike
        return total / weight


def half_disc(radius: int) -> list[tuple[int, int]]:
    """Steps down and across to half of the neighbours in a disc; each pair of pixels is met once."""
    reach = range(-radius, radius + 1)
    return [(y, x) for y in reach for x in reach if 0 < y * y + x * x <= radius * radius and (y, x) > (0, 0)]
