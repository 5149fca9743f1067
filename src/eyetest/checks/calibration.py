"""CAL001: does 90 % sure mean right 90 % of the time?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import calibrated, stats
from ..distributions import Z
from ..errors import MissingEvidence
from ..evidence import Context, Evidence, Need, Predict
from ..outcome import Outcome
from ..records import Block, Curve, Estimate, Note, Series, Status, Table
from ..types import Column, Predictions, Rows
from ._measure import calibration_error, measured
from .base import Check

CLEAR = 0.02
"""Debiased ECE from which a miscalibration is called a concern: two points."""
FEW = 30
"""Images below which numbers are shown and nothing is concluded."""
LEAST = 1e-12
"""Smaller probabilities of the label count as this, so that one image cannot make the loss infinite."""
MOST_TESTED = 100
"""Classes up to which each is tested; more would take minutes of draws."""
LISTED = 20
LEVEL = 0.05


@final
@dataclass(frozen=True)
class Calibration(Check):
    """Stated confidence against the share of right answers, proper scores, and what one temperature would mend.

    Status, by the debiased ECE with 5, 10, 15, 20, 30 and 50 bins: `concern` if every interval lies above 2 points, `ok` if
    none reaches above 2 points, else `inconclusive`; also with under 30 images.
    """

    code: ClassVar[str] = "CAL001"
    title: ClassVar[str] = "Calibration"
    question: ClassVar[str] = "Does 90 % sure mean right 90 % of the time?"
    limits: ClassVar[tuple[str, ...]] = (
        "ECE depends on the bins (15 of equal mass here) and is biased upward when calibration is good; the debiased value, "
        "other numbers of bins and the proper scores stand beside it. Their intervals are all of the true ECE with those bins, "
        "and are lengthened where the number itself lies outside.",
        "Good on average may hide a class that is not; the classes are tested one by one, with few images each.",
        "It holds for images drawn like these test images; elsewhere a model is usually too sure (Ovadia et al. 2019).",
        "The temperature was fitted on validation images; intervals after it take it as known.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images, and on the validation images for the temperature."""
        return (Predict(), Predict(split="validation"))

    def run(self, evidence: Evidence) -> Outcome:
        """ECE with its bins, classes and draws by chance; Brier score and negative log-likelihood; temperature."""
        predictions, context = evidence[Predict()], evidence.context
        columns = _columns(predictions)
        estimates = _estimates(context, columns, predictions.rows)
        classwise, classes = _classwise(context, predictions)
        groups = None if context.groups is None else context.groups[predictions.rows]
        sweep = stats.ece_sweep(columns["confidence"], columns["correct"], context.fingerprint, groups=groups)
        chance = calibrated.consistency(
            columns["confidence"],
            estimates[0].value,
            stats.generator(f"{context.fingerprint} consistency"),
            bins=stats.BINS,
        )
        mended, after = _mended(evidence, predictions, columns)
        finding = self.finding(
            "calibration",
            _status(estimates[1], sweep, len(predictions.rows)),
            _headline(estimates[0], estimates[-1]),
            estimates=[*estimates, classwise, *mended],
            blocks=[*_bins(columns, chance), _sweep_table(sweep), *classes, *after],
            params={
                "bins": stats.BINS,
                "consistency_p": chance.p,
                "ece_if_calibrated": chance.expected,
                "clipped": int((predictions.loss > -math.log(LEAST)).sum()),
            },
        )
        return Outcome(finding, predictions.ids, columns)


def _columns(predictions: Predictions) -> dict[str, Column]:
    confidence, correct = predictions.confidence, predictions.correct.astype(float)
    return {
        "confidence": confidence,
        "correct": correct,
        "overconfidence": confidence - correct,
        "brier": stats.brier(predictions.probabilities, predictions.labels),
        "nll": np.minimum(predictions.loss, -math.log(LEAST)),
    }


def _estimates(context: Context, columns: Mapping[str, Column], rows: Rows) -> list[Estimate]:
    """ECE first, then debiased; what says whether it is too sure comes last."""
    pair = ("confidence", "correct")
    return [
        calibration_error(context, "ece", "ece", pair, columns, rows),
        calibration_error(context, "ece_debiased", "ece_debiased", pair, columns, rows),
        measured(context, "brier", "mean", ("brier",), columns, rows, unit="0 to 2", better="lower"),
        measured(context, "nll", "mean", ("nll",), columns, rows, unit="nats", better="lower"),
        measured(
            context, "overconfidence", "mean", ("overconfidence",), columns, rows, unit="fraction", better="neither"
        ),
    ]


