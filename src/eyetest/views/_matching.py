"""How a control is made as large as its intervention: image by image, in pixels, after clipping."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..tensors import Images

TOLERANCE = 0.01
"""Of the intervention's distance; METHODS section 7."""
DOUBLINGS, STEPS = 6.0, 11
"""Clipping may ask for up to 2⁶ times the step that would do without it; 11 halvings leave 0.2 % of a step."""


def distance(changed: Images, images: Images) -> Tensor:
    """Euclidean distance of each image from its original, over all pixels and channels.

    Summed in float64, so that the size of the batch does not tip a bisection.
    """
    return (changed - images).flatten(1).square().sum(1, dtype=torch.float64).sqrt().float()


def bisected(
    change: Callable[[Tensor], Images], images: Images, target: Tensor, bounds: tuple[float, float], steps: int
) -> Images:
    """`change(level)` with the level of each image (n 1 1 1) at which its distance is the target.

    The distance must grow with the level. An image whose target lies outside the bounds gets the nearer bound.
    """
    low, high = (torch.full_like(target, bound) for bound in bounds)
    for _ in range(steps):
        middle = (low + high) / 2
        short = distance(change(_each(middle)), images) < target
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    return change(_each((low + high) / 2))


def moved(images: Images, direction: Images, target: Tensor) -> Images:
    """Images moved along their direction, clipped to [0, 1], until they are as far as the target.

    Where white or black pixels leave too little room one way, the image is moved the other way.
    """
    unclipped = _each(target / distance(direction, torch.zeros_like(direction)).clamp_min(1e-12))
    farthest = (images + 2**DOUBLINGS * unclipped * direction).clamp(0, 1)
    turned = _each(distance(farthest, images) < target)
    step = torch.where(turned, -direction, direction) * unclipped

    def change(level: Tensor) -> Images:
        return (images + 2**level * step).clamp(0, 1)

    return bisected(change, images, target, (0.0, DOUBLINGS), STEPS)


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
