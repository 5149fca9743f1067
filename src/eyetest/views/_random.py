"""Random numbers of each image, from its own seed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..tensors import Images


def generators(seeds: tuple[int, ...]) -> list[np.random.Generator]:
    """One generator an image."""
    return [np.random.default_rng(seed) for seed in seeds]


def white_noise(images: Images, seeds: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, n 1 h w."""
    height, width = images.shape[2:]
    drawn = [random.standard_normal((1, height, width), dtype=np.float32) for random in generators(seeds)]
    return torch.from_numpy(np.stack(drawn)).to(images.device)