def _status(debiased: Estimate, sweep: Mapping[int, stats.Interval], n: int) -> Status:
    """Every number of bins must say the same."""
    intervals = [(debiased.low, debiased.high), *((one.low, one.high) for one in sweep.values())]
    if n >= FEW and all(low > CLEAR for low, _ in intervals):
        return "concern"
    return "ok" if n >= FEW and all(high <= CLEAR for _, high in intervals) else "inconclusive"


def _headline(ece: Estimate, side: Estimate) -> str:
    if side.low <= 0 <= side.high:
        on_the_whole = "on the whole it is neither too sure nor too unsure"
    else:
        word = "too sure of itself" if side.value > 0 else "less sure than it could be"
        on_the_whole = f"on the whole it is {word} by {100 * abs(side.value):.1f} points"
        on_the_whole += " ({:.1f} to {:.1f})".format(*sorted((100 * abs(side.low), 100 * abs(side.high))))
    return (
        f"Confidence and accuracy differ by {100 * ece.value:.1f} points on average ({100 * ece.low:.1f} to "
        f"{100 * ece.high:.1f}, n = {ece.n:,}, {stats.BINS} bins of equal mass); {on_the_whole}."
    )


def _bins(columns: Mapping[str, Column], chance: calibrated.Consistency) -> list[Curve | Table | Note]:
    """The reliability diagram; points inside the grey band are compatible with calibration."""
    sizes, accuracy, sureness = stats.calibration_bins(columns["confidence"], columns["correct"])
    intervals = [stats.wilson(round(a * n), int(n)) for a, n in zip(accuracy, sizes, strict=True)]
    at = tuple(sureness.tolist())
    low, high = tuple(chance.low.tolist()), tuple(chance.high.tolist())
    ends = tuple(one.low for one in intervals), tuple(one.high for one in intervals)
    curve = Curve(
        title="Confidence against accuracy",
        x_label="stated confidence",
        y_label="accuracy",
        series=(
            Series(name="95 % of bins if calibrated", x=at, y=at, low=low, high=high),
            Series(name="bins of equal mass", x=at, y=tuple(accuracy.tolist()), low=ends[0], high=ends[1]),
        ),
        diagonal=True,
        x_unit="fraction",
        y_unit="fraction",
    )
    rows = tuple(
        (k + 1, int(n), float(s), i.value, i.low, i.high, lowest, highest)
        for k, (n, s, i, lowest, highest) in enumerate(zip(sizes, sureness, intervals, low, high, strict=True))
    )
    names = ("bin", "images", "mean confidence", "accuracy", "low", "high", "if calibrated, from", "if calibrated, to")
    verdict = "is not" if chance.p < LEVEL else "would be"
    note = (
        f"An ECE as large as this {verdict} usual for a calibrated model: one of this confidence has "
        f"{100 * chance.expected:.2f} points by chance alone (p = {chance.p:.3f}, 999 draws of right answers)."
    )
    return [curve, Table(title="Bins", columns=names, rows=rows), Note(text=note)]


def _sweep_table(sweep: Mapping[int, stats.Interval]) -> Table:
    rows = tuple((m, one.value, one.low, one.high) for m, one in sweep.items())
    title = "Debiased ECE by number of bins (inverted tests)"
    return Table(title=title, columns=("bins", "debiased ECE", "low", "high"), rows=rows)


def _classwise(context: Context, predictions: Predictions) -> tuple[Estimate, list[Block]]:
    """Classwise ECE, and a test of each class on its own probabilities against those of a calibrated model."""
    p, labels = predictions.probabilities, predictions.labels
    groups = None if context.groups is None else context.groups[predictions.rows]
    value, bias, error = calibrated.classwise(p, labels, stats.BINS, groups)
    half = Z * error
    estimate = Estimate(
        name="classwise_ece",
        value=value,
        low=max(value - bias - half, 0.0),
        high=max(value - bias + half, value),
        n=len(labels),
        unit="fraction",
        better="lower",
        method=f"normal interval around the debiased value, bins held fixed; {stats.BINS} bins of equal mass a class"
        + ("" if groups is None else f"; over {len(np.unique(groups)):,} groups"),
    )
    if p.shape[1] > MOST_TESTED:
        return estimate, [Note(text=f"More than {MOST_TESTED} classes: none was tested on its own.")]
    return estimate, _class_table(context, p, labels)


