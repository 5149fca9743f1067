"""Training images that the model sees as most alike to single test images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import MissingEvidence
from ..evidence import Embed, Evidence, Predict
from ..records import TwinPicture
from ..types import Rows, image_ids, places

NEEDS = (Embed(), Embed("train"), Predict(split="train"))
"""What nearest() reads; where the run does not hold it, there is no nearest image."""
SHOWN = 3
PART = 8192


def nearest(evidence: Evidence, rows: Rows, classes: tuple[str, ...]) -> Mapping[int, tuple[TwinPicture, ...]]:
    """By test row: the nearest training images by cosine of their features; empty where there are no features."""
    try:
        test, train, known = evidence[Embed()], evidence[Embed("train")], evidence[Predict(split="train")]
    except MissingEvidence:
        return {}
    if not np.array_equal(train.rows, known.rows):
        return {}
    here = rows[np.isin(rows, test.rows)]
    closest, cosine = most_alike(test.values[places(test.rows, here)], train.values)
    return {
        row: tuple(
            _twin(image_ids("train", train.rows[one : one + 1])[0], classes[int(known.labels[one])], float(value))
            for one, value in zip(ones, values, strict=True)
        )
        for row, ones, values in zip(here.tolist(), closest.tolist(), cosine.tolist(), strict=True)
    }


def most_alike(features: np.ndarray, others: np.ndarray, shown: int = SHOWN) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the `shown` others of largest cosine to each row, and these cosines, largest first."""
    wanted = _unit(features)
    parts = [wanted @ _unit(others[start : start + PART]).T for start in range(0, len(others), PART)]
    cosine = np.concatenate(parts, axis=1)
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :shown]
    return order, np.take_along_axis(cosine, order, axis=1)


def _unit(values: np.ndarray) -> np.ndarray:
    whole = values.astype(np.float32)
    result: np.ndarray = whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12)
    return result


def _twin(name: str, label: str, cosine: float) -> TwinPicture:
    return TwinPicture(id=name, label=label, note=f"{name}, cosine {cosine:.2f}", file=f"images/{name}.webp")
