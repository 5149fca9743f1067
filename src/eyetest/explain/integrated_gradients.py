"""Integrated gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from ..transplants.base import blur
from .base import CompleteExplainer

MOST_STEPS = 400
TOLERANCE = 0.05
"""Of the target's change, and in logits, that a map's sum may be off before the steps are doubled."""
CHUNK = 128
"""Images times steps in one pass, so that memory does not grow with the steps."""


@final
@dataclass(frozen=True)
class IntegratedGradients(CompleteExplainer):
    """Gradients summed on the straight way from a baseline image to the image, times the way; mid-point rule.

    A map's sum is the target's change from the baseline. Where it is not within 5 % (or .05 logits), the steps are
    doubled for that image, up to 400. Source: Sundararajan, Taly & Yan 2017, equation 1.
    """

    cost: ClassVar[float] = 150.0
    steps: int = 50
    baseline: Literal["black", "blurred"] = "black"
    """A black baseline says nothing of black pixels; a conclusion should hold for both."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Signed maps in logits, summed over the colour channels."""
        pixels = images.to(classifier.device)
        start = self.start(pixels)
        end = classifier.predict(pixels)
        fixed = target.fixed(end)
        change = fixed.of(end) - fixed.of(classifier.predict(start))
        maps, steps = integrated(classifier, pixels, start, fixed, self.steps), self.steps
        open_ = self._unconverged(maps, change)
        while len(open_) and 2 * steps <= MOST_STEPS:
            steps *= 2
            maps[open_] = integrated(classifier, pixels[open_], start[open_], fixed[open_], steps)
            open_ = open_[self._unconverged(maps[open_], change[open_])]
        return maps

    def start(self, images: Images) -> Images:
        """The baseline of each image."""
        return torch.zeros_like(images) if self.baseline == "black" else blur(images, 4.0)

    @staticmethod
    def _unconverged(maps: Tensor, change: Tensor) -> Tensor:
        off = (maps.sum((1, 2)) - change).abs()
        return torch.nonzero(off > (TOLERANCE * change.abs()).clamp_min(TOLERANCE))[:, 0]


def integrated(classifier: Classifier, images: Images, start: Images, target: LogitTarget, steps: int) -> MapTensor:
    """The mid-point rule with so many steps; images times steps go through the model in chunks."""
    n = len(images)
    total = torch.zeros_like(images)
    owner = torch.arange(n, device=images.device).repeat_interleave(steps)
    place = (torch.arange(steps, device=images.device).repeat(n) + 0.5) / steps
    for chunk in torch.split(torch.arange(n * steps, device=images.device), CHUNK):
        who, where = owner[chunk], place[chunk][:, None, None, None]
        points = torch.lerp(start[who], images[who], where)
        total.index_add_(0, who, classifier.pixel_gradient(points, target[who]))
    return ((images - start) * total / steps).sum(1)
