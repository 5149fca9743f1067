"""Which image lends its cue to which: one seeded table for all operators and all models."""

from __future__ import annotations

import hashlib

import numpy as np

from ..errors import DataError
from ..types import DonorTable, Labels, Rows
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


def _draw(split: SplitData, pool: SplitData, classes: list[int], rows: Rows, seed: str) -> np.ndarray:
    """Donor rows of one draw, 2 n."""
    lenders = {c: _shuffled(pool, np.flatnonzero(pool.labels == c).astype(np.int64), seed) for c in classes}
    labels = split.labels[rows]
    position = {row: index for index, row in enumerate(rows.tolist())}
    found = np.empty((2, len(rows)), dtype=np.int64)
    turn = dict.fromkeys(classes, 0)
    for c in classes:
        order = _shuffled(split, rows[labels == c], seed)
        places = np.array([position[row] for row in order.tolist()], dtype=np.int64)
        found[0, places] = lenders[c][np.arange(len(order)) % len(lenders[c])]
        others = [other for other in (*classes[classes.index(c) :], *classes[: classes.index(c)]) if other != c]
        for start, other in enumerate(others):
            mine = places[start :: len(others)]
            found[1, mine] = lenders[other][(turn[other] + np.arange(len(mine))) % len(lenders[other])]
            turn[other] += len(mine)
    return found


def _shuffled(split: SplitData, rows: Labels, seed: str) -> Rows:
    """The rows in the order of a hash of seed and image id."""
    keys = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in split.ids(rows)]
    order: Rows = rows[np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)]
    return order
