"""How large a study is: `small` for two CPU cores, `full` for an accelerator; chosen from the measured throughput."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch.nn.functional import cross_entropy

from ..errors import unknown_name
from ..models.resnet18_cifar import Resnet18Cifar, memory_format, ordered
from .loop import make_optimizer
from .recipe import Recipe

PATIENCE = 2 * 3600.0
"""Seconds that the full profile may take before the small one becomes the default."""


@final
@dataclass(frozen=True)
class Profile:
    """Width of the network, and epochs and blocks a stage where they differ from the recipe's own."""

    width: int
    epochs: int | None = None
    blocks: int = 2

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe at this size."""
        epochs = self.epochs or recipe.epochs
        return dataclasses.replace(recipe, width=self.width, epochs=epochs, blocks=self.blocks)


PROFILES = {"small": Profile(16, 10), "full": Profile(64), "demo": Profile(8, 8, 1)}


def profile(name: str) -> Profile:
    """The profile of that name; UnknownName if there is none."""
    if name not in PROFILES:
        raise unknown_name("profile", name, PROFILES)
    return PROFILES[name]


def estimate(recipes: Sequence[Recipe], images: int, size: tuple[int, int], device: str) -> float:
    """Seconds that training these recipes on so many images will take, from five timed steps each."""
    return sum(recipe.epochs * images / training_speed(recipe, size, device) for recipe in recipes)


def training_speed(recipe: Recipe, size: tuple[int, int], device: str, steps: int = 4) -> float:
    """Images a second of training steps on noise of the data's size, after one warm-up step."""
    order = memory_format(recipe.width)
    module = ordered(Resnet18Cifar(10, recipe.width, blocks=recipe.blocks), order).to(device)
    optimizer = make_optimizer(module, recipe)
    images = torch.rand(recipe.batch_size, 3, *size, device=device).contiguous(memory_format=order)
    labels = torch.zeros(recipe.batch_size, dtype=torch.int64, device=device)
    started = time.perf_counter()
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = cross_entropy(module(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        float(loss.detach())
        started = time.perf_counter() if step == 0 else started
    return steps * recipe.batch_size / (time.perf_counter() - started)
