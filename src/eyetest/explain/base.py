"""What an explanation method is: images and classes in, one raw map an image out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ..models.classifier import Classifier
from ..tensors import ClassTensor, Images, MapTensor


@dataclass(frozen=True)
class Explainer(ABC):
    """A method; its fields are its parameters. Maps keep the method's own units: nothing is stretched per image."""

    cost: ClassVar[float]
    """Forward passes that one map costs, about."""

    @abstractmethod
    def __call__(self, classifier: Classifier, images: Images, classes: ClassTensor) -> MapTensor:
        """The maps of the logits of `classes`; the classifier is left as it was."""
