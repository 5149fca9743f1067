"""The long tail of methods through captum, as `captum:NAME`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar, final

from torch import Tensor, nn

from ..errors import ModelError, unknown_name
from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer

PREFIX = "captum:"


def captum_method(name: str) -> type[Explainer]:
    """The method that captum calls `name`, such as DeepLift, with its default parameters.

    Raises ModelError with the install line where captum is missing, UnknownName if it has no such method of pixels.
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
            """Signed maps."""
            pixels = images.to(classifier.device)
            fixed = target.fixed(classifier.predict(pixels))
            asked = tuple(one.to(pixels.device) for one in (fixed.classes, fixed.against) if one is not None)
            with classifier.evaluation():
                method = getattr(attr, name)(_Asked(classifier))
                found: Tensor = method.attribute(pixels.clone().requires_grad_(), additional_forward_args=asked)
            return found.detach().sum(1)

    return Captum


class _Asked(nn.Module):
    """The classifier with the target as its only output; captum repeats the classes with the images."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier.with_module(classifier.module)
        self.module = classifier.module

    def forward(self, images: Tensor, *classes: Tensor) -> Tensor:
        """One number an image."""
        return LogitTarget(*classes).of(self.classifier.logits(images))


def _takes_a_model(kind: type[Any]) -> bool:
    names = list(inspect.signature(kind).parameters)
    return names[:1] == ["forward_func"] or names[:1] == ["model"]