def _class_table(context: Context, p: np.ndarray, labels: np.ndarray) -> list[Block]:
    k, seen = p.shape[1], []
    draws = max(999, 25 * k - 1)
    pieces = min(max(10_000_000 // (draws * k), 4 * stats.BINS), calibrated.PIECES)
    for one in range(k):
        observed = stats.ece(p[:, one], (labels == one).astype(float))
        random = stats.generator(f"{context.fingerprint} class {one}")
        chance = calibrated.consistency(p[:, one], observed, random, bins=stats.BINS, draws=draws, pieces=pieces)
        seen.append((observed, chance.expected, float(p[:, one].mean() - (labels == one).mean()), chance.p))
    adjusted = stats.holm([one[3] for one in seen])
    clear = [context.classes[one] for one in range(k) if adjusted[one] < LEVEL]
    order = sorted(range(k), key=lambda one: (adjusted[one], -seen[one][0]))[:LISTED]
    rows = tuple((context.classes[one], *seen[one], float(adjusted[one])) for one in order)
    names = ("class", "ECE", "if calibrated", "mean probability minus share of images", "p", "p (Holm)")
    said = (
        f"The probabilities of {len(clear)} of {k} classes are off (Holm at 5 %)"
        if clear
        else "No class is clearly off"
    )
    return [
        Table(title="Classes by their own probabilities", columns=names, rows=rows),
        Note(text=f"{said}{': ' + ', '.join(clear[:LISTED]) if clear else ''}. The test takes images as independent."),
    ]


def _mended(
    evidence: Evidence, predictions: Predictions, columns: dict[str, Column]
) -> tuple[list[Estimate], list[Block]]:
    """What dividing the logits by one temperature does; adds its columns. Left out where it cannot be fitted apart."""
    try:
        validation = evidence[Predict(split="validation")]
        fitted = calibrated.fit_temperature(_finite(validation), validation.labels)
    except MissingEvidence as error:
        return [], [Note(text=f"No temperature: {error}. It must not be fitted on the images that it is judged by.")]
    if fitted.at_limit:
        side = (
            "all validation answers are right" if fitted.value < 1 else "validation answers are no better than chance"
        )
        text = f"No temperature: the best one lies at the end of the range that was tried ({fitted.value:.2g}); {side}."
        return [], [Note(text=text)]
    columns |= _scaled(predictions, fitted.value)
    return [_temperature(fitted, len(validation.rows)), *_after(evidence.context, columns, predictions.rows)], []


def _scaled(predictions: Predictions, temperature: float) -> dict[str, Column]:
    logits = _finite(predictions) / temperature
    log_p = logits - logits.max(1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(1, keepdims=True))
    nll = np.minimum(-log_p[np.arange(len(log_p)), predictions.labels], -math.log(LEAST))
    return {
        "scaled_confidence": np.exp(log_p.max(1)),
        "scaled_nll": nll,
        "saved_nll": np.minimum(predictions.loss, -math.log(LEAST)) - nll,
    }


def _finite(predictions: Predictions) -> np.ndarray:
    """Logarithms of the probabilities, which serve as logits; none below that of the least probability if rounded to 0."""
    log_p = predictions.log_probabilities
    return log_p if predictions.given == "logits" else np.maximum(log_p, math.log(LEAST))


def _temperature(fitted: calibrated.Temperature, n: int) -> Estimate:
    return Estimate(
        name="temperature",
        value=fitted.value,
        low=fitted.low,
        high=fitted.high,
        n=n,
        unit="divisor of the logits",
        better="neither",
        method="maximum likelihood on validation images; normal interval of its logarithm, robust standard error",
    )


def _after(context: Context, columns: Mapping[str, Column], rows: Rows) -> list[Estimate]:
    name, pair = "ece_after_temperature", ("scaled_confidence", "correct")
    return [
        calibration_error(context, name, "ece", pair, columns, rows),
        measured(context, "nll_after_temperature", "mean", ("scaled_nll",), columns, rows, unit="nats", better="lower"),
        measured(
            context, "nll_saved_by_temperature", "mean", ("saved_nll",), columns, rows, unit="nats", better="neither"
        ),
    ]
