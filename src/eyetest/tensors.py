"""Torch aliases with their shapes."""

from __future__ import annotations

from jaxtyping import Float32, Int64
from torch import Tensor

Images = Float32[Tensor, "n 3 h w"]
"""Pixels, RGB, in [0, 1]."""
LogitTensor = Float32[Tensor, "n k"]
ClassTensor = Int64[Tensor, " n"]
MapTensor = Float32[Tensor, "n h w"]
