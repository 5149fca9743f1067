"""Secondary evidence of the cue checks: what it costs to remove a cue, against a change of equal size that leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from .. import stats
from ..errors import MissingEvidence
from ..evidence import Evidence, Need, Predict
from ..records import Estimate, Table
from ..types import Column, Rows, places
from ..views.base import View

TITLE = "Removing it instead (secondary evidence)"
METHOD = "Tango score interval of the paired difference, one draw"
LEVEL = 0.05
"""Of the p-value after Holm, from which a difference is called one."""
LIMITS = (
    "Removing takes more than the named cue, and a change of equal size in pixels is not equally odd to a model: a removal "
    "effect shows use, none does not prove that there is no use.",
    "What hides, shuffles or rolls is matched in the pixels that it touches, all other removals image by image in distance.",
)


@final
@dataclass(frozen=True)
class Removal:
    """A view that removes a cue, and the views that change as much and leave it."""

    view: View
    controls: tuple[View, ...]
    """An effect counts only against all of them."""


@final
@dataclass(frozen=True, eq=False)
class Removed:
    """One removal's answers as right (1) or wrong (0), one an image."""

    removal: Removal
    without: Column
    controls: tuple[Column, ...]

    @property
    def intervals(self) -> list[stats.Interval]:
        """Accuracy under each control minus accuracy without the cue."""
        return [stats.tango(*_table(control, self.without)) for control in self.controls]

    @property
    def p(self) -> float:
        """McNemar's mid-p against all controls: the largest, and 1 where they disagree in direction."""
        if len({np.sign(interval.value) for interval in self.intervals}) > 1:
            return 1.0
        return max(stats.mcnemar(*_table(control, self.without)[1:3])[1] for control in self.controls)

    def columns(self) -> dict[str, Column]:
        """What the named statistic reads."""
        views = (self.removal.view, *self.removal.controls)
        return {f"right.{v.key}": c for v, c in zip(views, (self.without, *self.controls), strict=True)}

    def estimate(self) -> Estimate:
        """The effect against the control that leaves the least of it."""
        found = min(self.intervals, key=lambda interval: interval.value)
        return Estimate(
            name=f"{self.removal.view.key}.removal_effect",
            value=found.value,
            low=found.low,
            high=found.high,
            n=len(self.without),
            unit="fraction",
            better="neither",
            method=METHOD + (", the smallest over the controls" if len(self.controls) > 1 else ""),
            statistic="least_difference_of_means",
            columns=tuple(self.columns()),
        )


@final
@dataclass(frozen=True, eq=False)
class RemovalEvidence:
    """What a cue check adds to its finding; all of it empty where nothing was removed."""

    estimates: tuple[Estimate, ...] = ()
    columns: dict[str, Column] = field(default_factory=dict)
    blocks: tuple[Table, ...] = ()
    limits: tuple[str, ...] = ()


def removal_needs(removals: Iterable[Removal]) -> tuple[Need[Any], ...]:
    """Predictions on the interventions and their controls."""
    views = [view for removal in removals for view in (removal.view, *removal.controls)]
    return tuple(dict.fromkeys(_need(view) for view in views))


def removal_evidence(evidence: Evidence, removals: Iterable[Removal], rows: Rows) -> RemovalEvidence:
    """Effects of the removals that this run holds, on these test rows."""
    found = []
    for removal in removals:
        try:
            without, *controls = (_right(evidence, view, rows) for view in (removal.view, *removal.controls))
        except MissingEvidence:
            continue
        found.append(Removed(removal, without, tuple(controls)))
    if not found:
        return RemovalEvidence()
    columns = {name: column for one in found for name, column in one.columns().items()}
    return RemovalEvidence(tuple(one.estimate() for one in found), columns, (removal_table(found),), LIMITS)


def removal_table(found: Sequence[Removed]) -> Table:
    """One row a control, with what may be said of the removal against all of its controls."""
    adjusted = stats.holm([one.p for one in found])
    rows = tuple(
        (
            one.removal.view.key, float(one.without.mean()), control.key, float(column.mean()), *interval, float(p),
            _verdict(one, float(p)),
        )
        for one, p in zip(found, adjusted, strict=True)
        for control, column, interval in zip(one.removal.controls, one.controls, one.intervals, strict=True)
    )  # fmt: skip
    names = (
        "removal", "accuracy under it", "control", "accuracy under the control", "removal effect", "low", "high",
        "p (Holm over removals)", "against all its controls",
    )  # fmt: skip
    return Table(title=TITLE, columns=names, rows=rows)


def _verdict(one: Removed, p: float) -> str:
    if p < LEVEL and all(interval.low > 0 for interval in one.intervals):
        return "costs more"
    if p < LEVEL and all(interval.high < 0 for interval in one.intervals):
        return "costs less"
    return "no difference seen"


def _need(view: View) -> Predict:
    return Predict(view, swapped=True)


def _right(evidence: Evidence, view: View, rows: Rows) -> Column:
    predictions = evidence[_need(view)]
    right: Column = predictions.correct[places(predictions.rows, rows)].astype(np.float64)
    return right


def _table(first: Column, second: Column) -> tuple[int, int, int, int]:
    """Both right, only the first, only the second, none."""
    a, b = first.astype(bool), second.astype(bool)
    return int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()), int((~a & ~b).sum())
