"""What a check may ask for (needs), and what answers it (evidence)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, final

import numpy as np

from .errors import MissingEvidence, UndeclaredNeed
from .transplants.base import Transplant
from .types import (
    Attention,
    Features,
    HumanVotes,
    InputTrials,
    Labels,
    Lookalikes,
    MapSet,
    Predictions,
    ProbeArm,
    Probes,
    Properties,
    Rows,
    SplitName,
    Swaps,
    Target,
    TrainingHistory,
    TrustTrial,
)
from .views.base import View
from .views.identity import Identity

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class Need(Generic[T_co]):
    """A typed request: evidence[need] has the type in the brackets."""


@final
@dataclass(frozen=True)
class Predict(Need[Predictions]):
    """Predictions on a view of a split; `limit` asks for a seeded stratified sample of that many rows."""

    view: View = field(default_factory=Identity)
    split: SplitName = "test"
    limit: int | None = None
    swapped: bool = False
    """Only the test images whose cues are swapped, where the budget leaves some of them out."""


@final
@dataclass(frozen=True)
class Swap(Need[Swaps]):
    """Predictions on test images with one cue swapped, from donors of the same class and of another."""

    transplant: Transplant


@final
@dataclass(frozen=True)
class Embed(Need[Features]):
    """Penultimate features of a split, read in the same pass as its unchanged images."""

    split: SplitName = "test"


@final
@dataclass(frozen=True)
class Vote(Need[HumanVotes]):
    """What people called the images of a split, where the data set knows."""

    split: SplitName = "test"


@final
@dataclass(frozen=True)
class Describe(Need[Properties]):
    """Brightness, contrast and other properties of the pixels of a split."""

    split: SplitName = "test"


@final
@dataclass(frozen=True)
class Resemble(Need[Lookalikes]):
    """Test images that show the same as an image of any split; features of all splits decide which pixels are compared."""


@final
@dataclass(frozen=True)
class OutOfSample(Need[Predictions]):
    """Predictions by the fold models of a cross-validation (`--cross-validate`), none on an image that it learned from.

    Of `train` each image by the model that did not see it, of `validation` by one of the models in turn, of `test` the
    mean probabilities of all of them: a second opinion on the audited model.
    """

    split: SplitName = "train"


@final
@dataclass(frozen=True)
class Preflight(Need[InputTrials]):
    """What the model said, before all passes, to some validation images that were fed to it in several ways."""


@final
@dataclass(frozen=True)
class History(Need[TrainingHistory]):
    """How the training went; only a run that eyetest trained has one."""


@final
@dataclass(frozen=True)
class Select:
    """Which test images a phase-two need is about, decided from phase-one predictions."""

    kind: str
    """`errors`: wrong ones, surest first · `error_sample`: a seeded sample of them · `matched`: right ones like those of
    the sample · `sample`: a seeded sample of all · `ids`: these rows."""
    limit: int = 0
    chosen: tuple[int, ...] = ()

    @staticmethod
    def errors(limit: int) -> Select:
        """The `limit` most confident errors (confidence descending, then row)."""
        return Select("errors", limit)

    @staticmethod
    def error_sample(limit: int) -> Select:
        """A seeded sample of `limit` errors; two models that share errors share as many of the sample as can be."""
        return Select("error_sample", limit)

    @staticmethod
    def matched(limit: int) -> Select:
        """One right answer for each error of `error_sample(limit)`, as near as can be in logit margin."""
        return Select("matched", limit)

    @staticmethod
    def sample(limit: int) -> Select:
        """A seeded sample of `limit` images."""
        return Select("sample", limit)

    @staticmethod
    def ids(rows: tuple[int, ...]) -> Select:
        """Exactly these rows of the test split."""
        return Select("ids", len(rows), rows)

    def rows(self, predictions: Predictions, seed: int) -> Rows:
        """The selected rows of the split of `predictions`, in the selection's own order."""
        if self.kind == "ids":
            return np.array(self.chosen, dtype=np.int64)
        if self.kind == "sample":
            order = np.random.default_rng([seed, len(predictions.rows)]).permutation(len(predictions.rows))
            return np.sort(predictions.rows[order[: self.limit]])
        if self.kind == "error_sample":
            return predictions.rows[_sampled_errors(predictions, self.limit, seed)]
        if self.kind == "matched":
            return predictions.rows[_matched(predictions, _sampled_errors(predictions, self.limit, seed))]
        wrong = np.flatnonzero(~predictions.correct)
        surest = wrong[np.lexsort((predictions.rows[wrong], -predictions.confidence[wrong]))]
        result: Rows = predictions.rows[surest[: self.limit]]
        return result


