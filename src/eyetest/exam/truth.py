"""What a model on planted data really used, known from its behaviour alone: same objects, cue always right or always wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .. import stats
from ..data.base import Dataset
from ..data.planted import Cue, PlantedSplit
from ..models.classifier import Classifier
from ..types import Labels, Pixels

BATCH = 64


class Truth(NamedTuple):
    """True use of one cue by one model."""

    aligned: float
    """Accuracy with the cue always the class's own."""
    conflicting: float
    """Accuracy with the cue always another class's."""
    used: stats.Interval
    """aligned − conflicting, Tango."""
    target: stats.Interval
    """What transplants should measure: λ × used, λ = q − (1 − q)/(K − 1), q = P(cue = class) among the donors."""
    n: int


def planted_truth(classifier: Classifier, data: Dataset, cue: Cue, *, in_object: bool = False) -> Truth:
    """The truth for one planted cue, from the test objects; the other cues stay natural.

    `in_object` leaves all pixels outside of the object natural. Raises TypeError if the data is not planted.
    """
    test, donors = data.test, data.validation
    if not isinstance(test, PlantedSplit):
        raise TypeError(f"{data.title} is not planted, so its truth is not known.")
    aligned, conflicting = (test.arranged(way, cue).images(test.rows) for way in ("aligned", "conflicting"))
    if in_object:
        outside, natural = ~test.objects[:, None], test.images(test.rows)
        aligned, conflicting = (np.where(outside, natural, images) for images in (aligned, conflicting))
    right = [correct(classifier, images, test.labels) for images in (aligned, conflicting)]
    both, only = int((right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
    lost, n = int((right[1] & ~right[0]).sum()), len(test)
    used = stats.tango(both, only, lost, n - both - only - lost)
    q = float((donors.metadata[f"cue_{cue}"] == donors.labels).mean())
    share = q - (1 - q) / (len(data.classes) - 1)
    target = stats.Interval(*(share * bound for bound in used))
    return Truth(float(right[0].mean()), float(right[1].mean()), used, target, n)


def correct(classifier: Classifier, images: Pixels, labels: Labels) -> np.ndarray:
    """Whether each image is answered right."""
    parts = torch.split(torch.from_numpy(images), BATCH)
    predicted = [classifier.predict(part.float() / 255).argmax(1).cpu().numpy() for part in parts]
    return np.concatenate(predicted) == labels
