"""The learning rate of every step, as a function of the step alone, so that a resumed run needs no state."""

from __future__ import annotations

import math
from typing import assert_never

from .recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of step 0 to steps-1.

    Source: cosine, Loshchilov & Hutter 2017; one_cycle, Smith & Topin 2019 with the defaults of
    torch.optim.lr_scheduler.OneCycleLR (30 % warm-up, from 1/25 of the maximum to 1/250,000).
    """
    match recipe.schedule:
        case "constant":
            return recipe.learning_rate
        case "cosine":
            return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        case "one_cycle":
            return _one_cycle(recipe.learning_rate, step, steps)
        case _:
            assert_never(recipe.schedule)


def _one_cycle(maximum: float, step: int, steps: int) -> float:
    start, end = maximum / 25, maximum / 25 / 1e4
    peak = 0.3 * steps - 1
    if step <= peak:
        return _between(start, maximum, step / peak)
    return _between(maximum, end, (step - peak) / max(steps - 1 - peak, 1e-9))


def _between(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * fraction))
