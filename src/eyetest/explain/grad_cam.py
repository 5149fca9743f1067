"""Grad-CAM, with a backward pass that ends at the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from ..errors import MissingEvidence, ModelError
from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget
from ._feature_maps import cells_of, input_size, last_layer
from .base import LayerExplainer


@final
@dataclass(frozen=True)
class GradCam(LayerExplainer):
    """Mean-gradient-weighted sum of a layer's channels before the ReLU, upsampled; below 0 speaks against the class.

    Source: Selvaraju et al. 2017, equations 1 and 2. For a grid of tokens the tokens of the patches are the cells.
    """

    cost: ClassVar[float] = 1.5

    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """Signed maps: channel activation times logits per activation."""
        return grad_cam(*tapped(classifier, images, target, self.layer))


def tapped(
    classifier: Classifier, images: Images, target: LogitTarget, layer: str | None = None
) -> tuple[Tensor, Tensor]:
    """A layer's activations and the target's gradient with respect to them, both n k u v, from one forward pass.

    The backward pass ends at the layer. Without a name it is the classifier's own, else the one that fits. Raises
    MissingEvidence if the model has no layer with cells, ModelError if the named layer has none.
    """
    pixels, name = images.to(classifier.device), layer or classifier.layer
    module = classifier.answering.get_submodule(name) if name else fitting_layer(classifier, pixels[:1])
    size = input_size(classifier, pixels)
    with classifier.evaluation(), torch.enable_grad(), _Tap(module) as tap:
        score = target.of(classifier.logits(pixels)).sum()
        output = _tapped(classifier, tap, size, name)
        (gradient,) = torch.autograd.grad(score, output, allow_unused=True, materialize_grads=True)
    activation, slope = cells_of(output.detach(), size), cells_of(gradient, size)
    assert activation is not None and slope is not None
    return activation, slope


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The map before its ReLU, n u v, of activations and gradients n k u v."""
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1)


def fitting_layer(classifier: Classifier, images: Images) -> nn.Module:
    """The module that ends last among those with enough cells a side that the logits depend on, looked for only once.

    Raises MissingEvidence if the model has no such layer.
    """
    size = (images.shape[2], images.shape[3])
    if size not in classifier.fitting_layers:
        found = last_layer(classifier, images)
        named = classifier.answering.named_modules()
        classifier.fitting_layers[size] = next(name for name, module in named if module is found)
    return classifier.answering.get_submodule(classifier.fitting_layers[size])


def require_layer(classifier: Classifier, data_size: tuple[int, int]) -> None:
    """Raises ModelError if the user named a layer whose output has no cells, so that no pass is made for nothing."""
    if classifier.layer is not None:
        image = torch.zeros(1, 3, *data_size)
        GradCam()(classifier, image, LogitTarget(torch.zeros(1, dtype=torch.int64)))


def _tapped(classifier: Classifier, tap: _Tap, size: tuple[int, int], name: str | None) -> Tensor:
    """The layer's output, if it has cells."""
    found = tap.activation
    if found is not None and cells_of(found, size) is not None:
        return found
    if name is None:
        raise MissingEvidence(f"Grad-CAM's layer of {classifier.name!r} gave no cells for these images")
    came = "nothing" if found is None else f"a tensor of shape {tuple(found.shape)}"
    raise ModelError(
        f"The layer {name} of {classifier.name!r} gives {came}; Grad-CAM needs n×c×h×w, n×h×w×c or n×tokens×c with 2×2 cells "
        "or more. Give another --layer, or leave it out."
    )


class _Tap:
    """Cuts the graph at a layer: what comes before is not differentiated."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer
        self.activation: Tensor | None = None

    def __enter__(self) -> _Tap:
        self.hook = self.layer.register_forward_hook(self._cut)
        return self

    def __exit__(self, *_: object) -> None:
        self.hook.remove()

    def _cut(self, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return output
        self.activation = output.detach().requires_grad_(True)
        return self.activation.clone()
