"""The long tail of methods through captum, as `captum:NAME`."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

from torch import Tensor, nn

from ..errors import ModelError, unknown_name
from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer

PREFIX = "captum:"
RELU = (nn.ReLU,)
RULED: Mapping[str, tuple[type[nn.Module], ...]] = {
    "DeepLift": (nn.ReLU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus),
    "GuidedBackprop": RELU,
    "Deconvolution": RELU,
}
"""Methods that are a plain gradient but for rules of their own in these modules."""


def captum_method(name: str) -> type[Explainer]:
    """The method that captum calls `name`, such as DeepLift, with its default parameters.

    Raises ModelError with the install line where captum is missing, UnknownName if it has no method of that name that
    asks for a model and images alone.
    """
    try:
        from captum import attr
    except ImportError as error:
        raise ModelError(
            f"{PREFIX}{name} needs captum, which is not installed. Install it with `pip install 'eyetest[methods]'`."
        ) from error
    known = [one for one, kind in vars(attr).items() if inspect.isclass(kind) and _takes_a_model(kind)]
    if name not in known:
        raise unknown_name("captum method", name, known)

    @final
    @dataclass(frozen=True)
    class Captum(Explainer):
        """A method of captum, summed over the colour channels."""

        cost: ClassVar[float] = 100.0
        unit: ClassVar[str] = "the method's own"

        def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
            """Signed maps; ModelError if the method's rules find no module in the model that they are for."""
            _require_ruled(name, classifier)
            pixels = images.to(classifier.device)
            fixed = target.fixed(classifier.predict(pixels))
            asked = tuple(one.to(pixels.device) for one in (fixed.classes, fixed.against) if one is not None)
            method = getattr(attr, name)(_Asked(classifier))
            found: Tensor = method.attribute(pixels.clone().requires_grad_(), additional_forward_args=asked)
            return found.detach().sum(1)

    return Captum


class _Asked(nn.Module):
    """A frozen copy of the model with the target as its only output; captum repeats the classes with the images.

    A copy, because some methods leave attributes on the modules when they fail.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.module = copy.deepcopy(classifier.module).eval().requires_grad_(False)
        self.classifier = classifier.with_module(self.module)

    def forward(self, images: Tensor, *classes: Tensor) -> Tensor:
        """One number an image."""
        return LogitTarget(*classes).of(self.classifier.logits(images))


def _takes_a_model(kind: type[Any]) -> bool:
    return _needed(kind) in (["forward_func"], ["model"]) and _needed(getattr(kind, "attribute", None)) == ["inputs"]


def _needed(function: Any) -> list[str]:
    """Names of the parameters that have to be given."""
    parameters = inspect.signature(function).parameters.values() if function else ()
    return [one.name for one in parameters if one.default is one.empty and one.name not in ("self", "kwargs")]


def _require_ruled(name: str, classifier: Classifier) -> None:
    kinds = RULED.get(name)
    if kinds and not any(isinstance(one, kinds) for one in classifier.module.modules()):
        wanted = ", ".join(f"nn.{kind.__name__}" for kind in kinds)
        raise ModelError(
            f"captum's {name} changes the gradient in activation modules ({wanted}), and {classifier.name!r} has none: "
            "with activations called as functions it would be a plain gradient under another name. Use saliency or "
            "input_gradient, or a model whose activations are modules."
        )
