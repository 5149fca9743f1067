"""What an explanation method is: images and classes in, one raw map an image out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import interpolate

from ..models.classifier import Classifier
from ..tensors import ClassTensor, Images, LogitTarget, MapTensor

Lent = Float32[Tensor, "r n 3 h w"]
"""r donors for each of n images; pixels in [0, 1]."""
Grids = Float32[Tensor, "r n s s"]
"""One coarse map a draw and image."""


@dataclass(frozen=True)
class Explainer(ABC):
    """A method; its fields are its parameters. Maps keep the method's own units: nothing is stretched per image."""

    cost: ClassVar[float]
    """Forward passes that one map costs, about."""
    unit: ClassVar[str] = "logits"
    """What the numbers of a map are in."""
    asks_target: ClassVar[bool] = True
    """Whether the map depends on what is explained; a method that looks at activations alone does not."""

    @abstractmethod
    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """The maps of the target, at image size; the classifier is left as it was."""


@dataclass(frozen=True)
class CompleteExplainer(Explainer):
    """A method that promises that a map's sum is the target's change from a baseline."""

    @abstractmethod
    def start(self, images: Images) -> Images:
        """The baseline of each image."""


@dataclass(frozen=True)
class LayerExplainer(Explainer):
    """A method whose map has the resolution of one of the model's layers."""

    layer: str | None = None
    """Name of the module; None takes the last with at least 8 (from 112 pixels on 7) cells a side."""

    @abstractmethod
    def coarse(self, classifier: Classifier, images: Images, target: LogitTarget) -> Tensor:
        """The maps at the layer's own resolution, n u v."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """The coarse maps at image size, bilinear."""
        return upsampled(self.coarse(classifier, images, target), *images.shape[2:])


@final
@dataclass(frozen=True, eq=False)
class Lenders:
    """Donors for one batch of images, image by image."""

    own: Lent
    """Of the class that is explained."""
    third: Lent
    """Of neither that class nor the label."""


@dataclass(frozen=True)
class DonorExplainer(Explainer):
    """A method that puts parts of other images into each image; it is made anew with the donors of each batch."""

    draws: ClassVar[int]
    """Donors that it wants of each kind for each image."""
    lenders: Lenders | None = None

    @classmethod
    @abstractmethod
    def forwards(cls, height: int, width: int) -> int:
        """Forward passes that one map of this size in pixels costs."""

    @abstractmethod
    def each(self, classifier: Classifier, images: Images, classes: ClassTensor) -> Grids:
        """The coarse maps of the single draws, so that one half of them can be held against the other."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """The mean over the draws, each cell as large as it is in the image; ValueError without a class to explain."""
        if target.classes is None or target.against is not None:
            raise ValueError("Donors are images of one class, so one class is explained, not a difference of two.")
        return spread(self.each(classifier, images, target.classes).mean(0), images.shape[2], images.shape[3])


def upsampled(maps: Tensor, height: int, width: int) -> MapTensor:
    """Maps n u v at image size, bilinear."""
    return interpolate(maps[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]


def spread(grids: Tensor, height: int, width: int) -> MapTensor:
    """Grids, n s s, at image size: every pixel has the value of its cell."""
    side = grids.shape[2]
    rows, columns = (_cell_of(size, side).to(grids.device) for size in (height, width))
    return grids[:, rows][:, :, columns]


def pooled(maps: Tensor, side: int) -> Tensor:
    """Mean of maps, n h w, over each cell of a grid of `side` cells: n s s. It undoes spread()."""
    weights = [torch.nn.functional.one_hot(_cell_of(size, side), side).to(maps) for size in maps.shape[1:]]
    sums = weights[0].T @ maps @ weights[1]
    return sums / (weights[0].sum(0)[:, None] * weights[1].sum(0))


def _cell_of(size: int, side: int) -> Tensor:
    """The cell that each of `size` pixels lies in, with the edges of transplants.cell."""
    edges = torch.tensor([k * size // side for k in range(1, side)])
    return torch.bucketize(torch.arange(size), edges, right=True)
