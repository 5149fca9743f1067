"""LAB002: which test images are (nearly) in the training set?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from ..evidence import Context, Evidence, Need, Predict, Resemble
from ..outcome import Outcome
from ..records import Block, Card, Estimate, Gallery, Scalar, Status, Table, TwinPicture
from ..types import SPLITS, Column, Lookalikes, Predictions, image_ids, places
from ._measure import measured, rate
from .base import Check

TEST = SPLITS.index("test")
LISTED = 300


@final
@dataclass(frozen=True)
class Duplicates(Check):
    """Test images that are also among the training or validation images, exactly or nearly, and what they do to accuracy.

    Nearly: the pixels correlate by .95 or more after a shift of up to 2 of 32 pixels, mirroring, brightness and contrast,
    and their fine structure by .5. Source: docs/design/METHODS.md section 4.3; Barz & Denzler 2020.
    """

    code: ClassVar[str] = "LAB002"
    title: ClassVar[str] = "Duplicates"
    question: ClassVar[str] = "Which test images are (nearly) in the training set?"
    limits: ClassVar[tuple[str, ...]] = (
        "Rotated, cropped or strongly retouched copies, and other pictures of the same scene, are not found.",
        "A duplicate is no proof that the model learned it by heart; the accuracies with and without are the measure.",
        "Duplicates within the test split count one scene twice, so that intervals are a little too narrow.",
    )
    tolerated: float = 0.01
    """Share of leaked test images up to which accuracy can be off by no more than one point."""
    shown: int = 24
    """Pairs in the gallery: those with two labels first, then errors, then by correlation."""

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images, and the pairs."""
        return (Predict(), Resemble())

    def run(self, evidence: Evidence) -> Outcome:
        """Rates with intervals, accuracy with and without the leaked images, and the ranked pairs."""
        predictions, pairs = evidence[Predict()], evidence[Resemble()]
        pairs = _of(pairs, predictions)
        columns = _columns(pairs, predictions)
        estimates = _estimates(evidence.context, columns, predictions)
        order, classes = _order(pairs, predictions), evidence.context.classes
        gallery = _gallery(pairs, predictions, classes, order, self.shown)
        blocks: list[Block] = [
            gallery,
            Scalar(title="Test images that are also in training or validation", estimate="duplicate_rate"),
            _table(pairs, predictions, classes, order),
        ]
        fooled = float(pairs.null_rate[0])
        finding = self.finding(
            "duplicates",
            self._status(estimates, fooled),
            _headline(estimates, columns),
            estimates=estimates.values(),
            blocks=blocks,
            samples=dict.fromkeys(card.id for card in gallery.cards),
            params={"null_rate": fooled, "pairs": len(pairs.rows), "tolerated": self.tolerated},
        )
        return Outcome(finding, predictions.ids, columns)

    def _status(self, estimates: Mapping[str, Estimate], fooled: float) -> Status:
        """`inconclusive` where pairs of different classes pass as often as the pairs that were found."""
        found = estimates["duplicate_rate"]
        if 0 < found.value <= fooled:
            return "inconclusive"
        return "concern" if found.low > self.tolerated or estimates["conflicting_rate"].value > 0 else "ok"


def _of(pairs: Lookalikes, predictions: Predictions) -> Lookalikes:
    """The pairs of images that were predicted."""
    kept = np.isin(pairs.rows, predictions.rows)
    labels = pairs.other_labels
    return Lookalikes(
        pairs.rows[kept],
        pairs.other[kept],
        pairs.other_split[kept],
        pairs.exact[kept],
        pairs.correlation[kept],
        pairs.tested,
        pairs.null_rate,
        None if labels is None else labels[kept],
    )


def _conflicting(pairs: Lookalikes, predictions: Predictions) -> np.ndarray:
    """Whether the two images of a pair have different labels."""
    if pairs.other_labels is None:
        return np.zeros(len(pairs.rows), dtype=bool)
    result: np.ndarray = pairs.other_labels != predictions.labels[places(predictions.rows, pairs.rows)]
    return result


def _columns(pairs: Lookalikes, predictions: Predictions) -> dict[str, Column]:
    where, leaks = places(predictions.rows, pairs.rows), pairs.other_split != TEST

    def those(chosen: np.ndarray) -> Column:
        column = np.zeros(len(predictions.rows))
        column[where[chosen]] = 1
        return column

    correct, leaked = predictions.correct.astype(float), those(leaks)
    return {
        "leaked": leaked,
        "leaked_exactly": those(leaks & pairs.exact),
        "twin_in_test": those(~leaks),
        "conflicting": those(_conflicting(pairs, predictions)),
        "correct": correct,
        "fresh": 1 - leaked,
        "correct_and_fresh": correct * (1 - leaked),
        "every": np.ones(len(correct)),
    }


