"""The images with their border hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..tensors import Images, scaled
from .base import View, named


@final
@dataclass(frozen=True)
class HideBorder(View):
    """A grey frame along the edges. It is a position, not a background.

    On images that are not square it has the same share of each side.
    """

    thickness: int = 5
    """Pixels at width 32; 540 of 1,024 pixels."""
    fill: float = 0.5
    """Mid grey; the view does not know the data set's mean. The control is filled alike."""

    @property
    def key(self) -> str:
        """`hide_border`."""
        return named("hide_border", (self.thickness, self.fill), (HideBorder.thickness, HideBorder.fill))

    def hidden(self, height: int, width: int) -> Tensor:
        """True where pixels are hidden, h w."""
        rows, columns = scaled(self.thickness, height), scaled(self.thickness, width)
        mask = torch.ones(height, width, dtype=torch.bool)
        mask[rows : height - rows, columns : width - columns] = False
        return mask

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """The centre stays."""
        height, width = images.shape[2:]
        return images.masked_fill(self.hidden(height, width).to(images.device), self.fill)
