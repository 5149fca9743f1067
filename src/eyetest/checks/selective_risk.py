"""CAL002: if it may abstain, how much error goes away?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from scipy.special import logsumexp

from .. import selective, stats
from ..evidence import Context, Evidence, Need, Predict
from ..outcome import Outcome
from ..records import Cell, Curve, Estimate, Finding, Scalar, Series, Status, Table
from ..types import Column, Predictions, Rows
from ._measure import measured, rate
from .base import Check

USEFUL = 0.6
"""AUROC below which the least sure fifth holds little more than its own share of the errors."""
HEADLINE = 80
"""Percent of the images that are still answered."""
FEW = 20
"""Errors below which a bootstrap of their rate is too sure."""
LEAST = 30
"""Images below which numbers are shown and nothing is concluded."""
POINTS = 200
SUREST = 1e6
"""Of an answer with probability 1; float32 logits cannot be further apart and finite in practice."""
PAIR = ("sureness", "wrong")


@final
@dataclass(frozen=True)
class SelectiveRisk(Check):
    """Errors that are left when the model answers only what it is surest of, by its own probability.

    Status, by the chance that a right answer is surer than a wrong one (AUROC): `ok` if its interval lies above .6,
    `concern` if it lies below .6, else `inconclusive`; also with under 30 images, without errors or without right answers.
    """

    code: ClassVar[str] = "CAL002"
    title: ClassVar[str] = "Selective risk"
    question: ClassVar[str] = "If it may abstain, how much error goes away?"
    limits: ClassVar[tuple[str, ...]] = (
        "Someone has to answer the images that it abstains on; that cost is not counted here.",
        "It holds for images drawn like these test images; on others a model may be sure and wrong.",
        "AURC weighs the few surest images most; AUGRC is the fairer number for comparing models.",
        "The table of other scores is for looking: the best of several scores looks better than it is.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions on the test images."""
        return (Predict(),)

    def run(self, evidence: Evidence) -> Outcome:
        """Risk by coverage, its areas, and how well several scores tell right from wrong."""
        predictions, context = evidence[Predict()], evidence.context
        wrong = (~predictions.correct).astype(float)
        columns = {"sureness": sureness(predictions), "wrong": wrong}
        if not 0 < wrong.sum() < len(wrong):
            return Outcome(self._undefined(context, wrong, predictions.rows), predictions.ids, columns)
        rates = _rates(context, columns, predictions.rows)
        areas = _areas(context, columns, predictions.rows)
        finding = self.finding(
            "selective_risk",
            _status(areas[-1], len(wrong)),
            _headline(rates, areas[-1]),
            estimates=[*areas, *rates],
            blocks=[
                Scalar(title="Average risk of silent failures (AUGRC)", estimate="augrc"),
                _curve(columns),
                _coverage_table(rates),
                _scores_table(predictions, columns),
            ],
            params={"errors": int(wrong.sum()), "useful_auroc": USEFUL},
        )
        return Outcome(finding, predictions.ids, columns)

    def _undefined(self, context: Context, wrong: Column, rows: Rows) -> Finding:
        errors = _error_rate(context, wrong, rows)
        said = "No error" if not wrong.any() else "No right answer"
        return self.finding(
            "selective_risk",
            "inconclusive",
            f"{said} on {errors.n:,} test images, so there is nothing to tell apart; the error rate is {errors.value:.1%} "
            f"({errors.low:.1%} to {errors.high:.1%}).",
            estimates=[errors],
            params={"errors": int(wrong.sum()), "useful_auroc": USEFUL},
        )


def sureness(predictions: Predictions) -> Column:
    """Log-odds of the predicted class in float64: the order of its probability, without ties where that rounds to 1."""
    log_p = predictions.log_probabilities
    row, predicted = np.arange(len(log_p)), predictions.predicted
    others = log_p.copy()
    others[row, predicted] = -np.inf
    result: Column = np.minimum(log_p[row, predicted] - logsumexp(others, axis=1), SUREST)
    return result


def _error_rate(context: Context, wrong: Column, rows: Rows) -> Estimate:
    return rate(context, "error_rate", wrong > 0, rows, better="lower", statistic="mean", columns=("wrong",))


def _rates(context: Context, columns: Mapping[str, Column], rows: Rows) -> list[Estimate]:
    """The error rate of all answers, and of the surest 95, 90, 80 and 50 %."""
    found = [_error_rate(context, columns["wrong"], rows)]
    for percent in (95, 90, 80, 50):
        name = f"error_rate_at_{percent}"
        one = measured(context, name, name, PAIR, columns, rows, unit="fraction", better="lower")
        answered = max(round(percent / 100 * one.n), 1)
        found.append(one if context.groups is not None else _honest(one, answered))
    return found


