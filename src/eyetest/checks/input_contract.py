"""DAT001: is the model fed what it was trained on?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..errors import MissingEvidence
from ..evidence import Context, Evidence, Need, Predict, Preflight
from ..outcome import Outcome
from ..records import Cell, Estimate, Finding, Note, Status, Table
from ..types import Column, InputTrials, Predictions, image_ids
from ._input_faults import (
    ALPHA,
    FALSE_ALARM,
    FEEDINGS,
    FEW,
    GROSS,
    NOTABLE,
    Fault,
    Gain,
    answer_faults,
    faults,
    gains,
    instability,
    reordering,
)
from ._measure import rate
from .base import Check

NAME = "input_contract"
UNKNOWN = (
    "It was trained by eyetest on other data, and that training kept no hashes of its images (an older version): whether "
    "test images were trained on cannot be known. The training split of this data was compared instead."
)
FOREIGN = (
    "It is not known on which images it was trained; test images were compared with the training split of this data."
)


@final
@dataclass(frozen=True)
class InputContract(Check):
    """Answers to validation images fed in other ways, asked twice, in other orders of classes; and test images it has seen."""

    code: ClassVar[str] = "DAT001"
    title: ClassVar[str] = "Input contract"
    question: ClassVar[str] = (
        "Is the model fed what it was trained on (mode, range, normalisation, class order, chance level, leaked test set)?"
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Only the ways of feeding in the table were tried; a fault that costs no accuracy is not seen, and need not be.",
        f"It speaks where a paired test is at most {ALPHA:g} and the gain at least {100 * NOTABLE:g} points; a harmless model "
        f"is called faulty with probability at most {FALSE_ALARM:g}.",
        "Leaks are exact copies only; LAB002 looks for near ones.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """What was tried before the passes; without a model, the test predictions."""
        return (Preflight(), Predict())

    def run(self, evidence: Evidence) -> Outcome:
        """The faults, each way of feeding with its paired difference, and what was compared."""
        try:
            trials = evidence[Preflight()]
        except MissingEvidence:
            return self._of_answers(evidence[Predict()], evidence.context)
        return self._of_trials(trials, evidence.context)

    def _of_trials(self, trials: InputTrials, context: Context) -> Outcome:
        stated = trials.logits.argmax(1) == trials.labels
        found, ways = faults(trials, context.classes), gains(trials.labels, stated, trials.answers)
        order = reordering(trials.labels, trials.logits.argmax(1), len(context.classes))[1]
        moved = np.maximum(instability(trials.logits, trials.again), instability(trials.logits, trials.mixed))
        whole = {name: one for name, one in trials.answers.items() if len(one) == len(stated)}
        columns = {"stated": stated.astype(float)}
        columns |= {name: (one == trials.labels).astype(float) for name, one in whole.items()}
        estimates = _estimates(context, columns, trials, ways, order, moved)
        unknown = trials.trained_on == "unknown" or len(stated) < FEW
        status: Status = "concern" if found else "inconclusive" if unknown else "ok"
        finding = self._finding(
            status, found, _sound(estimates[0], len(ways), trials), estimates, [_table(ways, stated)]
        )
        notes = {"unknown": UNKNOWN, "data": FOREIGN}
        if trials.trained_on in notes:
            finding = finding.model_copy(update={"blocks": (*finding.blocks, Note(text=notes[trials.trained_on]))})
        return Outcome(finding, image_ids("validation", trials.rows), columns)

    def _of_answers(self, predictions: Predictions, context: Context) -> Outcome:
        found = answer_faults(predictions, context.classes)
        correct = predictions.correct
        columns = {"stated": correct.astype(float)}
        order = reordering(predictions.labels, predictions.predicted, len(context.classes))[1]
        accuracy = rate(
            context, "accuracy", correct, predictions.rows, better="higher", statistic="mean", columns=("stated",)
        )
        sound = (
            f"No fault seen in its saved answers: right on {accuracy.value:.1%} of {accuracy.n:,} test images "
            f"({accuracy.low:.1%} to {accuracy.high:.1%}). How it was fed cannot be tried without the model."
        )
        status: Status = "concern" if found else "inconclusive" if accuracy.n < FEW else "ok"
        finding = self._finding(status, found, sound, [accuracy, *_of_order(order)], [])
        return Outcome(finding, predictions.ids, columns)

    def _finding(
        self,
        status: Status,
        found: Sequence[Fault],
        sound: str,
        estimates: Sequence[Estimate],
        tables: Sequence[Table],
    ) -> Finding:
        rows = tuple((fault.kind, fault.seen, fault.advice) for fault in found)
        listed = [Table(title="Faults", columns=("fault", "what was seen", "what to do"), rows=rows)] if rows else []
        params: dict[str, Cell] = {
            "faults": ", ".join(dict.fromkeys(fault.kind for fault in found)),
            "fed": ", ".join(name for fault in found for name in fault.feedings),
            "refused": any(fault.refused for fault in found),
        }
        params |= {"alpha": ALPHA, "least_gain": NOTABLE, "refused_from": GROSS}
        return self.finding(
            NAME, status, _headline(found) or sound, estimates=estimates, blocks=[*listed, *tables], params=params
        )


def _headline(found: Sequence[Fault]) -> str:
    if not found:
        return ""
    first, *others = [fault.seen for fault in found]
    also = f" Also: {'; '.join(others)}." if others else ""
    warning = " The other findings are not to be relied on." if any(fault.refused for fault in found) else ""
    return f"{first[0].upper()}{first[1:]}.{also}{warning}"


def _sound(accuracy: Estimate, ways: int, trials: InputTrials) -> str:
    if accuracy.n < FEW:
        return f"Only {accuracy.n} validation images could be tried; at least {FEW} are needed to tell how it is to be fed."
    whose = "that it was trained on" if trials.trained_on == "run" else "of the training split"
    return (
        f"No fault seen: fed as stated it is right on {accuracy.value:.1%} of {accuracy.n:,} validation images "
        f"({accuracy.low:.1%} to {accuracy.high:.1%}), and none of {ways} other ways of feeding it is better by more than "
        f"chance. {len(trials.seen_test):,} of {trials.compared[0]:,} test images are among the "
        f"{trials.compared[2]:,} images {whose}."
    )


def _estimates(
    context: Context,
    columns: dict[str, Column],
    trials: InputTrials,
    ways: Sequence[Gain],
    order: Gain,
    moved: np.ndarray,
) -> list[Estimate]:
    right, rows = columns["stated"] > 0, trials.rows
    found = [rate(context, "accuracy", right, rows, better="higher", statistic="mean", columns=("stated",))]
    if ways:
        best = max(ways, key=lambda gain: gain.value)
        pairs = [("preferred_gain", best), *((f"gain[{gain.name}]", gain) for gain in ways)]
        found += [_of_gain(name, gain, whole=gain.name in columns) for name, gain in pairs]
    found += [*_of_order(order), _of_instability(context, moved)]
    compared = np.arange(trials.compared[0])
    if len(compared):
        found.append(rate(context, "leaked", compared < len(trials.seen_test), compared, better="lower"))
    return found


def _of_gain(name: str, gain: Gain, *, whole: bool) -> Estimate:
    value, low, high = gain.difference
    return Estimate(
        name=name,
        value=value,
        low=low,
        high=high,
        confidence=gain.confidence,
        n=gain.n,
        unit="fraction",
        better="neither",
        method=f"Tango score interval, simultaneous over all ways of feeding; {FEEDINGS[gain.name][0]}",
        statistic="least_difference_of_means" if whole else None,
        columns=("stated", gain.name) if whole else (),
    )


def _of_instability(context: Context, moved: np.ndarray) -> Estimate:
    """Mean total variation between two answers to an image, the larger of asking again and of asking in other batches."""
    value, low, high = stats.bootstrap(stats.mean, [moved], context.fingerprint)
    return Estimate(
        name="instability",
        value=value,
        low=low,
        high=high,
        n=len(moved),
        unit="fraction",
        better="lower",
        method=f"percentile bootstrap over images, {stats.RESAMPLES} resamples",
    )


def _of_order(gain: Gain) -> list[Estimate]:
    """The gain of the best other order of classes, on the half that did not choose it; nothing without images."""
    if not gain.n:
        return []
    value, low, high = gain.difference
    method = "Tango score interval on the half of the images that did not choose the order"
    return [
        Estimate(
            name="reordered_gain",
            value=value,
            low=low,
            high=high,
            n=gain.n,
            unit="fraction",
            better="neither",
            method=method,
        )
    ]


def _table(ways: Sequence[Gain], stated: np.ndarray) -> Table:
    first: tuple[Cell, ...] = ("as stated", len(stated), float(stated.mean()), None, None, None, None)
    rows = tuple(
        (FEEDINGS[gain.name][0], gain.n, gain.accuracy, *gain.difference, gain.p)
        for gain in sorted(ways, key=lambda gain: -gain.accuracy)
    )
    names = ("fed", "images", "accuracy", "minus stated", "low", "high", "p (exact McNemar, Holm)")
    return Table(
        title="Ways of feeding it; one that fared worse on the first images was given up",
        columns=names,
        rows=(first, *rows),
    )
