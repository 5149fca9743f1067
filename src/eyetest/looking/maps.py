"""The maps of one image by one method: why this, what speaks for the other, why this rather than that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from ..data.base import Dataset
from ..data.donors import arm_donors
from ..engine.execute import lent_images
from ..errors import MissingEvidence, UserError
from ..explain import explainer
from ..explain.base import DonorExplainer, Explainer, Lenders
from ..models.classifier import Classifier
from ..tensors import LogitTarget
from ..types import Predictions
from .record import Aim

Maps = Mapping[Aim, np.ndarray]
"""Float32 h w each, in the method's unit; a method with donors has no contrast."""


@final
@dataclass(frozen=True)
class NoMaps:
    """Why a method has no maps here."""

    problem: str


@final
@dataclass(frozen=True, eq=False)
class Asked:
    """One image with its answer."""

    name: str
    classifier: Classifier
    images: Tensor
    """1 3 h w, pixels in [0, 1]."""
    predictions: Predictions
    """Of this image; where its label is not known, the predicted class stands in for it."""
    data: Dataset | None
    seed: int

    @property
    def predicted(self) -> int:
        """The predicted class."""
        return int(self.predictions.predicted[0])

    @property
    def contender(self) -> int:
        """The label of a wrong answer, else the runner-up."""
        return int(self.predictions.contender[0])


def maps_of(name: str, asked: Asked) -> Maps | NoMaps:
    """The maps of the method called `name`, or why they cannot be made."""
    kind = explainer(name)
    try:
        found = _with_donors(kind, asked) if issubclass(kind, DonorExplainer) else _direct(kind(), asked)
    except (UserError, MissingEvidence) as error:
        return NoMaps(str(error).partition(". ")[0])
    if isinstance(found, dict) and not all(np.isfinite(values).all() for values in found.values()):
        return NoMaps("its maps hold NaN or infinite values here")
    return found


def _direct(method: Explainer, asked: Asked) -> Maps:
    this, that = (torch.tensor([one]) for one in (asked.predicted, asked.contender))
    targets: dict[Aim, LogitTarget] = {
        "predicted": LogitTarget(this),
        "contender": LogitTarget(that),
        "contrast": LogitTarget(this, that),
    }
    return {aim: _array(method(asked.classifier, asked.images, target)) for aim, target in targets.items()}


def _with_donors(kind: type[DonorExplainer], asked: Asked) -> Maps | NoMaps:
    """Maps of the two classes; donors show one class, so there is no contrast of two."""
    if asked.data is None:
        return NoMaps("it needs other images to take patches from; give --data")
    if asked.name.startswith("validation-"):
        return NoMaps("it takes patches from the validation images, and this is one of them")
    label = int(asked.predictions.labels[0])
    wanted: dict[Aim, int] = {"predicted": asked.predicted, "contender": asked.contender}
    pairs = [(one, label) for one in wanted.values()]
    pool, names = asked.data.validation, [asked.name] * len(pairs)
    kept, donors = arm_donors(names, pairs, ("predicted", "third"), pool, seed=asked.seed, draws=kind.draws)
    if len(kept) < len(pairs):
        return NoMaps(f"it needs three classes with {kind.draws} validation images each to take patches from")
    own, third = (lent_images(pool, donors[arm]) for arm in range(2))
    found: dict[Aim, np.ndarray] = {}
    for place, (aim, one) in enumerate(wanted.items()):
        part = slice(place, place + 1)
        method = kind(lenders=Lenders(own[:, part], third[:, part]))
        found[aim] = _array(method(asked.classifier, asked.images, LogitTarget(torch.tensor([one]))))
    return found


def _array(maps: Tensor) -> np.ndarray:
    values: np.ndarray = maps[0].float().cpu().numpy()
    return values
