"""Estimates with their intervals, one below the other on one axis."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import Estimate, Finding, Forest, Table
from . import axes, marks, svg, text
from .numbers import PLAIN, Unit, is_difference, number, said, unit

PLOT = 230.0
LABELS = 225.0
"""The most that names may take."""
ROW, DENSE, MANY = 24.0, 17.0, 30
"""Pixels a row, and from more than how many rows they stand closer."""


def draw(block: Forest, finding: Finding) -> str:
    """Names to the left, values to the right; the line at 0 where the axis crosses it."""
    chosen = [finding.estimate(name) for name in block.estimates]
    names = labels(chosen)
    room = min(max((text.width(name) for name in names), default=0.0), LABELS)
    start, row = room + 12, DENSE if len(chosen) > MANY else ROW
    foot = row * max(len(chosen), 1) + 4
    ends = [end for e in chosen for end in (e.low, e.value, e.high)]
    x = axes.scale(ends, start, start + PLOT, zero=any(is_difference(e) for e in chosen))
    shared = _unit(block, chosen)
    parts = [axes.bottom(x, 0.0, foot, block.x_label, shared), marks.zero(x, 0.0, foot)]
    for k, (name, e) in enumerate(zip(names, chosen, strict=True)):
        y = row * (k + 0.5) + 2
        parts.append(text.line(name, room, y + 4, room, {"text-anchor": "end"}))
        parts.append(marks.interval(x, y, e.value, e.low, e.high, said(name, e, finding.code)))
        parts.append(svg.element("text", {"class": "f-soft", "x": start + PLOT + 12, "y": y + 4}, _value(e, shared)))
    beside = max((text.width(_value(e, shared)) for e in chosen), default=0.0) + 14
    label = f"{block.title}: {block.x_label} of {len(chosen)}, with intervals"
    return svg.figure(start + PLOT + beside, foot + axes.BELOW, label, *parts)


def values(block: Forest, finding: Finding) -> Table:
    """What is drawn, as rows."""
    chosen = [finding.estimate(name) for name in block.estimates]
    columns = ("what", "value", "low", "high", "n")
    rows = tuple((name, *in_words(e)) for name, e in zip(labels(chosen), chosen, strict=True))
    return Table(title=f"{block.title}: {block.x_label}", columns=columns, rows=rows)


def in_words(e: Estimate) -> tuple[str, str, str, int]:
    """Value, lower and upper end in the unit, and n."""
    return number(e, e.value), number(e, e.low), number(e, e.high), e.n


def labels(chosen: Sequence[Estimate]) -> list[str]:
    """`accuracy[frog]` is shown as `frog`; a beginning that all share is left out."""
    shared = shared_prefix([e.name for e in chosen])
    names = [e.name.partition("[")[2].rstrip("]") or e.name.replace("_", " ") for e in chosen]
    return [name.removeprefix(shared) for name in names]


def shared_prefix(names: Sequence[str]) -> str:
    """`grad cam-predicted.` where all names begin so: the title says it."""
    starts = {name.partition(".")[0] if "." in name and "[" not in name else "" for name in names}
    return f"{starts.pop()}.".replace("_", " ") if len(names) > 1 and len(starts) == 1 and "" not in starts else ""


def _value(e: Estimate, shared: Unit) -> str:
    """The value as it stands at the end of its row; without its unit where the axis says it."""
    known = ("%", "points") if shared.factor != 1 else ()
    value, _, word = number(e, e.value).partition(" ")
    return value if word in known else f"{value} {word}".strip()


def _unit(block: Forest, chosen: Sequence[Estimate]) -> Unit:
    """The unit that all share; else the axis shows plain numbers."""
    kinds = {unit(e.unit, block.x_label) for e in chosen}
    return kinds.pop() if len(kinds) == 1 else PLAIN
