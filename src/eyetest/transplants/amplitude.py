"""The Fourier amplitude: how much of each frequency, whatever its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Amplitude(Transplant):
    """The donor's Fourier amplitude with the image's own phase, channel by channel."""

    @property
    def key(self) -> str:
        """`amplitude`."""
        return "amplitude"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the strength of each frequency"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """Layout stays, statistics of texture and contrast change."""
        size = base.images.shape[2:]
        return torch.fft.irfft2(donor.amplitude * base.phase, s=size).clamp(0, 1)
