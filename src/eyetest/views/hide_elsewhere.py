"""Control of hiding a place: the same shape hidden somewhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import torch

from ..tensors import Images
from ._random import generators
from .base import View, named_after
from .hide_border import HideBorder
from .hide_centre import HideCentre


@final
@dataclass(frozen=True)
class HideElsewhere(View):
    """What `of` hides, moved by a random step that wraps around the edges: as many pixels, any place equally likely.

    Matched in the number of hidden pixels and their fill, not in distance. The two places overlap.
    """

    of: HideCentre | HideBorder = field(default_factory=HideCentre)

    @property
    def key(self) -> str:
        """`hide_elsewhere`."""
        return named_after("hide_elsewhere", self.of, HideCentre())

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Each image with its own place hidden."""
        height, width = images.shape[2:]
        # Never 0, which would be the intervention itself.
        steps = torch.tensor([int(random.integers(1, height * width)) for random in generators(seeds)])
        rows = (torch.arange(height) - steps[:, None] // width) % height
        columns = (torch.arange(width) - steps[:, None] % width) % width
        hidden = self.of.hidden(height, width)[rows[:, :, None], columns[:, None, :]]
        return images.masked_fill(hidden[:, None].to(images.device), self.of.fill)
