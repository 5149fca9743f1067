"""FAIL002: is each of these errors a label error, ambiguous for people, a leak, an outlier, or the model's own?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import confident_learning as learning
from ..evidence import Embed, Evidence, Need, OutOfSample, Predict, Resemble, Vote, perhaps
from ..outcome import Outcome
from ..records import Block, Cell, Estimate, Forest, Status
from ..types import SPLITS, VERDICTS, Column, HumanVotes, Lookalikes, Predictions, SplitName, TriageVerdict
from . import _triage as triage
from ._measure import measured, rate
from ._triage import NO, UNKNOWN, YES, Distances, Lift, Results
from ._triage_blocks import BLIND, WORDS, Sorted, evidence_table, gallery, notes, verdict_table
from ._witnesses import Witnesses
from .base import Check

FEWEST = 30
"""Errors below which nothing is concluded; with fewer confident ones, all errors are sorted."""


@final
@dataclass(frozen=True)
class ErrorTriage(Check):
    """One verdict for each confident error, by rules that were fixed in advance; the model's own are what is left.

    In this order: a twin in train or with another label; a label that independent models or people contradict; people
    disagree; far from all training images; a label that only the audited model contradicts. `model_error` is said only
    where every test was made and was negative, and `cannot_tell` otherwise. Where enough people were asked, they decide
    about the label, and no model does.
    """

    code: ClassVar[str] = "FAIL002"
    title: ClassVar[str] = "Error triage"
    question: ClassVar[str] = (
        "Is each of these errors a label error, ambiguous for people, a leak, an outlier, or the model's own?"
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A verdict says which known defect of the image or its label comes with the error, not that it caused the error.",
        "A verdict without lift over right answers of the same confidence is noise: right answers have it as often.",
        "The fold models share recipe and data with each other, perhaps with the audited model: what all of them learned "
        "wrongly looks like a label error. Only people can decide.",
        "Setting aside images because the model was wrong on them flatters it; read only the accuracy whose rule does not "
        "look at the answer.",
    )
    threshold: float = 0.9
    """Confidence from which an error counts as confident, as in FAIL001."""
    votes: int = 10
    """People that must have been asked about an image; with fewer, their shares say too little."""
    inside: float = 0.95
    """Share of the validation images that are no outliers: the false alarm rate is 1 in 20 by this choice."""
    shown: int = 8
    """Images in each verdict's gallery, surest first."""

    def needs(self) -> Iterable[Need[Any]]:
        """Everything that may speak for or against an image; only the predictions must be there."""
        splits: tuple[SplitName, ...] = ("test", "validation", "train")
        asked = (OutOfSample("test"), Vote(), Resemble())
        return (*(Predict(split=one) for one in splits), *(Embed(one) for one in splits), *asked)

    def run(self, evidence: Evidence) -> Outcome:
        """The verdicts with their evidence, their shares and their lift."""
        predictions, context = evidence[Predict()], evidence.context
        chosen, confident = self._chosen(predictions)
        if not chosen.any():
            few = f"There is no error among {len(chosen):,} test images, so nothing to sort"
            bound = f" (at most {min(3 / len(chosen), 1):.2%} of new images would be errors, by the rule of three)."
            return Outcome(self.finding("error_triage", "inconclusive", few + bound))
        one = self._sorted(evidence, predictions, chosen, confident)
        columns = _columns(one)
        shares = [
            rate(context, verdict, one.hits(verdict)[chosen], predictions.rows[chosen], better="neither",
                 statistic="ratio_of_means", columns=(verdict, "sorted"))
            for verdict in one.possible
        ]  # fmt: skip
        accuracies = [
            measured(context, name, statistic, names, columns, predictions.rows, unit="fraction", better="neither")
            for name, statistic, names in _accuracies(one)
        ]
        galleries = [
            gallery(one, verdict, context.classes, self.shown)
            for verdict in VERDICTS
            if one.hits(verdict)[chosen].any()
        ]
        blocks: list[Block] = [
            *galleries,
            Forest(title="Shares of the errors", x_label="share of the errors", estimates=one.possible),
            verdict_table(one, shares),
            evidence_table(one, context.classes),
            *notes(one, accuracies, context.out_of_sample),
        ]
        finding = self.finding(
            "error_triage",
            _status(one),
            self._headline(one, shares),
            estimates=[*shares, *accuracies],
            blocks=blocks,
            samples=[card.id for gallery in galleries for card in gallery.cards],
            params=self._params(one),
        )
        return Outcome(finding, predictions.ids, columns)

    def _chosen(self, predictions: Predictions) -> tuple[np.ndarray, bool]:
        """The confident errors, or all errors where those are few; and which of the two."""
        wrong = ~predictions.correct
        sure = wrong & (predictions.confidence >= self.threshold)
        return (sure, True) if sure.sum() >= FEWEST else (wrong, False)

    def _sorted(self, evidence: Evidence, predictions: Predictions, chosen: np.ndarray, confident: bool) -> Sorted:
        votes, pairs = perhaps(evidence, Vote()), perhaps(evidence, Resemble())
        second, far = perhaps(evidence, OutOfSample("test")), self._distances(evidence, predictions)
        others = {name: perhaps(evidence, Predict(split=name)) for name in SPLITS if name != "test"}
        known = {"test": predictions} | {str(name): one for name, one in others.items() if one is not None}
        results = self._results(predictions, known, votes, pairs, second, far)
        witnesses = Witnesses(predictions, known, votes, pairs, second, far)
        return Sorted(predictions, results, witnesses, chosen, confident, _lifts(predictions, results, chosen))

    def _results(
        self,
        predictions: Predictions,
        known: dict[str, Predictions],
        votes: HumanVotes | None,
        pairs: Lookalikes | None,
        second: Predictions | None,
        far: Distances | None,
    ) -> Results:
        nothing = triage.unknown(len(predictions.rows))
        suspect = _contradicted(predictions, known.get("validation"))
        label, ambiguous = nothing, nothing
        if second is not None and np.array_equal(second.rows, predictions.rows):
            label, contradicted, _ = triage.second_opinion(second)
            suspect = suspect | contradicted
        if votes is not None:
            said = triage.votes_of(predictions, votes, self.votes)
            label = np.where(said.asked, np.where(said.wrong, YES, NO), label)
            ambiguous = np.where(said.asked, np.where(said.ambiguous, YES, NO), UNKNOWN)
        return Results(
            duplicate=nothing if pairs is None else triage.twins(predictions, pairs, known),
            label=label,
            suspect=suspect,
            ambiguous=ambiguous,
            outlier=nothing if far is None else far.states,
        )

    def _distances(self, evidence: Evidence, predictions: Predictions) -> Distances | None:
        train, validation, test = (perhaps(evidence, Embed(split)) for split in ("train", "validation", "test"))
        if train is None or validation is None or test is None or not len(train.rows) or not len(validation.rows):
            return None
        return triage.distances(predictions, train, validation, test, self.inside)

    def _headline(self, one: Sorted, shares: Sequence[Estimate]) -> str:
        n = int(one.chosen.sum())
        what = f"confident errors (at least {self.threshold:.0%} sure)" if one.confident else "errors"
        parts = [
            f"{WORDS[verdict]} {share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
            for verdict, share in zip(one.possible, shares, strict=True)
            if share.value > 0
        ]
        few = " Too few to conclude anything." if n < FEWEST else ""
        missing = f" Not tested, because this run lacks the evidence: {', '.join(one.missing)}." if one.missing else ""
        return f"Of {n:,} {what}: {'; '.join(parts)}.{few}{missing}"

    def _params(self, one: Sorted) -> dict[str, Cell]:
        far = one.witnesses.far
        return {
            "threshold": self.threshold if one.confident else None,
            "sorted": "confident errors" if one.confident else "all errors: there are few confident ones",
            "fewest_votes": self.votes,
            "outlier_k": far.k if far else None,
            "outlier_threshold": far.threshold if far else None,
            "not_tested": ", ".join(one.missing),
        }


