"""Images that two models answer, as cards of a gallery, each with the answers and maps of both."""

from __future__ import annotations

import numpy as np

from ..records import Card, Gallery, MapPicture
from ..types import Column, Predictions, Rows
from .sides import Side

SHOWN = 12
OTHER = "images/other/"
"""Where a comparison keeps the maps of its second model."""
GROUPS = ("fixed", "broken", "still wrong")


def changed_masks(a: Predictions, b: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each image is fixed, newly broken, or wrong in both."""
    return b.correct & ~a.correct, a.correct & ~b.correct, ~a.correct & ~b.correct


def changed_rows(a: Predictions, b: Predictions) -> tuple[Rows, Rows, Rows]:
    """Test rows that are shown as fixed, newly broken and still wrong, the surest mistake first."""
    fixed, broken, still = changed_masks(a, b)
    return _surest(a, fixed), _surest(b, broken), _surest(b, still)


def card(a: Side, b: Side, classes: tuple[str, ...], group: str, row: int) -> Card:
    """One test row with what both models say."""
    index = int(np.flatnonzero(a.predictions.rows == row)[0])
    name = a.predictions.ids[index]
    return Card(
        id=name,
        truth=classes[a.predictions.labels[index]],
        predicted=classes[a.predictions.predicted[index]],
        confidence=_sure(a.predictions, index),
        image=f"images/{name}.webp",
        group=group,
        maps=maps_of(a, index, classes, "images/"),
        other_predicted=classes[b.predictions.predicted[index]],
        other_confidence=_sure(b.predictions, index),
        other_maps=maps_of(b, index, classes, OTHER),
    )


def maps_of(side: Side, index: int, classes: tuple[str, ...], folder: str) -> tuple[MapPicture, ...]:
    """Grad-CAM of the model's own answer, on the scale of its own gallery of confident errors."""
    known = side.findings.get("FAIL001")
    galleries = [block for block in known.blocks if isinstance(block, Gallery)] if known else []
    scales = [
        p for g in galleries for c in g.cards for p in c.maps if (p.method, p.target) == ("grad_cam", "predicted")
    ]
    row = int(side.predictions.rows[index])
    if not scales or row not in side.strongest:
        return ()
    answer = classes[side.predictions.predicted[index]]
    file = f"{folder}{side.predictions.ids[index]}-grad_cam-predicted.webp"
    changes = {"class_name": answer, "file": file, "own_maximum": side.strongest[row]}
    return (scales[0].model_copy(update=changes),)


def _surest(predictions: Predictions, chosen: np.ndarray) -> Rows:
    index = np.flatnonzero(chosen)
    confidence = _confidence(predictions)
    order = np.lexsort((predictions.rows[index], *([] if confidence is None else [-confidence[index]])))
    result: Rows = predictions.rows[index[order][:SHOWN]]
    return result


def _confidence(predictions: Predictions) -> Column | None:
    """Probability of each answer, or None where only the answers are known."""
    return None if predictions.given == "classes" else predictions.confidence


def _sure(predictions: Predictions, index: int) -> float | None:
    confidence = _confidence(predictions)
    return None if confidence is None else float(confidence[index])