@final
@dataclass(frozen=True)
class Explain(Need[MapSet]):
    """Maps by one method (a name in `explain/`), of one target class, for selected test images.

    A run may hold maps of more images than were selected (a study adds those of the other model);
    the answer then holds them all.
    """

    method: str
    target: Target
    select: Select


@final
@dataclass(frozen=True)
class Attend(Need[Attention]):
    """Where the maps of a method look, on all predicted test images or on a stratified sample of `limit`."""

    method: str
    target: Target = "predicted"
    limit: int | None = None


@final
@dataclass(frozen=True)
class Trust(Need[TrustTrial]):
    """Whether the maps of a method may be believed, tried on a sample of test images beside controls."""

    method: str
    target: Target = "predicted"
    select: Select = field(default_factory=lambda: Select.sample(64))


@final
@dataclass(frozen=True)
class Probe(Need[Probes]):
    """Answers to selected test images with each cue from many donors: an experiment on every single image.

    Cues that need object masks are left out where the data has none.
    """

    transplants: tuple[Transplant, ...]
    select: Select
    arms: tuple[ProbeArm, ...] = ("predicted", "third")
    draws: int = 8
    """Donors an arm, all different."""


def _sampled_errors(predictions: Predictions, limit: int, seed: int) -> Rows:
    """Positions of a seeded sample of the errors, in the order of one shuffle of all images."""
    order = np.random.default_rng([seed, len(predictions.rows)]).permutation(len(predictions.rows))
    result: Rows = order[~predictions.correct[order]][:limit].astype(np.int64)
    return result


def _matched(predictions: Predictions, errors: Rows) -> Rows:
    """Positions of the right answers that are nearest in margin to each error in turn, none taken twice."""
    free, margin = predictions.correct.copy(), predictions.margin
    found = []
    for error in errors[: int(free.sum())].tolist():
        nearest = int(np.where(free, np.abs(margin - margin[error]), np.inf).argmin())
        free[nearest] = False
        found.append(nearest)
    return np.array(found, dtype=np.int64)


@final
@dataclass(frozen=True)
class Context:
    """What is known about the data without asking a model."""

    classes: tuple[str, ...]
    data_title: str
    fingerprint: str
    """Of the data: seeds every resample, so that two runs on the same data resample alike."""
    seed: int
    groups: Labels | None = None
    """Group (patient, scene) of each test row, by row, where the data has groups: images of one are resampled together."""
    out_of_sample: str = ""
    """Which models made the out-of-sample predictions, in words; empty where there are none."""


@final
class Evidence:
    """The answers to one check's needs; reading anything else is an error that names check and need."""

    def __init__(
        self, owner: str, declared: frozenset[Need[Any]], context: Context, load: Callable[[Need[Any]], Any]
    ) -> None:
        self._owner, self._declared, self._load, self.context = owner, declared, load, context

    def __getitem__(self, need: Need[T]) -> T:
        """The evidence for a declared need.

        Raises UndeclaredNeed if needs() does not list it, MissingEvidence if this run does not hold it.
        """
        if need not in self._declared:
            raise UndeclaredNeed(f"{self._owner} read {need}, but its needs() does not list it.")
        value: T = self._load(need)
        return value


def perhaps(evidence: Evidence, need: Need[T]) -> T | None:
    """The evidence for a declared need, or None where this run does not hold it."""
    try:
        return evidence[need]
    except MissingEvidence:
        return None


def from_mapping(
    owner: str, context: Context, values: Mapping[Need[Any], Any], declared: Iterable[Need[Any]] = ()
) -> Evidence:
    """Evidence from a plain mapping: one line tests a check on made-up data. What is declared but not there is missing."""

    def load(need: Need[Any]) -> Any:
        if need not in values:
            raise MissingEvidence(f"there is no {type(need).__name__.lower()} evidence in this run")
        return values[need]

    return Evidence(owner, frozenset((*values, *declared)), context, load)
