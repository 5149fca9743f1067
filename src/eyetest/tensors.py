"""Torch aliases with their shapes, and the units that pixels are measured in."""

from __future__ import annotations

from jaxtyping import Float32, Int64
from torch import Tensor

Images = Float32[Tensor, "n 3 h w"]
"""Pixels, RGB, in [0, 1]."""
LogitTensor = Float32[Tensor, "n k"]
ClassTensor = Int64[Tensor, " n"]
MapTensor = Float32[Tensor, "n h w"]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma. Source: ITU-R BT.601, on gamma values."""
NATIVE = 32
"""Image side for which pixel parameters are given; they scale with the side."""


def scaled(pixels: int, side: int) -> int:
    """A length that is given for a side of 32 pixels, at this side; at least one pixel."""
    return max(round(pixels * side / NATIVE), 1)


def luma_of(images: Images) -> Tensor:
    """BT.601 luma, n 1 h w."""
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
