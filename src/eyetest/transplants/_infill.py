"""Fill the place of the object from the image's own background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..tensors import Images

STEPS = (8, 12, 16, 20, 24, 4)
"""Shifts in 32nds of the side, tried in this order, in eight directions each."""
NOTHING = 0.5
"""What an image without any background becomes."""
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


def infill(images: Images, masks: Tensor, margin: int) -> Images:
    """The images with masked pixels (n 1 h w) replaced: by shifted copies of the background, then by the nearest of it.

    `margin` pixels around the mask count as object. An image without background becomes grey: its mean colour would be
    the object's.
    """
    hole = max_pool2d(masks.float(), 2 * margin + 1, 1, margin) > 0
    height, width = images.shape[2:]
    filled, open_ = images.clone(), hole.clone()
    for step in STEPS:
        for down, right in DIRECTIONS:
            if not open_.any():
                return filled
            offset = down * step * height // 32, right * step * width // 32
            take = open_ & _shifted(~hole, offset)
            filled = torch.where(take, _shifted(images, offset), filled)
            open_ = open_ & ~take
    return _nearest(filled, open_)


def _shifted(values: Tensor, offset: tuple[int, int]) -> Tensor:
    """Moved down and right by `offset`; what comes in from outside is 0 or false."""
    height, width = values.shape[2:]
    moved = torch.zeros_like(values)
    y, x = offset
    to_rows, from_rows = slice(max(y, 0), height + min(y, 0)), slice(max(-y, 0), height + min(-y, 0))
    to_columns, from_columns = slice(max(x, 0), width + min(x, 0)), slice(max(-x, 0), width + min(-x, 0))
    moved[..., to_rows, to_columns] = values[..., from_rows, from_columns]
    return moved


def _nearest(images: Images, open_: Tensor) -> Images:
    """Grow what is known by one pixel at a time, until nothing is open; grey where nothing is known."""
    nothing = open_.flatten(1).all(1).view(-1, 1, 1, 1)
    images = images.masked_fill(nothing, NOTHING)
    open_ = open_ & ~nothing
    while open_.any():
        for offset in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            take = open_ & _shifted(~open_, offset)
            images = torch.where(take, _shifted(images, offset), images)
            open_ = open_ & ~take
    return images
