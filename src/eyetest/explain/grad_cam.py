"""Grad-CAM, with a backward pass that ends at the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..errors import ModelError
from ..models.classifier import Classifier
from ..tensors import ClassTensor, Images, MapTensor
from .base import Explainer

SMALL_IMAGE = 112
"""Pixels; below this the layer must still have 8 cells a side, from here on 7."""


@final
@dataclass(frozen=True)
class GradCam(Explainer):
    """Mean-gradient-weighted sum of a layer's channels before the ReLU, upsampled; below 0 speaks against the class.

    Source: Selvaraju et al. 2017, equations 1 and 2.
    """

    cost: ClassVar[float] = 1.5
    layer: str | None = None
    """Name of the module; None takes the last with at least 8 (from 112 pixels on 7) cells a side."""

    def __call__(self, classifier: Classifier, images: Images, classes: ClassTensor) -> MapTensor:
        """Signed maps in logits, about: channel activation times logits per activation."""
        pixels, targets = images.to(classifier.device), classes.to(classifier.device)
        layer = classifier.module.get_submodule(self.layer) if self.layer else fitting_layer(classifier, pixels[:1])
        with classifier.evaluation(), torch.enable_grad(), _Tap(layer) as tap:
            logits = classifier.module(classifier.normalise(pixels))
            (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), tap.activation)
        maps = grad_cam(tap.activation.detach(), gradient)
        return interpolate(maps[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1)


def fitting_layer(classifier: Classifier, images: Images) -> nn.Module:
    """The module that ends last among those with enough cells a side.

    Raises ModelError if the model has no such feature map.
    """
    least = 8 if min(images.shape[2:]) < SMALL_IMAGE else 7
    ended: list[nn.Module] = []

    def note(module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= least:
            ended.append(module)

    hooks = [module.register_forward_hook(note) for module in classifier.module.modules()]
    try:
        with classifier.evaluation(), torch.no_grad():
            classifier.module(classifier.normalise(images.to(classifier.device)))
    finally:
        for hook in hooks:
            hook.remove()
    if not ended:
        raise ModelError(
            f"Grad-CAM needs a layer with at least {least}×{least} cells; {classifier.name!r} has none. "
            "Use --skip confident_errors error_causes, or a convolutional model."
        )
    return ended[-1]


class _Tap:
    """Cuts the graph at a layer: what comes before is not differentiated."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer
        self.activation = torch.empty(0)

    def __enter__(self) -> _Tap:
        self.hook = self.layer.register_forward_hook(self._cut)
        return self

    def __exit__(self, *_: object) -> None:
        self.hook.remove()

    def _cut(self, _module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        self.activation = output.detach().requires_grad_(True)
        return self.activation.clone()
