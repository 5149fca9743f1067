"""What a transplant is: an image with one cue taken from a donor, and what is read of a batch to make it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from ..tensors import NATIVE, Images, luma_of, scaled
from ._infill import infill

SMALLEST = 0.01
"""Standard deviation below which pixels count as flat and are not stretched further."""


@final
class Batch:
    """Images with what the operators read of them, each part computed once however many operators ask."""

    def __init__(self, images: Images, masks: Tensor | None = None) -> None:
        self.images = images
        self._masks = masks
        """n h w, true on the object."""

    @property
    def masks(self) -> Tensor:
        """Object masks, n 1 h w, bool; ValueError where the data set has none."""
        if self._masks is None:
            raise ValueError("This transplant needs object masks, and the data set has none.")
        return self._masks[:, None]

    @cached_property
    def luma(self) -> Tensor:
        """BT.601 luma, n 1 h w."""
        return luma_of(self.images)

    @cached_property
    def chroma(self) -> Tensor:
        """Red and blue minus luma, n 2 h w."""
        return self.images[:, [0, 2]] - self.luma

    @cached_property
    def blurred_little(self) -> Images:
        """Gaussian blur, σ 1 pixel at width 32."""
        return blur(self.images, 1.0)

    @cached_property
    def blurred_much(self) -> Images:
        """Gaussian blur, σ 3 pixels at width 32."""
        return blur(self.images, 3.0)

    @cached_property
    def spectrum(self) -> Tensor:
        """Two-dimensional Fourier transform of each channel, half plane."""
        return torch.fft.rfft2(self.images)

    @cached_property
    def amplitude(self) -> Tensor:
        """Absolute value of the spectrum."""
        return self.spectrum.abs()

    @cached_property
    def phase(self) -> Tensor:
        """The spectrum divided by its amplitude."""
        return self.spectrum / self.amplitude.clamp_min(1e-8)

    @cached_property
    def background(self) -> Images:
        """The images without their objects, the hole filled from their own background."""
        return infill(self.images, self.masks, scaled(1, self.images.shape[3]))


@dataclass(frozen=True)
class Transplant(ABC):
    """One cue from a donor. Pixels depend on the image and its donor alone, not on the rest of the batch."""

    needs_masks: ClassVar[bool] = False
    legitimate: ClassVar[bool] = False
    """Whether the cue may well be the object itself, so that using it is no concern."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Its name in files and figures, parameters included, such as `cell_0_3`."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The cue in a sentence, such as `the colours`."""

    @abstractmethod
    def __call__(self, base: Batch, donor: Batch) -> Images:
        """`base` with the cue of `donor`, image by image; in [0, 1]."""


def blur(images: Images, sigma: float) -> Images:
    """Gaussian blur with reflected edges; `sigma` in pixels at width 32, scaled to the width."""
    height, width = images.shape[2:]
    pixels = sigma * width / NATIVE
    rows, columns = _blur_matrix(height, pixels).to(images), _blur_matrix(width, pixels).to(images)
    return rows @ images @ columns.T


def _blur_matrix(size: int, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect").astype(np.float32))