def _estimates(context: Context, columns: Mapping[str, Column], predictions: Predictions) -> dict[str, Estimate]:
    rates = {
        "duplicate_rate": "leaked",
        "exact_duplicate_rate": "leaked_exactly",
        "test_twin_rate": "twin_in_test",
        "conflicting_rate": "conflicting",
    }
    found = [
        rate(context, name, columns[of] > 0, predictions.rows, better="neither", statistic="mean", columns=(of,))
        for name, of in rates.items()
    ]
    if 0 < columns["leaked"].sum() < len(predictions.rows):
        fresh = columns["fresh"] > 0
        without = rate(
            context,
            "accuracy_without_duplicates",
            predictions.correct[fresh],
            predictions.rows[fresh],
            better="higher",
            statistic="ratio_of_means",
            columns=("correct_and_fresh", "fresh"),
        )
        names = ("correct", "every", "correct_and_fresh", "fresh")
        gained = measured(
            context, "accuracy_gained", "difference_of_ratios", names, columns, predictions.rows,
            unit="fraction", better="neither",
        )  # fmt: skip
        found += [without, gained]
    return {one.name: one for one in found}


def _headline(estimates: Mapping[str, Estimate], columns: Mapping[str, Column]) -> str:
    found, twins = estimates["duplicate_rate"], int(columns["twin_in_test"].sum())
    said = f"{int(columns['leaked'].sum()):,} of {found.n:,} test images are also in training or validation, exactly or nearly"
    numbers = f" ({found.value:.2%}, {found.low:.2%} to {found.high:.2%})"
    within = f"; {twins:,} have a twin within the test split" if twins else ""
    conflicts = int(columns["conflicting"].sum())
    labels = f"; {conflicts:,} have a twin with another label" if conflicts else ""
    if "accuracy_gained" not in estimates:
        return f"{said}{numbers}{within}{labels}."
    gained = estimates["accuracy_gained"]
    moved = f"{100 * gained.value:+.2f} points ({100 * gained.low:+.2f} to {100 * gained.high:+.2f})"
    return f"{said}{numbers}{within}{labels}. They change accuracy by {moved}."


def _order(pairs: Lookalikes, predictions: Predictions) -> np.ndarray:
    """Two labels first, then errors, then training before test, then the most alike; each pair of test images once."""
    once = (pairs.other_split != TEST) | (pairs.rows < pairs.other)
    right = predictions.correct[places(predictions.rows, pairs.rows)]
    keys = (
        pairs.other,
        pairs.rows,
        -pairs.correlation,
        pairs.other_split == TEST,
        right,
        ~_conflicting(pairs, predictions),
    )
    order = np.lexsort(keys)
    result: np.ndarray = order[once[order]]
    return result


def _other_id(pairs: Lookalikes, index: int) -> str:
    return image_ids(SPLITS[int(pairs.other_split[index])], pairs.other[index : index + 1])[0]


def _label(pairs: Lookalikes, index: int, classes: tuple[str, ...]) -> str:
    return "" if pairs.other_labels is None else classes[int(pairs.other_labels[index])]


def _kind(pairs: Lookalikes, index: int) -> str:
    return "all pixels equal" if pairs.exact[index] else f"correlation {pairs.correlation[index]:.3f}"


def _gallery(
    pairs: Lookalikes, predictions: Predictions, classes: tuple[str, ...], order: np.ndarray, shown: int
) -> Gallery:
    where = places(predictions.rows, pairs.rows)
    cards = []
    for index in order[:shown].tolist():
        place, other = int(where[index]), _other_id(pairs, index)
        name = predictions.ids[place]
        twin = TwinPicture(
            id=other,
            label=_label(pairs, index, classes),
            note=f"{other}, {_kind(pairs, index)}",
            file=f"images/{other}.webp",
        )
        cards.append(
            Card(
                id=name,
                truth=classes[predictions.labels[place]],
                predicted=classes[predictions.predicted[place]],
                confidence=_confidence(predictions, place),
                image=f"images/{name}.webp",
                twins=(twin,),
            )
        )
    return Gallery(title="Test images and their twins, two labels first", total=len(order), cards=tuple(cards))


def _confidence(predictions: Predictions, place: int) -> float:
    """Of the answer; 1 where only classes were given."""
    return 1.0 if predictions.given == "classes" else float(predictions.confidence[place])


def _table(pairs: Lookalikes, predictions: Predictions, classes: tuple[str, ...], order: np.ndarray) -> Table:
    where, ids, answers = places(predictions.rows, pairs.rows), predictions.ids, predictions.predicted
    rows = tuple(
        (
            ids[where[index]],
            classes[predictions.labels[where[index]]],
            classes[answers[where[index]]],
            _other_id(pairs, index),
            _label(pairs, index, classes),
            bool(pairs.exact[index]),
            float(pairs.correlation[index]),
        )
        for index in order[:LISTED].tolist()
    )
    names = ("image", "label", "answer", "twin", "label of the twin", "all pixels equal", "correlation")
    return Table(title="Pairs, two labels first", columns=names, rows=rows)
