"""Input times gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer


@final
@dataclass(frozen=True)
class InputGradient(Explainer):
    """Pixel value times gradient, summed over the colour channels; below 0 speaks against the target.

    For a network of piecewise linear parts without biases a map's sum is the target. Source: Shrikumar et al. 2016.
    """

    cost: ClassVar[float] = 3.0

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Signed maps in logits."""
        return (images.to(classifier.device) * classifier.pixel_gradient(images, target)).sum(1)