def _contradicted(predictions: Predictions, tuning: Predictions | None) -> np.ndarray:
    """Labels that the audited model itself contradicts, at the temperature of its validation images."""
    p = learning.temperature_of(tuning).apply(predictions.log_probabilities)
    result: np.ndarray = learning.candidates(p, predictions.labels)
    return result


def _lifts(predictions: Predictions, results: Results, chosen: np.ndarray) -> dict[TriageVerdict, Lift]:
    """The lift of each verdict that right answers can have too; the level is shared by all of them."""
    decile, confidence = triage.confidence_decile(predictions), 1 - 0.05 / len(BLIND)
    found = {
        verdict: triage.lift(
            results.verdicts == VERDICTS.index(verdict), chosen, predictions.correct, decile, confidence
        )
        for verdict in BLIND
    }
    return {verdict: one for verdict, one in found.items() if one is not None}


def _columns(one: Sorted) -> dict[str, Column]:
    correct, wrong_label = one.predictions.correct, one.results.label == YES
    blamed = ~correct & (wrong_label | (one.results.suspect & (one.results.label == UNKNOWN)))
    found: dict[str, np.ndarray] = {verdict: one.hits(verdict) & one.chosen for verdict in one.possible}
    found |= {"sorted": one.chosen, "correct": correct, "all": np.ones_like(correct)}
    found |= {"kept": ~wrong_label, "kept_correct": correct & ~wrong_label, "not_blamed": ~blamed}
    return {name: values.astype(np.float64) for name, values in found.items()}


def _accuracies(one: Sorted) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, statistic and columns of the accuracies: raw, with wrong labels set aside, and the flattering one."""
    found: list[tuple[str, str, tuple[str, ...]]] = [("accuracy", "ratio_of_means", ("correct", "all"))]
    if (one.results.label != UNKNOWN).any():
        found += [
            ("accuracy_set_aside", "ratio_of_means", ("kept_correct", "kept")),
            ("accuracy_set_aside_gain", "difference_of_ratios", ("kept_correct", "kept", "correct", "all")),
        ]
    return [*found, ("accuracy_errors_set_aside", "ratio_of_means", ("correct", "not_blamed"))]


def _status(one: Sorted) -> Status:
    """`concern` if twins or wrong labels are credibly more common among the errors; ok if all was tested and they are not."""
    if one.chosen.sum() < FEWEST:
        return "inconclusive"
    blamed = [one.lifts[verdict] for verdict in ("duplicate", "label_error") if verdict in one.lifts]
    if any(lift.difference.low > 0 for lift in blamed):
        return "concern"
    return "inconclusive" if one.missing else "ok"
