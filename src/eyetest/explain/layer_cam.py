"""LayerCAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer
from .grad_cam import tapped, upsampled


@final
@dataclass(frozen=True)
class LayerCam(Explainer):
    """Each activation weighted by its own positive gradient: usable at earlier, finer layers too.

    Source: Jiang et al. 2021.
    """

    cost: ClassVar[float] = 1.5
    layer: str | None = None
    """Name of the module; None takes Grad-CAM's."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Maps before the ReLU over channels: activation times logits per activation."""
        return upsampled(layer_cam(*tapped(classifier, images, target, self.layer)), images)


def layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    return (gradient.relu() * activation).sum(1)
