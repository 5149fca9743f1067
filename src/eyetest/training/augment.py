"""Random changes of a batch of training images, as a recipe says; a few tensor operations for the whole batch."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from ..tensors import Images
from .recipe import Recipe


def augment(images: Images, recipe: Recipe, generator: Generator) -> Images:
    """The images after crop, flip, rotation, colour jitter and erasing; in [0, 1]. The generator is on the CPU."""
    if recipe.crop or recipe.flip or recipe.rotation:
        images = _move(images, recipe, generator)
    if recipe.jitter:
        images = _jitter(images, recipe.jitter, generator)
    if recipe.hue:
        images = _turn(images, recipe.hue, generator)
    if recipe.erasing:
        images = _erase(images, recipe.erasing, generator)
    return images


def _uniform(images: Images, low: float, high: float, generator: Generator) -> Tensor:
    draws = torch.rand(len(images), generator=generator)
    return (low + (high - low) * draws).to(images.device)


def _move(images: Images, recipe: Recipe, generator: Generator) -> Images:
    height, width = images.shape[2:]
    angle = _uniform(images, -1.0, 1.0, generator) * math.radians(recipe.rotation)
    mirror = (
        1 - 2 * (_uniform(images, 0.0, 1.0, generator) < 0.5).to(images.dtype)
        if recipe.flip
        else torch.ones_like(angle)
    )
    shifts = torch.randint(-recipe.crop, recipe.crop + 1, (2, len(images)), generator=generator).to(images)
    matrix = torch.empty(len(images), 2, 3, dtype=images.dtype, device=images.device)
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 0, 2] = mirror * angle.cos(), -angle.sin(), shifts[0] * 2 / width
    matrix[:, 1, 0], matrix[:, 1, 1], matrix[:, 1, 2] = mirror * angle.sin(), angle.cos(), shifts[1] * 2 / height
    grid = affine_grid(matrix, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False).clamp(0, 1)


def _jitter(images: Images, amount: float, generator: Generator) -> Images:
    brightness, contrast, saturation = (
        _uniform(images, 1 - amount, 1 + amount, generator).view(-1, 1, 1, 1) for _ in range(3)
    )
    images = images * brightness
    images = images.mean((1, 2, 3), keepdim=True).lerp(images, contrast)
    return images.mean(1, keepdim=True).lerp(images, saturation).clamp(0, 1)


def _turn(images: Images, amount: float, generator: Generator) -> Images:
    """Rotate the colours about the grey axis."""
    angle = 2 * math.pi * _uniform(images, -amount, amount, generator).view(-1, 1, 1)
    grey = torch.full((3, 3), 1 / 3, device=images.device)
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=images.device) / math.sqrt(3)
    matrix = angle.cos() * (torch.eye(3, device=images.device) - grey) + grey + angle.sin() * across
    return torch.einsum("nij,njhw->nihw", matrix, images).clamp(0, 1)


def _erase(images: Images, probability: float, generator: Generator) -> Images:
    height, width = images.shape[2:]
    area = _uniform(images, 0.02, 0.4, generator) * height * width
    aspect = _uniform(images, -math.log(1 / 0.3), math.log(1 / 0.3), generator).exp()
    tall, wide = (area * aspect).sqrt().clamp(max=height), (area / aspect).sqrt().clamp(max=width)
    top = _uniform(images, 0.0, 1.0, generator) * (height - tall)
    left = _uniform(images, 0.0, 1.0, generator) * (width - wide)
    y = torch.arange(height, device=images.device).view(1, -1, 1)
    x = torch.arange(width, device=images.device).view(1, 1, -1)
    rows = (y >= top.view(-1, 1, 1)) & (y < (top + tall).view(-1, 1, 1))
    columns = (x >= left.view(-1, 1, 1)) & (x < (left + wide).view(-1, 1, 1))
    chosen = (_uniform(images, 0.0, 1.0, generator) < probability).view(-1, 1, 1)
    fill = torch.rand(images.shape, generator=generator).to(images.device)
    return torch.where((rows & columns & chosen)[:, None], fill, images)
