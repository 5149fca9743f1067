"""EXP002: where do trusted maps put their weight?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..errors import MissingEvidence
from ..evidence import Attend, Context, Evidence, Need, Predict, Select, Trust
from ..outcome import Outcome
from ..records import Block, Estimate, Forest, Histogram, Table
from ..types import Attention as Looked
from ..types import Column, Labels, image_ids, places
from ._histogram import right_and_wrong
from ._measure import measured
from ._stamp import reason, trialled, verdict
from .base import Check
from .explanation_trust import SAMPLED

METHODS: tuple[tuple[str, int | None], ...] = (("grad_cam", None), ("saliency", 2000))
"""Method, and of how many images its maps are made; the first that is trusted is read."""


@final
@dataclass(frozen=True)
class Attention(Check):
    """Shares of the positive evidence on the object, in the centre and at the border, over the test images."""

    code: ClassVar[str] = "EXP002"
    title: ClassVar[str] = "Attention"
    question: ClassVar[str] = "Where do trusted maps put their weight: object, centre, border?"
    limits: ClassVar[tuple[str, ...]] = (
        "It is about maps, not about reasons: where a gradient is large need not be what the answer hangs on (CUE003 asks that).",
        "Only a method that passed its tests (EXP001) may be read; else the numbers are shown, and nothing is concluded.",
        "Centre and border are positions; without object masks nothing is said of objects.",
        "A map of few cells spreads evidence over neighbours, so that shares come nearer to the shares of the area.",
    )

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions, where the maps look, and the trials that say whether they may be read."""
        return (Predict(), *_attends(), *(_trust(need.method) for need in _attends()))

    def run(self, evidence: Evidence) -> Outcome:
        """Shares overall, of right and of wrong answers, and by class."""
        need, problem = _chosen(evidence)
        looked, predictions = evidence[need], evidence[Predict()]
        at = places(predictions.rows, looked.rows)
        columns = _columns(looked, predictions.correct[at])
        names = [name for name in ("object", "centre", "border") if name in looked.shares]
        estimates = [one for name in names for one in _estimates(evidence.context, name, columns, looked)]
        main = estimates[0]
        finding = self.finding(
            "attention",
            "inconclusive" if problem else "ok",
            _headline(main, need.method, looked, problem),
            estimates=estimates,
            blocks=[
                Forest(
                    title="Share of the positive evidence", x_label="share", estimates=tuple(e.name for e in estimates)
                ),
                _of_right_and_wrong(names[0], columns),
                *_by_class(evidence.context, predictions.labels[at], columns, names),
            ],
            params={
                "method": need.method,
                "trusted": not problem,
                "cells": looked.maps.shape[1] * looked.maps.shape[2],
            },
        )
        return Outcome(finding, image_ids("test", looked.rows), columns)


def _attends() -> tuple[Attend, ...]:
    return tuple(Attend(method, "predicted", limit) for method, limit in METHODS)


def _trust(method: str) -> Trust:
    return Trust(method, "predicted", Select.sample(SAMPLED))


def _chosen(evidence: Evidence) -> tuple[Attend, str]:
    """The first method that is trusted; else the first that there is, with what stands against it."""
    problems = {}
    for need in _attends():
        try:
            tests = trialled(evidence[_trust(need.method)])
            evidence[need]
        except MissingEvidence:
            continue
        if verdict(tests) == "trust":
            return need, ""
        problems[need] = reason(tests)
    if not problems:
        raise MissingEvidence("no maps of the test images were made")
    return next(iter(problems.items()))


def _columns(looked: Looked, right: np.ndarray) -> dict[str, Column]:
    """Shares are 0 where there is no evidence, and the columns of who counts are too."""
    has = (looked.positive > 0).astype(np.float64)
    columns = {"evidence": has, "right": has * right, "wrong": has * ~right}
    for name, values in looked.shares.items():
        columns |= {name: values, f"{name}.right": values * right, f"{name}.wrong": values * ~right}
    return columns


def _estimates(context: Context, name: str, columns: dict[str, Column], looked: Looked) -> list[Estimate]:
    rows = looked.rows
    of_all = measured(
        context, f"{name}_share", "ratio_of_means", (name, "evidence"), columns, rows, unit="fraction", better="neither"
    )
    if not columns["right"].any() or not columns["wrong"].any():
        return [of_all]
    names = (f"{name}.right", "right", f"{name}.wrong", "wrong")
    gap = measured(
        context,
        f"{name}_share_right_minus_wrong",
        "difference_of_ratios",
        names,
        columns,
        rows,
        unit="fraction",
        better="neither",
    )
    return [of_all, gap]


def _headline(main: Estimate, method: str, looked: Looked, problem: str) -> str:
    place = {"object_share": "on the object", "centre_share": "in the centre (a quarter of the area)"}[main.name]
    maps = f"{method.replace('_', ' ')} maps"
    number = f"{main.value:.1%} ({main.low:.1%} to {main.high:.1%}, n = {main.n:,} images) of their positive evidence {place}"
    if problem:
        return f"Where it looks cannot be told: the {maps} may not be believed, because such a map {problem}. They put {number}."
    return f"The {maps}, which passed their tests, put {number}."


def _of_right_and_wrong(name: str, columns: dict[str, Column]) -> Histogram:
    place = "on the object" if name == "object" else "in the centre"
    title = f"Share of the evidence {place}, right against wrong answers"
    return right_and_wrong(title, f"share {place}", columns[name], columns["right"], columns["wrong"])


def _by_class(context: Context, labels: Labels, columns: dict[str, Column], names: list[str]) -> list[Block]:
    """One row a class: mean share with a t interval over its images with evidence."""
    rows = []
    for k, label in enumerate(context.classes):
        chosen = (labels == k) & (columns["evidence"] > 0)
        if chosen.sum() > 1:
            interval = stats.mean_interval(columns[names[0]][chosen])
            rows.append((label, *interval, int(chosen.sum())))
    title = f"Share {'on the object' if names[0] == 'object' else 'in the centre'}, by class (t interval over images)"
    return [Table(title=title, columns=("class", "share", "low", "high", "images"), rows=tuple(rows))]
