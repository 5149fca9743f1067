"""What each model relies on: every cue of every model on one axis."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import Estimate, Table
from . import axes, marks, svg, text
from .forest import in_words
from .legend import Entry, legend
from .numbers import Unit, cue_label, said

PLOT = 260.0
LABELS = 190.0
ROW, BETWEEN = 14.0, 12.0
X_LABEL = "accuracy that hangs on the cue"
Models = Sequence[tuple[str, str, Sequence[Estimate]]]
"""Name, class of the tint and reliance on each cue of every model."""


def draw(models: Models) -> str:
    """The cues that any model relies on most stand first; each model has its own row and colour."""
    order = _order(models)
    room = min(max((text.width(cue) for cue in order), default=0.0), LABELS)
    start = room + 12
    ends = [end for _, _, found in models for e in found for end in (e.low, e.value, e.high)]
    x = axes.scale(ends, start, start + PLOT, zero=True)
    key, top = legend([Entry(name, "dot", "f-main", tint) for name, tint, _ in models], x.end + 14)
    each = ROW * len(models) + BETWEEN
    foot = top + each * max(len(order), 1)
    parts = [key, axes.bottom(x, top, foot, X_LABEL, Unit(100.0, "points")), marks.zero(x, top, foot)]
    for k, cue in enumerate(order):
        parts.append(text.line(cue, room, top + each * (k + 0.5) + 4, room, {"text-anchor": "end"}))
    for m, (name, tint, found) in enumerate(models):
        for e in found:
            y = top + each * order.index(cue_label(e)) + BETWEEN / 2 + ROW * (m + 0.5)
            parts.append(marks.interval(x, y, e.value, e.low, e.high, said(f"{name}, {cue_label(e)}", e, "CUE"), tint))
    named = ", ".join(name for name, _, _ in models)
    return svg.figure(x.end + 14, foot + axes.BELOW, f"Reliance on each cue, with intervals: {named}", *parts)


def values(models: Models) -> Table:
    """What is drawn, as rows."""
    rows = tuple(
        (cue, name, *in_words(e))
        for cue in _order(models)
        for name, _, found in models
        for e in found
        if cue_label(e) == cue
    )
    columns = ("cue", "model", "accuracy that hangs on it", "low", "high", "n")
    return Table(title="Reliance on each cue", columns=columns, rows=rows)


def _order(models: Models) -> list[str]:
    """Cues, the most relied on by any model first."""
    strongest: dict[str, float] = {}
    for _, _, found in models:
        for e in found:
            strongest[cue_label(e)] = max(strongest.get(cue_label(e), e.value), e.value)
    return sorted(strongest, key=lambda cue: -strongest[cue])
