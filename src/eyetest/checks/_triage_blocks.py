"""What the triage found, and the tables, cards and notes that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from ..evidence import Select
from ..records import Block, Card, Cell, Estimate, Gallery, Note, Table
from ..types import VERDICTS, Predictions, TriageVerdict, places
from ._triage import UNKNOWN, YES, Lift, Results
from ._witnesses import Witnesses

LISTED = 1000
WORDS: dict[TriageVerdict, str] = {
    "duplicate": "shows what another image shows",
    "label_error": "label probably wrong",
    "ambiguous": "ambiguous for people",
    "outlier": "unlike the training images",
    "label_suspect": "label only suspected",
    "model_error": "the model's own",
    "cannot_tell": "cannot tell",
}
BLIND: tuple[TriageVerdict, ...] = ("duplicate", "label_error", "ambiguous", "outlier")
"""Verdicts whose tests do not look at the answer of the audited model, so that right answers can have them too."""
TESTS = ("duplicates", "label", "people", "outliers")


@final
@dataclass(frozen=True)
class Sorted:
    """All that is known of the test images, and which of them are the errors in question."""

    predictions: Predictions
    results: Results
    witnesses: Witnesses
    chosen: np.ndarray
    """The errors that are sorted."""
    confident: bool
    """Whether only confident ones are."""
    lifts: dict[TriageVerdict, Lift]

    @cached_property
    def verdicts(self) -> np.ndarray:
        """Index into VERDICTS, one a test image."""
        return self.results.verdicts

    @property
    def missing(self) -> tuple[str, ...]:
        """Tests that could not be made on any of the errors."""
        states = (self.results.duplicate, self.results.label, self.results.ambiguous, self.results.outlier)
        return tuple(name for name, one in zip(TESTS, states, strict=True) if (one[self.chosen] == UNKNOWN).all())

    @property
    def possible(self) -> tuple[TriageVerdict, ...]:
        """The verdicts that could have been reached; of a test that was not made there is no number."""
        needed: dict[TriageVerdict, str] = dict(zip(BLIND, TESTS, strict=True))
        lacking = {verdict for verdict, test in needed.items() if test in self.missing}
        return tuple(one for one in VERDICTS if one not in lacking and not (one == "model_error" and lacking))

    def hits(self, verdict: TriageVerdict) -> np.ndarray:
        """Which test images would get this verdict."""
        result: np.ndarray = self.verdicts == VERDICTS.index(verdict)
        return result


def gallery(one: Sorted, verdict: TriageVerdict, classes: tuple[str, ...], shown: int) -> Gallery:
    """The surest errors with this verdict."""
    hit = one.hits(verdict)
    mine = [index for index in surest(one) if hit[index]]
    cards = tuple(card(one, index, verdict, classes) for index in mine[:shown])
    title = f"{WORDS[verdict][0].upper()}{WORDS[verdict][1:]}, surest first"
    return Gallery(title=title, total=len(mine), cards=cards)


def surest(one: Sorted) -> list[int]:
    """Positions of the errors in question, surest first, then by row."""
    rows = Select.errors(len(one.chosen)).rows(one.predictions, 0)
    return [index for index in places(one.predictions.rows, rows).tolist() if one.chosen[index]]


def verdict_table(one: Sorted, shares: Sequence[Estimate]) -> Table:
    """Each verdict with its share among the errors, among right answers, and its lift."""
    by_name = {share.name: share for share in shares}
    rows = tuple(_verdict_row(one, verdict, by_name.get(verdict)) for verdict in VERDICTS)
    columns = (
        "verdict",
        "errors",
        "share",
        "low",
        "high",
        "of right answers",
        "lift",
        "lift, low",
        "lift, high",
        "reading",
    )
    return Table(
        title="Verdicts, and how often right answers of the same confidence get them", columns=columns, rows=rows
    )


def _verdict_row(one: Sorted, verdict: TriageVerdict, share: Estimate | None) -> tuple[Cell, ...]:
    if share is None:
        return (WORDS[verdict], *[None] * 8, f"not tested: no evidence on {', '.join(one.missing)}")
    count = int((one.hits(verdict) & one.chosen).sum())
    start = (WORDS[verdict], count, share.value, share.low, share.high)
    lift = one.lifts.get(verdict)
    if lift is None:
        reason = "needs right answers of this confidence" if verdict in BLIND else "its rule looks at the answer"
        return (*start, None, None, None, None, f"no lift: {reason}")
    reading = "more than among right answers" if lift.difference.low > 0 else "noise: not credibly more"
    return (*start, lift.base, *lift.difference, reading)


def evidence_table(one: Sorted, classes: tuple[str, ...]) -> Table:
    """One row an error, with all that speaks for or against it."""
    predictions = one.predictions
    ids, confidence, predicted = predictions.ids, predictions.confidence, predictions.predicted
    rows = tuple(
        (
            ids[i],
            classes[predictions.labels[i]],
            classes[predicted[i]],
            float(confidence[i]),
            WORDS[VERDICTS[one.verdicts[i]]],
            *one.witnesses.words(i, classes),
        )
        for i in surest(one)[:LISTED]
    )
    columns = ("image", "label", "answer", "confidence", "verdict", "twins", "second opinion", "people", "distance")
    return Table(title="Every error with its evidence, surest first", columns=columns, rows=rows)


def card(one: Sorted, index: int, verdict: TriageVerdict, classes: tuple[str, ...]) -> Card:
    """The image at this position with its evidence."""
    predictions, name = one.predictions, one.predictions.ids[index]
    twin, second, said, far = one.witnesses.words(index, classes)
    return Card(
        id=name,
        truth=classes[predictions.labels[index]],
        predicted=classes[predictions.predicted[index]],
        confidence=float(predictions.confidence[index]),
        image=f"images/{name}.webp",
        group=WORDS[verdict],
        note=f"twins: {twin}; second opinion: {second}; people: {said}; distance: {far}",
    )


def notes(one: Sorted, accuracies: Sequence[Estimate], folds: str) -> list[Block]:
    """The accuracies beside each other, and who gave the second opinion."""
    by_name = {estimate.name: estimate for estimate in accuracies}
    raw, flattering = by_name["accuracy"], by_name["accuracy_errors_set_aside"]
    text = f"Accuracy is {_range(raw)} on all {raw.n:,} images"
    if "accuracy_set_aside" in by_name:
        aside, gain = by_name["accuracy_set_aside"], by_name["accuracy_set_aside_gain"]
        text += (
            f", and {_range(aside)} without the {int((one.results.label == YES).sum()):,} labels that look wrong by a rule "
            f"that does not see the answer, a paired difference of {100 * gain.value:+.2f} points ({100 * gain.low:+.2f} to "
            f"{100 * gain.high:+.2f})"
        )
    text += (
        f". Setting aside suspect labels only where the model was wrong would make it {_range(flattering)}; that "
        "flatters, because wrong labels that it agreed with stay in."
    )
    second = [Note(text=f"The second opinion is the mean of {folds}, at temperature 1.")] if folds else []
    return [Note(text=text), *second]


def _range(estimate: Estimate) -> str:
    return f"{estimate.value:.2%} ({estimate.low:.2%} to {estimate.high:.2%})"
