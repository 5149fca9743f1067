"""Predictions on the training images by models that did not see them: train on all folds but one, predict that one."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import final

import numpy as np
from lightning_fabric import Fabric

from ..data.base import Dataset, SplitData
from ..data.split import Subset, deal
from ..engine.execute import pixels
from ..engine.plan import batch_size
from ..errors import DataError
from ..models.classifier import Classifier
from ..models.load import load_model
from ..records import PassPlan, Plan
from ..store import RunDir
from ..types import SPLITS, Labels, Predictions, Progress, Rows
from .loop import train_model
from .profile import estimate
from .recipe import Recipe

GROUP = "group"
"""Metadata column whose equal values must not be parted: images of one patient, scene or film."""


@final
@dataclass(frozen=True)
class Folds:
    """How many models a cross-validation trains, and how."""

    count: int
    recipe: Recipe
    own: bool
    """Whether it is the recipe of the audited model."""

    @staticmethod
    def of(data: Dataset, count: int | None, recipe: Recipe, *, own: bool) -> Folds | None:
        """So many folds of this data, or None if no number is given; DataError if it has not so many parts."""
        if count is None:
            return None
        fold_of(data.train, count, 0)
        return Folds(count, recipe, own)

    @property
    def config(self) -> dict[str, object]:
        """What run.json says of it."""
        plan = self.recipe
        whose = "the audited model's own recipe" if self.own else "a recipe of eyetest, not known to be the model's own"
        words = f"{self.count} models by {whose} ({plan.name}, {plan.epochs} epochs, width {plan.width})"
        return {"cross_validation": words, "folds": self.count, "fold_recipe": asdict(plan)}

    def priced(self, planned: Plan, data: Dataset, device: str) -> Plan:
        """The plan with the trainings of the folds and what they cost."""
        images = (self.count - 1) * len(data.train)
        seconds = round(estimate([self.recipe], images, data.image_size, device), 1)
        what = f"cross-validate: train {self.count} models by {self.recipe.name}"
        one = PassPlan(what=what, split="train", images=images * self.recipe.epochs, seconds=seconds)
        changes = {"passes": (*planned.passes, one), "seconds": round(planned.seconds + seconds, 1)}
        return planned.model_copy(update=changes)


def cross_validation(
    data: Dataset, folds: Folds, run: RunDir, *, seed: int, fabric: Fabric, progress: Progress
) -> None:
    """Train a model for each fold and write what it says of the images that it did not learn from; a killed one goes on.

    Every training image is predicted by the model that did not see it, every validation image by one of the models in
    turn, every test image by all of them (the mean of their probabilities). Each chooses its epoch on the whole
    validation split. Nothing is done again that the run holds already.

    Raises DataError if there are fewer than two folds, or fewer groups than folds.
    """
    if run.out_of_sample("test") is not None:
        return
    job = CrossValidation(data, folds.recipe, run, fold_of(data.train, folds.count, seed), seed, fabric, progress)
    for number in range(folds.count):
        job.fold(number)
    job.gather()


def fold_of(split: SplitData, count: int, seed: int) -> Labels:
    """The fold of each image of a split; images of one group share it."""
    groups = split.metadata.get(GROUP)
    parts = len(split) if groups is None else len(np.unique(groups))
    if not 2 <= count <= parts:
        what = "images" if groups is None else "groups of images"
        raise DataError(
            f"A cross-validation in {count} folds was asked of {parts} {what}; from 2 folds to as many as there are "
            f"{what} were expected. Give --cross-validate 5."
        )
    return deal(split.labels, count, seed, groups)


@final
@dataclass(frozen=True)
class CrossValidation:
    """The folds of one training split, and the run that keeps what their models say."""

    data: Dataset
    recipe: Recipe
    run: RunDir
    fold_of: Labels
    seed: int
    fabric: Fabric
    progress: Progress

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.fold_of.max()) + 1

    def rows(self, split: str, number: int) -> Rows:
        """The rows of a split that the model of this fold predicts."""
        of_split = {
            "train": np.flatnonzero(self.fold_of == number),
            "validation": self.data.validation.rows[number :: self.count],
            "test": self.data.test.rows,
        }
        result: Rows = of_split[split].astype(np.int64)
        return result

    def fold(self, number: int) -> None:
        """Train without this fold and predict it, unless that is done."""
        if all(self.run.has_predictions(_key(number, split)) for split in SPLITS):
            return
        own = self.run.fold(number)
        if not own.trained:
            train_model(
                self._without(number),
                self.recipe,
                own,
                seed=self.seed + 1 + number,  # none starts from the weights of the audited model
                fabric=self.fabric,
                progress=lambda what, done, speed: self._tell(number, what, done, speed),
            )
        classifier = load_model(own.path, self.data.classes, name=f"fold {number + 1}")
        classifier.to(str(self.fabric.device))
        for name in SPLITS:
            split, rows = self.data.splits[name], self.rows(name, number)
            logits = _logits(classifier, split, rows)
            self.run.write_predictions(_key(number, name), Predictions(name, rows, split.labels[rows], logits))
        shutil.rmtree(own.path)

    def gather(self) -> None:
        """Write each split's predictions as one; that of the test split says that all is done."""
        for name in SPLITS:
            parts = [self.run.predictions(_key(number, name), name) for number in range(self.count)]
            self.run.write_out_of_sample(_mean(parts) if name == "test" else _joined(parts))

    def _without(self, number: int) -> Dataset:
        kept = np.flatnonzero(self.fold_of != number).astype(np.int64)
        return replace(self.data, splits={**self.data.splits, "train": Subset(self.data.train, kept)})

    def _tell(self, number: int, what: str, done: float, speed: float) -> None:
        self.progress(f"cross-validate, fold {number + 1} of {self.count}, {what}", (number + done) / self.count, speed)


def _key(number: int, split: str) -> str:
    return f"fold-{number}@{split}"


def _logits(classifier: Classifier, split: SplitData, rows: Rows) -> np.ndarray:
    size = batch_size(classifier)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    answers = [classifier.predict(pixels(split, part)).cpu().numpy() for part in parts]
    return np.concatenate([np.empty((0, len(classifier.classes)), dtype=np.float32), *answers])


def _joined(parts: list[Predictions]) -> Predictions:
    """Predictions on different rows, in the order of the rows."""
    rows, labels, logits = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "labels", "logits")
    )
    order = np.argsort(rows)
    return Predictions(parts[0].split, rows[order], labels[order], logits[order])


def _mean(parts: list[Predictions]) -> Predictions:
    """The mean probabilities on the same rows, as their logarithms."""
    together = np.logaddexp.reduce([part.log_probabilities for part in parts], axis=0) - np.log(len(parts))
    first = parts[0]
    return Predictions(first.split, first.rows, first.labels, together.astype(np.float32), "probabilities")
