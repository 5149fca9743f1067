"""What taking pixels away in the order of a map does to the answer."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import ClassTensor, Images, MapTensor
from ..transplants.base import blur

PARTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the pixels that are taken away."""
SOFT = 5.0
"""σ in pixels at width 32 of the blur that takes their place."""


def faithfulness(classifier: Classifier, images: Images, classes: ClassTensor, maps: MapTensor) -> Tensor:
    """Half the probability lost more by taking the strongest pixels than by taking the weakest, mean over the parts: n.

    0 for a map that knows nothing. Source: Petsiuk et al. 2018 (blurred fill), both orders as in Rong et al. 2022.
    """
    soft, order = blur(images, SOFT), _ranks(maps)
    lost = torch.zeros(len(images), device=images.device)
    for part in PARTS:
        weakest = _kept(classifier, images, soft, classes, order < part)
        strongest = _kept(classifier, images, soft, classes, order >= 1 - part)
        lost += (weakest - strongest) / (2 * len(PARTS))
    return lost


def movable(classifier: Classifier, images: Images, classes: ClassTensor, random: torch.Generator) -> Tensor:
    """How far the probability moves when a random half of the pixels is taken away: n."""
    noise = torch.rand(images.shape[0], *images.shape[2:], generator=random).to(images.device)
    soft, none = blur(images, SOFT), torch.zeros_like(noise, dtype=torch.bool)
    plain = _kept(classifier, images, soft, classes, none)
    return (plain - _kept(classifier, images, soft, classes, _ranks(noise) < 0.5)).abs()


def _ranks(maps: MapTensor) -> Tensor:
    """Rank of each pixel within its map, in [0, 1); ties in the order of one fixed permutation."""
    flat = maps.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0)).to(flat.device)
    ranks = torch.empty_like(flat)
    ranks[:, shuffle] = flat[:, shuffle].argsort(dim=1, stable=True).argsort(1).to(flat) / flat.shape[1]
    return ranks.reshape(maps.shape)


def _kept(classifier: Classifier, images: Images, soft: Images, classes: ClassTensor, gone: Tensor) -> Tensor:
    """Probability of the classes with the pixels that are gone blurred."""
    probabilities = classifier.predict(torch.where(gone[:, None], soft, images)).softmax(1)
    return probabilities.gather(1, classes[:, None].to(probabilities.device))[:, 0]
