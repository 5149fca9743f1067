"""Occlusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor, scaled
from ..transplants.base import blur
from .base import Explainer


@final
@dataclass(frozen=True)
class Occlusion(Explainer):
    """How far the target falls when a square is covered, spread over the pixels that were covered.

    Source: Zeiler & Fergus 2014.
    """

    cost: ClassVar[float] = 50.0
    patch: int = 8
    """Side of the square in pixels at width 32, scaled to the width."""
    stride: int = 4
    """Step of the square, likewise."""
    fill: Literal["mean", "blurred", "black"] = "mean"
    """What covers it: the image's own mean colour, its blur (σ 4), or black. A conclusion should hold for two of them."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Signed maps in logits a square: above 0 the place speaks for the target."""
        pixels = images.to(classifier.device)
        cover = self._cover(pixels)
        plain = classifier.predict(pixels)
        fixed = target.fixed(plain)
        drops, counts = torch.zeros_like(pixels[:, 0]), torch.zeros_like(pixels[0, 0])
        for rows, columns in self.squares(*images.shape[2:]):
            covered = pixels.clone()
            covered[:, :, rows, columns] = cover[:, :, rows, columns]
            drop = fixed.of(plain) - fixed.of(classifier.predict(covered))
            drops[:, rows, columns] += drop[:, None, None]
            counts[rows, columns] += 1
        return drops / counts

    def squares(self, height: int, width: int) -> list[tuple[slice, slice]]:
        """Rows and columns of each square; the last of a side ends at the edge."""
        rows, columns = (self._starts(size) for size in (height, width))
        return [
            (slice(top, top + scaled(self.patch, height)), slice(left, left + scaled(self.patch, width)))
            for top in rows
            for left in columns
        ]

    def _starts(self, size: int) -> list[int]:
        last = max(size - scaled(self.patch, size), 0)
        return sorted({*range(0, last + 1, scaled(self.stride, size)), last})

    def _cover(self, images: Images) -> Images:
        if self.fill == "blurred":
            return blur(images, 4.0)
        mean = images.mean((2, 3), keepdim=True) if self.fill == "mean" else torch.zeros_like(images[:, :, :1, :1])
        return mean.expand_as(images)
