"""Grad-CAM, with a backward pass that ends at the layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget
from .base import LayerExplainer

SMALL_IMAGE = 112
"""Pixels; below this the layer must still have 8 cells a side, from here on 7."""


@final
@dataclass(frozen=True)
class GradCam(LayerExplainer):
    """Mean-gradient-weighted sum of a layer's channels before the ReLU, upsampled; below 0 speaks against the class.

    Source: Selvaraju et al. 2017, equations 1 and 2.
    """

    cost: ClassVar[float] = 1.5

    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """Signed maps: channel activation times logits per activation."""
        return grad_cam(*tapped(classifier, images, target, self.layer))


def tapped(
    classifier: Classifier, images: Images, target: LogitTarget, layer: str | None = None
) -> tuple[Tensor, Tensor]:
    """A layer's activations and the target's gradient with respect to them, both n k u v, from one forward pass.

    The backward pass ends at the layer. Raises ModelError if no layer is named and none fits.
    """
    pixels = images.to(classifier.device)
    module = classifier.answering.get_submodule(layer) if layer else fitting_layer(classifier, pixels[:1])
    with classifier.evaluation(), torch.enable_grad(), _Tap(module) as tap:
        logits = classifier.answering(classifier.normalise(pixels))
        (gradient,) = torch.autograd.grad(target.of(logits).sum(), tap.activation)
    return tap.activation.detach(), gradient


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1)


def fitting_layer(classifier: Classifier, images: Images) -> nn.Module:
    """The module that ends last among those with enough cells a side; looked for once a classifier and image size.

    Raises ModelError if the model has no such feature map.
    """
    size = (images.shape[2], images.shape[3])
    if size not in classifier.fitting_layers:
        classifier.fitting_layers[size] = _last_with_cells(classifier, images)
    return classifier.answering.get_submodule(classifier.fitting_layers[size])


def _last_with_cells(classifier: Classifier, images: Images) -> str:
    least = 8 if min(images.shape[2:]) < SMALL_IMAGE else 7
    ended: list[str] = []

    def note(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= least:
            ended.append(name)

    named = classifier.answering.named_modules()
    hooks = [module.register_forward_hook(partial(note, name)) for name, module in named]
    try:
        with classifier.evaluation(), torch.no_grad():
            classifier.answering(classifier.normalise(images.to(classifier.device)))
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
