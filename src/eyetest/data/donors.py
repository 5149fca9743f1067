"""Which image lends its cue to which: one seeded table for all operators and all models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import DataError
from ..stats import generator
from ..types import DonorTable, Labels, ProbeArm, Rows, places
from .base import SplitData

ENOUGH = 5000
"""Evaluated images from which one draw is enough."""
MOST_DRAWS = 8


def draws_for(images: int) -> int:
    """How often each image gets new donors: once from 5,000 images on, up to 8 times below."""
    return min(-(-ENOUGH // max(images, 1)), MOST_DRAWS)


def donor_table(split: SplitData, pool: SplitData, *, seed: int, draws: int) -> DonorTable:
    """Donors for all images of `split` from `pool`, a split that the model was not trained on.

    Arm `same` takes donors of the image's class; arm `other` goes round the other classes. Both use each donor equally
    often. Order depends on (seed, draw, image id) alone. Raises DataError if fewer than two classes have two donors.
    Source: docs/design, CUES.md.
    """
    classes = [int(c) for c in np.unique(pool.labels) if (pool.labels == c).sum() >= 2]
    rows = np.flatnonzero(np.isin(split.labels, classes)).astype(np.int64)
    if len(classes) < 2 or not len(rows):
        raise DataError(
            f"Cues cannot be swapped: {len(classes)} classes have at least two images in the {pool.name} split, and two "
            "classes are needed. Give more images, or leave the cue checks out with --skip."
        )
    drawn = [_draw(split, pool, classes, rows, f"{seed}/{draw}") for draw in range(draws)]
    donors = np.stack(drawn)
    return DonorTable(rows, donors, pool.labels[donors], len(split) - len(rows))


def lenders(pool: SplitData, least: int) -> dict[int, Rows]:
    """Rows of the pool by class, only of classes with at least `least` images, so that no donor need come twice."""
    found = {int(c): np.flatnonzero(pool.labels == c).astype(np.int64) for c in np.unique(pool.labels)}
    return {c: rows for c, rows in found.items() if len(rows) >= least}


def image_donors(name: str, classes: Sequence[int], lent: Mapping[int, Rows], *, seed: int, draws: int) -> Rows:
    """`draws` different donors of one image, from these classes in turn.

    A donor depends on (seed, image id, classes, draw) alone, not on the number of draws or on other images.
    """
    turns = sorted(classes, key=lambda c: hashlib.sha256(f"{seed}/{name}/{c}".encode()).digest())
    orders = [generator(f"{seed}/{name}/donors/{c}").permutation(lent[c]) for c in turns[:draws]]
    return np.array([orders[draw % len(turns)][draw // len(turns)] for draw in range(draws)], dtype=np.int64)


def arm_donors(
    names: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    arms: Sequence[ProbeArm],
    pool: SplitData,
    *,
    seed: int,
    draws: int,
) -> tuple[Rows, np.ndarray]:
    """Positions of the images that have donors in every arm, and those donors, a r n, for (class, contender) pairs."""
    lent = lenders(pool, draws)
    sources = [[_sources(arm, *pair, lent) for arm in arms] for pair in pairs]
    kept = [k for k, found in enumerate(sources) if all(found)]
    donors = np.empty((len(arms), draws, len(kept)), dtype=np.int64)
    for n, k in enumerate(kept):
        for a, classes in enumerate(sources[k]):
            donors[a, :, n] = image_donors(names[k], classes, lent, seed=seed, draws=draws)
    return np.array(kept, dtype=np.int64), donors


def _sources(arm: ProbeArm, predicted: int, contender: int, lent: Mapping[int, Rows]) -> tuple[int, ...]:
    """The classes that lend in this arm."""
    if arm == "third":
        return tuple(c for c in lent if c not in (predicted, contender))
    wanted = predicted if arm == "predicted" else contender
    return (wanted,) if wanted in lent else ()


def _draw(split: SplitData, pool: SplitData, classes: list[int], rows: Rows, seed: str) -> np.ndarray:
    """Donor rows of one draw, 2 n."""
    lenders = {c: _shuffled(pool, np.flatnonzero(pool.labels == c).astype(np.int64), seed) for c in classes}
    labels = split.labels[rows]
    found = np.empty((2, len(rows)), dtype=np.int64)
    turn = dict.fromkeys(classes, 0)
    for c in classes:
        order = _shuffled(split, rows[labels == c], seed)
        at = places(rows, order)
        found[0, at] = lenders[c][np.arange(len(order)) % len(lenders[c])]
        others = [other for other in (*classes[classes.index(c) :], *classes[: classes.index(c)]) if other != c]
        for start, other in enumerate(others):
            mine = at[start :: len(others)]
            found[1, mine] = lenders[other][(turn[other] + np.arange(len(mine))) % len(lenders[other])]
            turn[other] += len(mine)
    return found


def _shuffled(split: SplitData, rows: Labels, seed: str) -> Rows:
    """The rows in the order of a hash of seed and image id."""
    keys = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in split.ids(rows)]
    order: Rows = rows[np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)]
    return order
