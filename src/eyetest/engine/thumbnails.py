"""Small pictures of the most telling test images, so that the page can show them without the data."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from PIL import Image

from ..data.base import Dataset
from ..errors import DataError
from ..store import RunDir
from ..types import Column, Predictions, Rows

MOST = 1200
"""Thumbnails a run keeps: about 0.6 MB for images of 32 × 32 pixels."""
SIDE = 64
"""Pixels of the longer side, at most."""
QUALITY = 90
"""Of WebP; at 32 × 32 pixels about 540 bytes an image."""
PART = 128
"""Images that are read at once."""


def keep_thumbnails(run: RunDir, key: str, data: Dataset, *, seed: int) -> None:
    """Thumbnails of the test images that this pass tells most about, unless they are kept already.

    Nothing is kept where the pass was not made or an image cannot be read: findings do not hang on pictures.
    """
    if run.has_thumbnails() or not run.has_predictions(key):
        return
    rows = telling_rows(run.predictions(key, "test"), MOST, seed)
    with suppress(DataError):
        run.write_thumbnails(data.test.ids(rows), list(_encoded(data, rows)))


def telling_rows(predictions: Predictions, most: int, seed: int) -> Rows:
    """At most `most` rows, the most telling first.

    A quarter are the surest errors, half are errors spread over the cells of the confusion matrix, an eighth the least sure
    right answers, and the rest right answers drawn at random, as many of each class. What one of these lacks the next has.
    """
    sure, wrong = _confidence(predictions), ~predictions.correct
    order = np.lexsort((predictions.rows, -sure))
    errors, rights = order[wrong[order]], order[~wrong[order]][::-1]
    cells = predictions.labels * predictions.logits.shape[1] + predictions.predicted
    drawn = np.random.default_rng(seed).permutation(rights)
    surest, unsure = errors[: most // 4], rights[: most // 8]
    spread = errors[np.argsort(_rank_within(cells[errors]), kind="stable")][: most // 2 + most // 4]
    even = drawn[np.argsort(_rank_within(predictions.labels[drawn]), kind="stable")]
    first = list(dict.fromkeys(np.concatenate([surest, spread]).tolist()))[: most // 4 + most // 2]
    every = [*first, *unsure.tolist(), *even.tolist(), *errors.tolist()]
    positions = list(dict.fromkeys(every))[:most]
    chosen: Rows = predictions.rows[positions]
    return chosen


def thumbnail(pixels: np.ndarray) -> bytes:
    """WebP of uint8 pixels h w 3, at most SIDE pixels on the longer side."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, format="WEBP", quality=QUALITY)
    return written.getvalue()


def _encoded(data: Dataset, rows: Rows) -> Iterator[bytes]:
    for start in range(0, len(rows), PART):
        images = data.test.images(rows[start : start + PART]).transpose(0, 2, 3, 1)
        yield from (thumbnail(np.ascontiguousarray(image)) for image in images)


def _confidence(predictions: Predictions) -> Column:
    """Confidence, or the same for all where only classes were given."""
    return np.zeros(len(predictions.rows)) if predictions.given == "classes" else predictions.confidence


def _rank_within(groups: np.ndarray) -> np.ndarray:
    """0 for the first of each group, 1 for the second, in the order given."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))
    return rank
