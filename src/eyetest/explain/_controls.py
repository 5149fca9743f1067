"""Maps that know nothing of the model: what a map has to beat before it may be believed."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ..tensors import Images, MapTensor, luma_of


def centre_prior(images: Images) -> MapTensor:
    """A blurred dot in the middle, σ a quarter of each side: photographers put objects there."""
    rows, columns = (_bell(size) for size in images.shape[2:])
    return (rows[:, None] * columns).to(images).expand(len(images), -1, -1).contiguous()


def edges(images: Images) -> MapTensor:
    """Sobel magnitude of the luma: what a map shows that only traces outlines."""
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).to(images)
    kernels = torch.stack([across, across.T])[:, None]
    return conv2d(pad(luma_of(images), (1, 1, 1, 1), mode="replicate"), kernels).square().sum(1).sqrt()


def scrambled(maps: MapTensor, random: torch.Generator) -> MapTensor:
    """Random maps with each map's own spectrum (phases of one noise field) and then its own values, by rank."""
    noise = torch.fft.rfft2(torch.randn(maps.shape, generator=random))
    phases = noise / noise.abs().clamp_min(1e-12)
    mixed = torch.fft.irfft2(torch.fft.rfft2(maps.cpu()).abs() * phases, s=maps.shape[1:]).flatten(1)
    values = maps.cpu().flatten(1).sort(1).values
    return values.gather(1, mixed.argsort(1).argsort(1)).reshape(maps.shape).to(maps.device)


def _bell(size: int) -> Tensor:
    place = torch.arange(size) - (size - 1) / 2
    return torch.exp(-(place**2) / (2 * (size / 4) ** 2)) / math.sqrt(2 * math.pi)
