"""What a model on planted data really used, known from its behaviour alone: same objects, cue always right or always wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .. import stats
from ..data.base import Dataset, SplitData
from ..data.planted import Cue, PlantedSplit
from ..models.classifier import Classifier

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


def planted_truth(classifier: Classifier, data: Dataset, cue: Cue) -> Truth:
    """The truth for one planted cue, from the test objects; the other cues stay natural."""
    test, donors = data.test, data.validation
    if not isinstance(test, PlantedSplit):
        raise TypeError(f"{data.title} is not planted, so its truth is not known.")
    right = [correct(classifier, test.arranged(way, cue)) for way in ("aligned", "conflicting")]
    both, only = int((right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
    lost, n = int((right[1] & ~right[0]).sum()), len(test)
    used = stats.tango(both, only, lost, n - both - only - lost)
    q = float((donors.metadata[f"cue_{cue}"] == donors.labels).mean())
    share = q - (1 - q) / (len(data.classes) - 1)
    target = stats.Interval(*(share * bound for bound in used))
    return Truth(float(right[0].mean()), float(right[1].mean()), used, target, n)


def correct(classifier: Classifier, split: SplitData) -> np.ndarray:
    """Whether each image of the split is answered right."""
    found = []
    for start in range(0, len(split), BATCH):
        rows = split.rows[start : start + BATCH]
        images = torch.from_numpy(split.images(rows)).float() / 255
        found.append(classifier.predict(images).argmax(1).cpu().numpy() == split.labels[rows])
    return np.concatenate(found)
