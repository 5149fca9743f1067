"""Gaussian frequency bands of images, by Fourier transform; edges wrap around."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..tensors import Images

STEPS = 15
"""Halvings of the octaves between nothing and everything passed, which leave a cutoff known to 0.04 %."""


def gaussian(spectrum: Tensor, cutoff: Tensor, width: int) -> Tensor:
    """The spectrum (… h w/2+1) times exp(−r² / 2 cutoff²), r and cutoff in cycles per image width."""
    height = spectrum.shape[-2]
    down = torch.fft.fftfreq(height, device=spectrum.device)[:, None]
    across = torch.fft.rfftfreq(width, device=spectrum.device)
    squared = width**2 * (down**2 + across**2)
    return spectrum * torch.exp(-squared / (2 * cutoff**2))


def low_passed(images: Images, cutoff: float) -> Images:
    """The images below the cutoff; not clipped, so slightly outside [0, 1] where there are sharp edges."""
    passed = gaussian(torch.fft.rfft2(images), images.new_tensor(cutoff), images.shape[3])
    return torch.fft.irfft2(passed, s=images.shape[2:])


def octaves(width: int) -> tuple[float, float]:
    """Base-2 logarithms of a cutoff that passes the mean only, and of one that passes everything."""
    return -3.0, math.log2(width) + 8
