"""The images as tiles in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from ..tensors import Images
from ._random import generators
from .base import View, named


@final
@dataclass(frozen=True)
class PatchShuffle(View):
    """Square tiles in a random order, never the original one; layout goes, what is inside a tile stays.

    Rows and columns that do not fill a tile stay where they are.

    Source: Zhang & Zhu 2019 (patch shuffling).
    """

    tiles: int = 4
    """A side, at least 2."""

    @property
    def key(self) -> str:
        """`patch_shuffle`."""
        return named("patch_shuffle", (self.tiles,), (PatchShuffle.tiles,))

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """The tiles, shuffled image by image."""
        n, side = len(images), self.tiles
        height, width = (length // side for length in images.shape[2:])
        whole = (slice(None), slice(None), slice(height * side), slice(width * side))
        cut = images[whole].reshape(n, 3, side, height, side, width).permute(0, 2, 4, 1, 3, 5)
        order = np.stack([_order(random, side**2) for random in generators(seeds)])
        rows = torch.arange(n, device=images.device)[:, None]
        mixed = cut.reshape(n, side**2, 3, height, width)[rows, torch.from_numpy(order).to(images.device)]
        back = mixed.reshape(n, side, side, 3, height, width).permute(0, 3, 1, 4, 2, 5)
        shuffled = images.clone()
        shuffled[whole] = back.reshape(n, 3, height * side, width * side)
        return shuffled


def _order(random: np.random.Generator, n: int) -> np.ndarray:
    if n < 2:
        raise ValueError("patch_shuffle needs at least 2 tiles a side, got 1; there is no other order of one tile.")
    order = random.permutation(n)
    while (order == np.arange(n)).all():
        order = random.permutation(n)
    return order
