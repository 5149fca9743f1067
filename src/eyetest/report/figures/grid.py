"""Estimates laid out as parts of the image."""

from __future__ import annotations

from markupsafe import Markup

from ...records import Estimate, Finding, Grid, Table
from . import svg, text
from .forest import in_words
from .matrix import DARKEST
from .numbers import said

CELL = 80.0


def draw(block: Grid, finding: Finding) -> str:
    """One square a part: its value in points, its interval below; the stronger the tint, the larger the value."""
    rows = [[finding.estimate(name) for name in names] for names in block.estimates]
    most = max([e.value for row in rows for e in row] + [0.01])
    parts = [
        _part(e, CELL * c + 1, CELL * r + 1, most, _named(r, c), finding.code)
        for r, row in enumerate(rows)
        for c, e in enumerate(row)
    ]
    wide, high = CELL * max((len(row) for row in rows), default=1) + 2, CELL * len(rows) + 2
    caption = text.line("points, with intervals", 0.0, high + 15, max(wide, 150.0), {"class": "f-soft"})
    label = f"{block.title}, {len(rows)} rows of parts"
    return svg.figure(max(wide, 150.0), high + 22, label, *parts, caption)


def values(block: Grid, finding: Finding) -> Table:
    """What is drawn, part by part."""
    rows = tuple(
        (_named(r, c), *in_words(finding.estimate(name)))
        for r, names in enumerate(block.estimates)
        for c, name in enumerate(names)
    )
    return Table(title=block.title, columns=("part", "value", "low", "high", "n"), rows=rows)


def _named(row: int, column: int) -> str:
    return f"row {row + 1}, column {column + 1}"


def _part(e: Estimate, x: float, y: float, most: float, name: str, code: str) -> Markup:
    strength = DARKEST * min(max(e.value / most, 0), 1)
    place: svg.Attributes = {"x": x, "y": y, "width": CELL, "height": CELL}
    middle: svg.Attributes = {"x": x + CELL / 2, "text-anchor": "middle"}
    return svg.element(
        "g", {},
        svg.title(said(name, e, code)),
        svg.element("rect", place | {"class": "f-cell f-edged", "fill-opacity": f"{strength:.2f}"}),
        svg.element("text", middle | {"class": "f-strong", "y": y + CELL / 2 - 1}, _points(e.value)),
        svg.element("text", middle | {"class": "f-small", "y": y + CELL / 2 + 15}, f"{_points(e.low)} to {_points(e.high)}"),
    )  # fmt: skip


def _points(value: float) -> str:
    return f"{100 * value:.1f}".replace("-", "−")
