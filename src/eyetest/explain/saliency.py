"""Gradient saliency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer


@final
@dataclass(frozen=True)
class Saliency(Explainer):
    """Largest absolute gradient over the colour channels, in logits per unit of pixel value.

    Source: Simonyan, Vedaldi & Zisserman 2014, section 3.
    """

    cost: ClassVar[float] = 3.0
    unit: ClassVar[str] = "logits per unit of pixel value"

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Maps, at least 0."""
        return classifier.pixel_gradient(images, target).abs().amax(1)
