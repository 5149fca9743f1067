"""Whether the intervals over trainings are as wide as they should be: simulated trainings whose true difference is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from .. import seeds, stats
from ..stats import Array

PART = 500
"""Comparisons that are held at once."""


@final
@dataclass(frozen=True)
class World:
    """Standard deviations of what one image says of one training; all normal."""

    training: float
    """Between trainings of a recipe, the same for all images."""
    own: float
    """Of each image in each training by itself."""
    recipe: float
    """Of each image in all trainings of one recipe, against those of the other."""
    image: float = 1.0
    """Of each image in all trainings."""
    difference: float = 0.0
    """Mean of the second recipe minus that of the first."""

    def draw(self, comparisons: int, k: int, n: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Columns of k trainings of each recipe on n images, c k n."""
        image = random.normal(0, self.image, (comparisons, 1, n))
        sides = []
        for mean in (0.0, self.difference):
            recipe = random.normal(0, self.recipe / np.sqrt(2), (comparisons, 1, n))
            training = random.normal(0, self.training, (comparisons, k, 1))
            sides.append(mean + image + recipe + training + random.normal(0, self.own, (comparisons, k, n)))
        return sides[0], sides[1]


WORLDS = {
    "trainings differ": World(0.2, 0.05, 0.0),
    "images of single trainings differ": World(0.0, 0.3, 0.0),
    "recipes differ by image": World(0.01, 0.05, 0.3),
    "all of it": World(0.03, 0.3, 0.3),
    "as in CIFAR-10": World(0.005, 0.25, 0.2),
}
"""At 300 images; own 0.3 makes trainings differ by 0.017 in the mean."""


def covered(
    world: World, k: int, *, n: int = 300, comparisons: int = 2000, seed: int = 0, resamples: int = 0
) -> tuple[int, int, int]:
    """In how many comparisons the interval holds the true difference, lies beyond it, or before it.

    The formula; with `resamples` the hierarchical bootstrap, of means.
    """
    random, held, above, below = np.random.default_rng([seed, k]), 0, 0, 0
    counts = random.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    for start in range(0, comparisons, PART):
        sides = world.draw(min(PART, comparisons - start), k, n, random)
        values = (sides[0].mean(axis=-1), sides[1].mean(axis=-1))
        found = seeds.noise(values[0], values[1], seeds.of_means(*sides))
        _, low, high, _ = seeds.welch(values[0], values[1], found)
        if resamples:
            low, high = _resampled(sides, values, found, counts, f"{seed}/{start}")
        above += int((low > world.difference).sum())
        below += int((high < world.difference).sum())
        held += int(((low <= world.difference) & (world.difference <= high)).sum())
    return held, above, below


def _resampled(
    sides: tuple[Array, Array], values: tuple[Array, Array], found: seeds.Noise, counts: Array, seed: str
) -> tuple[Array, Array]:
    ends = []
    for place in range(len(values[0])):
        draws = np.concatenate([side[place] for side in sides]) @ counts.T
        one = seeds.Noise(*(np.asarray(part)[place] for part in found))
        _, low, high, _ = seeds.hierarchical(values[0][place], values[1][place], draws, one, f"{seed}/{place}")
        ends.append((float(low), float(high)))
    low, high = np.array(ends).T
    return low, high


def share(world: World, k: int, *, comparisons: int = 2000, resamples: int = 0) -> stats.Interval:
    """Coverage with its exact interval."""
    held, _, _ = covered(world, k, comparisons=comparisons, resamples=resamples)
    return stats.clopper_pearson(held, comparisons)
