"""Draw what a finding's galleries cite: the images, and the maps on the finding's own shared scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image

from ..data.base import Dataset
from ..records import Card, Finding, Gallery, MapPicture
from ..store import RunDir
from ..transplants.base import Batch, Transplant
from ..types import MapSet
from .swap import load_batch

MAP_SIDE = 64
"""Pixels of the longer side of a stored map, at most; those of the map itself where it is smaller."""
_STOPS = np.array(
    [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]], dtype=np.float64
)
"""Magma, at equal steps."""

Maps = Callable[[str], MapSet | None]


def draw_galleries(
    run: RunDir,
    finding: Finding,
    data: Dataset,
    maps: Maps,
    other: Maps | None = None,
    transplants: Sequence[Transplant] = (),
) -> None:
    """Write the files that the cards of all galleries name; `other` gives the maps of a second model."""
    by_key = {transplant.key: transplant for transplant in transplants}
    cards = [card for block in finding.blocks if isinstance(block, Gallery) for card in block.cards]
    for card in cards:
        row = int(card.id.rpartition("-")[2])
        split = next((one for one in data.splits.values() if one.name == card.id.rpartition("-")[0]), data.test)
        image = split.images(np.array([row], dtype=np.int64))[0].transpose(1, 2, 0)
        run.write_image(card.image, np.ascontiguousarray(image))
        for picture, source in _pictures(card, maps, other):
            found = source(f"{picture.method}-{picture.target}")
            position = np.flatnonzero(found.rows == row if found is not None else np.empty(0))
            if found is not None and len(position):
                run.write_image(picture.file, map_layer(found.values[position[0]], picture.low, picture.high))
        for swap in card.swaps:
            run.write_image(swap.file, swapped(data, by_key[swap.transplant], card.id, swap.donor))
        for twin in card.twins:
            run.write_image(twin.file, _image(data, twin.id))


def _image(data: Dataset, name: str) -> np.ndarray:
    """The image of an id, uint8 h w 3."""
    split, _, number = name.rpartition("-")
    source = next(one for one in data.splits.values() if one.name == split)
    found = source.images(np.array([int(number)], dtype=np.int64))[0].transpose(1, 2, 0)
    return np.ascontiguousarray(found)


def swapped(data: Dataset, transplant: Transplant, image: str, donor: str) -> np.ndarray:
    """The image with the donor's cue, uint8 h w 3: one row of donors.parquet made again."""
    base, lender = (_batch(data, name, masked=transplant.needs_masks) for name in (image, donor))
    changed = transplant(base, lender)[0].permute(1, 2, 0)
    return np.rint(255 * changed.numpy()).astype(np.uint8)


def _batch(data: Dataset, name: str, *, masked: bool) -> Batch:
    split, _, number = name.rpartition("-")
    rows = np.array([int(number)], dtype=np.int64)
    source = next(one for one in data.splits.values() if one.name == split)
    return load_batch(source, rows, torch.device("cpu"), masked=masked)


def map_layer(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A map to lay over its grey image, uint8 h w 4: transparent at `low` and below, opaque full colour from `high` on.

    Alpha is the share of the scale, so that a reader of the picture can undo or stretch it.
    """
    share = np.clip((values.astype(np.float64) - low) / max(high - low, 1e-12), 0, 1)
    picture = Image.fromarray(share.astype(np.float32))
    picture.thumbnail((MAP_SIDE, MAP_SIDE), Image.Resampling.BOX)
    stepped = np.rint(255 * np.clip(np.asarray(picture, dtype=np.float64), 0, 1)) / 255
    return np.rint(np.dstack([colours(stepped) * (stepped[..., None] > 0), 255 * stepped])).astype(np.uint8)


def overlay(image: np.ndarray, values: np.ndarray, low: float, high: float, side: int) -> np.ndarray:
    """The grey image with the map over it, uint8 h w 3: clear at `low` and below, full colour at `high` and above.

    The longer side has about `side` pixels for small images, and those of the image for larger ones.
    """
    scale = max(side // max(image.shape[:2]), 1)
    size = (image.shape[1] * scale, image.shape[0] * scale)
    grey = np.asarray(Image.fromarray(image).convert("L").resize(size, Image.Resampling.NEAREST), dtype=np.float64)
    share = np.clip((values.astype(np.float64) - low) / max(high - low, 1e-12), 0, 1)
    smooth = np.asarray(Image.fromarray(share.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    alpha = np.clip(smooth, 0, 1).astype(np.float64)[..., None]
    return np.rint((1 - alpha) * grey[..., None] + alpha * colours(alpha[..., 0])).astype(np.uint8)


def colours(share: np.ndarray) -> np.ndarray:
    """Magma colours, 0 to 255, of values in [0, 1]."""
    position = 1 + share * (len(_STOPS) - 2)
    index = np.minimum(position.astype(int), len(_STOPS) - 2)
    part = (position - index)[..., None]
    result: np.ndarray = (1 - part) * _STOPS[index] + part * _STOPS[index + 1]
    return result


def _pictures(card: Card, maps: Maps, other: Maps | None) -> list[tuple[MapPicture, Maps]]:
    pairs = [(picture, maps) for picture in card.maps]
    return pairs + ([(picture, other) for picture in card.other_maps] if other else [])
