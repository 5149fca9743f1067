"""LAB001: which labels of the data set look wrong?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from .. import confident_learning as learning
from .. import stats
from ..calibrated import Temperature
from ..confident_learning import Chance
from ..evidence import Context, Evidence, Need, OutOfSample, Predict, perhaps
from ..outcome import Outcome
from ..records import Block, Card, Cell, Estimate, Gallery, Note, Scalar, Status, Table
from ..types import Column, Predictions
from .base import Check

LISTED = 300
FEWEST = 30
"""Images below which nothing is said."""
LEVEL = 0.025
"""One-sided level of the comparison with chance, divided by the number of splits that are examined."""


@final
@dataclass(frozen=True)
class Examined:
    """One split with the labels that its probabilities contradict, beside what chance would contradict."""

    predictions: Predictions
    temperature: Temperature
    fitted_on: str
    p: np.ndarray
    candidate: np.ndarray
    chance: Chance

    @cached_property
    def guess(self) -> np.ndarray:
        """The likeliest class."""
        result: np.ndarray = self.p.argmax(1)
        return result

    @property
    def flagged(self) -> int:
        """How many labels are candidates."""
        return int(self.candidate.sum())

    @property
    def p_value(self) -> float:
        """Chance of at least so many if every label were drawn from the probabilities."""
        return self.chance.p_value(self.flagged)

    @property
    def tells(self) -> bool:
        """Whether there are images enough, and probabilities whose doubt could be fitted."""
        return len(self.candidate) >= FEWEST and not self.temperature.at_limit

    @property
    def ranked(self) -> np.ndarray:
        """Positions, most suspicious first: candidates, then the others, each by normalised margin, then row."""
        margin = learning.normalised_margin(self.p, self.predictions.labels)
        return np.lexsort((self.predictions.rows, margin, ~self.candidate))


@final
@dataclass(frozen=True)
class LabelErrors(Check):
    """Confident learning on out-of-sample probabilities, compared with label sets drawn from those very probabilities.

    Images are ranked by normalised margin (probability of the label minus that of the likeliest other class), because
    the probability of the label alone is near 0 both where another class is sure and where the model knows nothing.
    """

    code: ClassVar[str] = "LAB001"
    title: ClassVar[str] = "Label errors"
    question: ClassVar[str] = "Which labels of the data set look wrong?"
    limits: ClassVar[tuple[str, ...]] = (
        "A candidate is a label that a model contradicts, not one that is proved wrong: look at the images. On CIFAR-10's "
        "test set, people found 54 of 275 such candidates wrong (Northcutt, Athalye & Mueller 2021).",
        "Labels that are wrong in a way the model learned are not found, and a model's own mistakes are found too. How many "
        "label errors are missed cannot be known from this.",
        "The comparison with chance asks whether more labels are contradicted than the model's own doubt explains. It "
        "depends on the temperature, and a model whose temperature was fitted on labels with errors doubts too much.",
        "Test images with near duplicates in the training set are not out of sample (LAB002).",
    )
    draws: int = 200
    """Label sets that are drawn from the probabilities."""
    shown: int = 24
    """Images in each gallery, most suspicious first."""

    def needs(self) -> Iterable[Need[Any]]:
        """The audited model on test and validation; of train only what models say that did not see the image."""
        return (Predict(), Predict(split="validation"), OutOfSample(), OutOfSample("validation"))

    def run(self, evidence: Evidence) -> Outcome:
        """The share of labels that are contradicted, against chance; ranked lists and galleries."""
        tuning, crossed = perhaps(evidence, Predict(split="validation")), perhaps(evidence, OutOfSample())
        found = {"test": self._examined(evidence[Predict()], tuning, evidence.context)}
        if crossed is not None:
            found["train"] = self._examined(crossed, perhaps(evidence, OutOfSample("validation")), evidence.context)
        ids, columns = _columns(found)
        estimates = [_rate(split, one) for split, one in found.items()]
        classes = evidence.context.classes
        galleries = [self._gallery(split, one, classes) for split, one in found.items()]
        blocks: list[Block] = [*galleries, Scalar(title="Contradicted labels", estimate="label_error_rate")]
        blocks += [_note(evidence.context, found), _chance_table(found)]
        for split, one in found.items():
            blocks += [_ranked_table(split, one, classes), _pair_table(split, one, classes)]
        finding = self.finding(
            "label_errors",
            _status(found),
            " ".join(_sentence(split, one, _beyond(one, found)) for split, one in found.items()),
            estimates=estimates,
            blocks=blocks,
            samples=[card.id for gallery in galleries for card in gallery.cards],
            params=_params(found) | {"draws": self.draws, "rank": "normalised margin, candidates first"},
        )
        return Outcome(finding, ids, columns)

    def _examined(self, predictions: Predictions, tuning: Predictions | None, context: Context) -> Examined:
        """Raises MissingEvidence if only predicted classes were given."""
        log_p = predictions.log_probabilities
        temperature = learning.temperature_of(tuning)
        p, labels = temperature.apply(log_p), predictions.labels
        random = stats.generator(f"{context.fingerprint}/{predictions.split}/label_errors")
        return Examined(
            predictions,
            temperature,
            "validation images" if tuning is not None and not temperature.at_limit else "nothing: it is 1",
            p,
            learning.candidates(p, labels),
            learning.chance(p, random, self.draws),
        )

    def _gallery(self, split: str, one: Examined, classes: tuple[str, ...]) -> Gallery:
        chosen = [i for i in one.ranked[: self.shown].tolist() if one.candidate[i]]
        cards = tuple(_card(one, i, classes) for i in chosen)
        return Gallery(title=f"Contradicted labels of {split}, most suspicious first", total=one.flagged, cards=cards)


def _columns(found: dict[str, Examined]) -> tuple[tuple[str, ...], dict[str, Column]]:
    """One row an image of any examined split: whether it is of the split, and a candidate there."""
    ids = tuple(name for one in found.values() for name in one.predictions.ids)
    part = np.concatenate([np.full(len(one.candidate), number) for number, one in enumerate(found.values())])
    candidate = np.concatenate([one.candidate for one in found.values()])
    margin = [learning.normalised_margin(one.p, one.predictions.labels) for one in found.values()]
    columns: dict[str, Column] = {"normalised_margin": np.concatenate(margin)}
    for number, split in enumerate(found):
        columns[f"in_{split}"] = (part == number).astype(np.float64)
        columns[f"candidate_{split}"] = (candidate & (part == number)).astype(np.float64)
    return ids, columns


def _rate(split: str, one: Examined) -> Estimate:
    interval = stats.wilson(one.flagged, len(one.candidate))
    return Estimate(
        name="label_error_rate" if split == "test" else f"{split}.label_error_rate",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(one.candidate),
        unit="fraction",
        better="neither",
        method=f"Wilson score interval of the candidates of confident learning, temperature {one.temperature.value:.3g}",
        statistic="ratio_of_means",
        columns=(f"candidate_{split}", f"in_{split}"),
    )


def _beyond(one: Examined, found: dict[str, Examined]) -> bool:
    """Whether more labels are contradicted than chance explains, at the level that all splits share."""
    return one.tells and one.p_value <= LEVEL / len(found)


def _status(found: dict[str, Examined]) -> Status:
    """`concern` if models that did not see the training images contradict more of their labels than chance explains.

    The audited model alone can only raise a suspicion: surplus confidence looks like wrong labels, so more than chance on
    the test images is `inconclusive`, as is a split that cannot tell. Else ok.
    """
    if "train" in found and _beyond(found["train"], found):
        return "concern"
    told = all(one.tells for one in found.values())
    return "ok" if told and not any(_beyond(one, found) for one in found.values()) else "inconclusive"


def _sentence(split: str, one: Examined, beyond: bool) -> str:
    n, (low, high) = len(one.candidate), one.chance.band
    if n < FEWEST:
        return f"Only {n} {split} images: too few to tell whether labels look wrong."
    rate = _rate(split, one)
    share = f"{one.flagged:,} of {n:,} {split} labels ({rate.value:.2%}, {rate.low:.2%} to {rate.high:.2%})"
    if beyond:
        return (
            f"{share} are contradicted, more than the model's own doubt explains ({low:.0f} to {high:.0f}): look at the most "
            "suspicious ones; which of them are wrong, and which are the model's surplus confidence, people must say."
        )
    if one.temperature.at_limit:
        return (
            f"{share} are contradicted; whether by more than chance cannot be told, because no temperature could be "
            "fitted on validation images (there are none, or their answers are all right or no better than chance)."
        )
    return (
        f"{share} are contradicted, no more than the model's own doubt explains ({low:.0f} to {high:.0f}): no label error "
        f"is reported in {split}."
    )


def _note(context: Context, found: dict[str, Examined]) -> Note:
    if "train" in found:
        return Note(text=f"Training images were judged by models that did not see them: {context.out_of_sample}.")
    return Note(
        text="The labels of the training images were not examined: that needs probabilities by models that did not learn "
        "from these images. A model that eyetest trained learned from them, and any other may have. Give "
        "--cross-validate 5 to train models that did not."
    )


def _chance_table(found: dict[str, Examined]) -> Table:
    rows = tuple(
        (
            split,
            len(one.candidate),
            one.flagged,
            *one.chance.band,
            one.p_value,
            _joint_error(one),
            one.temperature.value,
        )
        for split, one in found.items()
    )
    columns = ("split", "images", "contradicted", "chance, low", "chance, high", "p", "joint estimate", "temperature")
    return Table(title="Against labels drawn from the probabilities themselves", columns=columns, rows=rows)


def _joint_error(one: Examined) -> float:
    """Share of label errors that the calibrated confident joint estimates."""
    return 1.0 - float(np.trace(learning.calibrated_joint(one.p, one.predictions.labels)))


def _ranked_table(split: str, one: Examined, classes: tuple[str, ...]) -> Table:
    labels, ids = one.predictions.labels, one.predictions.ids
    margin = learning.normalised_margin(one.p, labels)
    rows = []
    for i in one.ranked[:LISTED].tolist():
        likely, own = int(one.guess[i]), float(one.p[i, labels[i]])
        named = classes[labels[i]], classes[likely]
        rows.append((ids[i], *named, bool(one.candidate[i]), float(margin[i]), own, float(one.p[i, likely])))
    columns = ("image", "label", "looks like", "candidate", "normalised margin", "p of the label", "p of that")
    return Table(title=f"Labels of {split}, most suspicious first", columns=columns, rows=tuple(rows))


def _pair_table(split: str, one: Examined, classes: tuple[str, ...]) -> Table:
    """Candidates of each pair as a share of the images with the given label, most first, beside chance."""
    labels, k = one.predictions.labels, len(classes)
    given = np.bincount(labels, minlength=k)
    counts = np.bincount((labels * k + one.guess)[one.candidate], minlength=k * k).reshape(k, k)
    pairs = sorted(np.argwhere(counts > 0).tolist(), key=lambda pair: (-counts[tuple(pair)], pair))
    rows = tuple(
        (
            f"{classes[i]} → {classes[j]}",
            int(counts[i, j]),
            float(one.chance.pairs[i, j]),
            *stats.wilson(int(counts[i, j]), int(given[i])),
        )
        for i, j in pairs[:LISTED]
    )
    columns = ("label → looks like", "candidates", "by chance", "share of the label", "low", "high")
    return Table(title=f"Candidates of {split} by pair of classes", columns=columns, rows=rows)


def _card(one: Examined, index: int, classes: tuple[str, ...]) -> Card:
    predictions, name = one.predictions, one.predictions.ids[index]
    truth, likely = classes[predictions.labels[index]], int(one.guess[index])
    own = float(one.p[index, predictions.labels[index]])
    return Card(
        id=name,
        truth=truth,
        predicted=classes[likely],
        confidence=float(one.p[index, likely]),
        image=f"images/{name}.webp",
        group=f"{truth} → {classes[likely]}",
        note=f"labelled {truth} (p = {own:.2g}), looks like {classes[likely]}",
    )


def _params(found: dict[str, Examined]) -> dict[str, Cell]:
    params: dict[str, Cell] = {}
    for split, one in found.items():
        params |= {
            f"{split}_temperature": one.temperature.value,
            f"{split}_temperature_at_limit": one.temperature.at_limit,
            f"{split}_temperature_fitted_on": one.fitted_on,
            f"{split}_p": one.p_value,
            f"{split}_level": LEVEL / len(found),
        }
    return params
