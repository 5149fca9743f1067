"""RISE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..models.classifier import Classifier
from ..tensors import Images, LogitTarget, MapTensor
from .base import Explainer

ROUND = 64
"""Masks in one go."""


@final
@dataclass(frozen=True)
class Rise(Explainer):
    """How the target goes with each pixel being seen, over many random masks.

    The target is centred over the masks, so that a place that does not matter has the value 0 (the paper's weighted
    mean gives it the mean score). Source: Petsiuk, Das & Saenko 2018.
    """

    cost: ClassVar[float] = 2000.0
    masks: int = 2000
    cells: int = 8
    """Of the coarse random grid, a side."""
    seen: float = 0.5
    """Probability that a cell is seen."""
    seed: int = 0
    """Of the masks, which are the same for every image, so that a map does not depend on its batch."""

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Signed maps in logits, about: the mean target with the pixel seen, minus the mean with it hidden."""
        pixels = images.to(classifier.device)
        fixed = target.fixed(classifier.predict(pixels))
        random = torch.Generator().manual_seed(self.seed)
        height, width = images.shape[2:]
        score_sum = torch.zeros(len(pixels), device=pixels.device)
        mask_sum = torch.zeros(height, width, device=pixels.device)
        product = torch.zeros_like(pixels[:, 0])
        for start in range(0, self.masks, ROUND):
            masks = self._masks(min(ROUND, self.masks - start), height, width, random).to(pixels.device)
            for mask in masks:
                scores = fixed.of(classifier.predict(pixels * mask))
                score_sum += scores
                product += scores[:, None, None] * mask
            mask_sum += masks.sum(0)
        centred = product - score_sum[:, None, None] * mask_sum / self.masks
        return centred / (self.masks * self.seen * (1 - self.seen))

    def _masks(self, n: int, height: int, width: int, random: torch.Generator) -> Tensor:
        """Random grids, enlarged smoothly and shifted by up to a cell: n h w."""
        cell = [-(-size // self.cells) for size in (height, width)]
        grids = (torch.rand(n, 1, self.cells + 1, self.cells + 1, generator=random) < self.seen).float()
        large = interpolate(grids, [(self.cells + 1) * one for one in cell], mode="bilinear", align_corners=False)[:, 0]
        shifts = [torch.randint(one, (n,), generator=random).tolist() for one in cell]
        cut = [one[y : y + height, x : x + width] for one, y, x in zip(large, *shifts, strict=True)]
        return torch.stack(cut)
