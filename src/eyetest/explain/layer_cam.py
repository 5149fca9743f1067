"""LayerCAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget
from .base import LayerExplainer
from .grad_cam import tapped


@final
@dataclass(frozen=True)
class LayerCam(LayerExplainer):
    """Each activation weighted by its own positive gradient: usable at earlier, finer layers too.

    Source: Jiang et al. 2021.
    """

    cost: ClassVar[float] = 1.5

    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """Maps before the ReLU over channels: activation times logits per activation."""
        return layer_cam(*tapped(classifier, images, target, self.layer))


def layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    return (gradient.relu() * activation).sum(1)
