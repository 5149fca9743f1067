"""SmoothGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer


@final
@dataclass(frozen=True)
class SmoothGrad(Explainer):
    """Saliency of the gradient's mean over noisy copies: signed gradients are averaged, then the largest channel taken.

    Source: Smilkov et al. 2017.
    """

    cost: ClassVar[float] = 75.0
    unit: ClassVar[str] = "logits per unit of pixel value"
    copies: int = 25
    noise: float = 0.15
    """Standard deviation, as a part of each image's own range of values."""
    seed: int = 0
    """Of the noise fields, which are the same for every image, so that a map does not depend on its batch."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Maps, at least 0."""
        pixels = images.to(classifier.device)
        random = torch.Generator().manual_seed(self.seed)
        spread = self.noise * (pixels.amax((1, 2, 3)) - pixels.amin((1, 2, 3)))[:, None, None, None]
        total = torch.zeros_like(pixels)
        fixed = target.fixed(classifier.predict(pixels))
        for _ in range(self.copies):
            noise = torch.randn(images.shape[1:], generator=random).to(pixels.device)
            total += classifier.pixel_gradient(pixels + spread * noise, fixed)
        return (total / self.copies).abs().amax(1)
