"""The images with their centre hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..tensors import Images, scaled
from .base import View, named


@final
@dataclass(frozen=True)
class HideCentre(View):
    """A grey square in the centre. It is a position, not an object.

    On images that are not square it has the same share of each side.
    """

    side: int = 23
    """Pixels at width 32; 529 of 1,024 pixels, as near to the border's 540 as a square can be."""
    fill: float = 0.5
    """Mid grey; the view does not know the data set's mean. The control is filled alike."""

    @property
    def key(self) -> str:
        """`hide_centre`."""
        return named("hide_centre", (self.side, self.fill), (HideCentre.side, HideCentre.fill))

    def hidden(self, height: int, width: int) -> Tensor:
        """True where pixels are hidden, h w."""
        rows, columns = scaled(self.side, height), scaled(self.side, width)
        top, left = (height - rows) // 2, (width - columns) // 2
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[top : top + rows, left : left + columns] = True
        return mask

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """The border stays."""
        height, width = images.shape[2:]
        return images.masked_fill(self.hidden(height, width).to(images.device), self.fill)
