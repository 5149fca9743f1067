"""Pictures of images with a swapped cue, and what was answered to them."""

from __future__ import annotations

import numpy as np

from ..records import Card, Gallery, SwapPicture
from ..types import Predictions
from ._swapped import Swapped

SHOWN = 8


def cue_gallery(one: Swapped, predictions: Predictions, classes: tuple[str, ...]) -> Gallery:
    """Images that were right as they are and with their own class's cue, and went over to the other donor's class."""
    swaps = one.swaps
    followed = (one.followed[0] * one.right[0, 0] * one.plain[0]).astype(bool)
    sure = softmax(swaps.logits[0, 1]).max(1)
    chosen = np.flatnonzero(followed)
    chosen = chosen[np.lexsort((swaps.table.rows[chosen], -sure[chosen]))]
    cards = tuple(swap_card(one, index, predictions, classes) for index in chosen[:SHOWN].tolist())
    words = one.transplant.words
    return Gallery(title=f"Taken over by {words} of another class, surest first", total=len(chosen), cards=cards)


def swap_card(one: Swapped, index: int, predictions: Predictions, classes: tuple[str, ...], group: str = "") -> Card:
    """Original, with its own class's cue, with another class's cue, and what was answered."""
    row = int(one.swaps.table.rows[index])
    place = int(np.flatnonzero(predictions.rows == row)[0])
    name = predictions.ids[place]
    return Card(
        id=name,
        truth=classes[predictions.labels[place]],
        predicted=classes[predictions.predicted[place]],
        confidence=float(predictions.confidence[place]),
        image=f"images/{name}.webp",
        group=group,
        swaps=tuple(_swap_picture(one, index, arm, name, classes) for arm in (0, 1)),
    )


def _swap_picture(one: Swapped, index: int, arm: int, name: str, classes: tuple[str, ...]) -> SwapPicture:
    swaps, key = one.swaps, one.transplant.key
    probabilities = softmax(swaps.logits[0, arm, index : index + 1])[0]
    donor = int(swaps.table.donors[0, arm, index])
    return SwapPicture(
        transplant=key,
        donor=f"validation-{donor}",
        donor_class=classes[swaps.table.classes[0, arm, index]],
        predicted=classes[int(probabilities.argmax())],
        confidence=float(probabilities.max()),
        file=f"images/{name}-{key}-validation-{donor}.webp",
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(-1, keepdims=True)
    return result