def _honest(one: Estimate, answered: int) -> Estimate:
    """With few errors among the answered images, the Wilson interval in place of the bootstrap."""
    if one.value * answered >= FEW:
        return one
    interval = stats.wilson(round(one.value * answered), answered)
    method = "Wilson score interval of the answered images; few errors"
    return one.model_copy(update={"low": interval.low, "high": interval.high, "method": method})


def _areas(context: Context, columns: Mapping[str, Column], rows: Rows) -> list[Estimate]:
    """AURC, its excess and AUGRC; the AUROC comes last."""
    found = [
        measured(context, name, name, PAIR, columns, rows, unit="fraction", better="lower")
        for name in ("aurc", "e_aurc", "augrc")
    ]
    found.append(measured(context, "auroc", "right_above_wrong", PAIR, columns, rows, unit="fraction", better="higher"))
    errors = columns["wrong"].sum()
    if min(errors, len(rows) - errors) >= FEW:
        return found
    return [one.model_copy(update={"method": f"{one.method}; few errors, read with care"}) for one in found]


def _status(auroc: Estimate, n: int) -> Status:
    if n < LEAST or auroc.low <= USEFUL <= auroc.high:
        return "inconclusive"
    return "ok" if auroc.low > USEFUL else "concern"


def _headline(rates: list[Estimate], auroc: Estimate) -> str:
    """That errors fall is said where right answers are credibly surer than wrong ones."""
    before, after = rates[0], next(one for one in rates if one.name == f"error_rate_at_{HEADLINE}")
    numbers = f"from {before.value:.1%} to {after.value:.1%} ({after.low:.1%} to {after.high:.1%}, n = {after.n:,})"
    if auroc.low > 0.5:
        return f"If it may abstain on the least sure {100 - HEADLINE} %, errors fall {numbers}."
    return (
        f"Abstaining on the least sure {100 - HEADLINE} % is not seen to help: errors go {numbers}; its confidence does not "
        "tell right from wrong."
    )


def _curve(columns: Mapping[str, Column]) -> Curve:
    wrong = columns["wrong"]
    coverage, risk = selective.risk_curve(columns["sureness"], wrong)
    best = selective.risk_curve(-wrong, wrong)[1]
    rank = np.unique(np.linspace(0, len(risk) - 1, POINTS).round().astype(int))
    at = tuple(coverage[rank].tolist())
    return Curve(
        title="Error rate by share of images answered",
        x_label="share of images answered, the surest first",
        y_label="error rate among them",
        x_unit="fraction",
        y_unit="fraction",
        series=(
            Series(name="if errors came last", x=at, y=tuple(best[rank].tolist())),
            Series(name="by its own confidence", x=at, y=tuple(risk[rank].tolist())),
        ),
    )


def _coverage_table(rates: list[Estimate]) -> Table:
    rows = []
    for one in rates:
        percent = int(one.name.rpartition("_")[2]) if one.name != "error_rate" else 100
        rows.append((f"{100 - percent} %", one.value, one.low, one.high, 1 - one.value))
    names = ("abstains on the least sure", "error rate", "low", "high", "accuracy of its answers")
    return Table(title="What abstaining buys", columns=names, rows=tuple(rows))


def _scores_table(predictions: Predictions, columns: Mapping[str, Column]) -> Table:
    right = columns["wrong"] == 0
    rows: list[tuple[Cell, ...]] = []
    for name, score in _scores(predictions, columns["sureness"]).items():
        kept = score >= np.quantile(score[right], 0.05, method="lower")
        silent = float(kept[~right].mean())
        if min(right.sum(), (~right).sum()) < 2:
            rows.append((name, stats.auroc(score, right), None, None, silent))
        else:
            rows.append((name, *stats.delong(score, right), silent))
    names = ("score", "AUROC", "low", "high", "errors kept with 95 % of right answers")
    return Table(title="Other scores of sureness, for looking only (DeLong intervals)", columns=names, rows=tuple(rows))


def _scores(predictions: Predictions, odds: Column) -> dict[str, Column]:
    """Scores that are higher for surer answers; those of raw logits only where there are raw logits.

    With two classes, entropy and margins rank as the probability does, and are left out.
    Source: Hendrycks & Gimpel 2017; Hendrycks et al. 2022 (largest logit); Liu et al. 2020 (energy).
    """
    p, log_p = predictions.probabilities, predictions.log_probabilities
    found = {"probability of the answer": odds}
    if p.shape[1] > 2:
        first, second = np.sort(p, axis=1)[:, [-1, -2]].T
        found["negative entropy"] = (p * np.where(p > 0, log_p, 0)).sum(1)
        found["margin of probabilities"] = first - second
    if predictions.given == "logits":
        logits = predictions.logits.astype(np.float64)
        highest, runner_up = np.sort(logits, axis=1)[:, [-1, -2]].T
        found |= {
            "largest logit": highest,
            "margin of logits": highest - runner_up,
            "energy": logsumexp(logits, axis=1),
        }
    return found
