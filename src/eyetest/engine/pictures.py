"""Draw what a finding's galleries cite: the images, and the maps on the finding's own shared scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from ..data.base import SplitData
from ..records import Card, Finding, Gallery, MapPicture
from ..store import RunDir
from ..types import MapSet

MAP_SIDE = 128
"""Pixels of the longer side of a drawn map, for small images."""
_STOPS = np.array(
    [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]], dtype=np.float64
)
"""Magma, at equal steps."""

Maps = Callable[[str], MapSet | None]


def draw_galleries(run: RunDir, finding: Finding, test: SplitData, maps: Maps, other: Maps | None = None) -> None:
    """Write the files that the cards of all galleries name; `other` gives the maps of a second model."""
    cards = [card for block in finding.blocks if isinstance(block, Gallery) for card in block.cards]
    for card in cards:
        row = int(card.id.rpartition("-")[2])
        image = test.images(np.array([row], dtype=np.int64))[0].transpose(1, 2, 0)
        run.write_image(card.image, np.ascontiguousarray(image))
        for picture, source in _pictures(card, maps, other):
            found = source(f"{picture.method}-{picture.target}")
            position = np.flatnonzero(found.rows == row if found is not None else np.empty(0))
            if found is not None and len(position):
                run.write_image(picture.file, overlay(image, found.values[position[0]], picture.low, picture.high))


def overlay(image: np.ndarray, values: np.ndarray, low: float, high: float) -> np.ndarray:
    """The grey image with the map over it, uint8 h w 3: clear at `low` and below, full colour at `high` and above."""
    scale = max(MAP_SIDE // max(image.shape[:2]), 1)
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
