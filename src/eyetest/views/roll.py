"""Control of the patch shuffle: all tiles moved by one, together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from ..tensors import Images
from ._random import generators
from .base import View, named

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


@final
@dataclass(frozen=True)
class Roll(View):
    """The whole image moved by one tile in one of eight directions, wrapping around: pixels move, the layout stays.

    It has one seam a direction where the shuffle has one around every tile.
    """

    tiles: int = 4
    """A side, as in the shuffle."""

    @property
    def key(self) -> str:
        """`roll`."""
        return named("roll", (self.tiles,), (Roll.tiles,))

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Each image moved its own way."""
        height, width = images.shape[2:]
        ways = torch.tensor([DIRECTIONS[int(random.integers(len(DIRECTIONS)))] for random in generators(seeds)])
        rows = (torch.arange(height) - ways[:, :1] * (height // self.tiles)) % height
        columns = (torch.arange(width) - ways[:, 1:] * (width // self.tiles)) % width
        each, channel = torch.arange(len(images)).view(-1, 1, 1, 1), torch.arange(3).view(1, 3, 1, 1)
        return images[each, channel, rows[:, None, :, None], columns[:, None, None, :]]
