"""Grad-CAM++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget
from .base import LayerExplainer
from .grad_cam import tapped


@final
@dataclass(frozen=True)
class GradCamPlusPlus(LayerExplainer):
    """Channels weighted by their positive gradients, place by place, before the ReLU.

    Source: Chattopadhay et al. 2018, the closed form of its weights.
    """

    cost: ClassVar[float] = 1.5

    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """Signed maps: channel activation times logits per activation."""
        return grad_cam_plus_plus(*tapped(classifier, images, target, self.layer))


def grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    base = 2 * gradient**2 + activation.sum((2, 3), keepdim=True) * gradient**3
    share = torch.where(base != 0, gradient**2 / torch.where(base != 0, base, 1.0), 0.0)
    weights = (share * gradient.relu()).sum((2, 3), keepdim=True)
    return (weights * activation).sum(1)
