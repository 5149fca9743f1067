"""Eigen-CAM."""

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
class EigenCam(LayerExplainer):
    """A layer's activations projected on their first singular vector: what stands out, whatever is explained.

    It does not look at the target, so it cannot tell evidence for a class. Source: Muhammad & Yeasin 2020.
    """

    cost: ClassVar[float] = 1.5
    unit: ClassVar[str] = "activation"
    asks_target: ClassVar[bool] = False

    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """Signed maps; the sign is that of the mean activation."""
        return eigen_cam(tapped(classifier, images, target, self.layer)[0])


def eigen_cam(activation: Tensor) -> Tensor:
    """The projection n u v of activations n k u v; its sum is at least 0."""
    places = activation.flatten(2).transpose(1, 2).double()
    first = torch.linalg.svd(places, full_matrices=False).Vh[:, 0]
    projected = (places @ first[:, :, None])[:, :, 0]
    sign = torch.where(projected.sum(1, keepdim=True) < 0, -1.0, 1.0)
    return (projected * sign).float().reshape(len(activation), *activation.shape[2:])
