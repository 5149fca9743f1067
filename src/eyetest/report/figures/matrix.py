"""Counts of rows against columns: numbers for few classes, a heat map for many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from markupsafe import Markup

from ...records import Cell, Matrix, Table
from . import svg, text

Link = Callable[[str, str], str | None]
"""From the labels of row and column to what the cell links to."""
NUMBERED = 20
"""Classes up to which a cell shows its number."""
LABELS = 110.0
"""The most that a label may take, in pixels."""
SIDE = 520.0
"""Pixels of a heat map at most, unless it has more classes than that."""
SHADES, DARKEST = 20, 0.55
"""Shades of a heat map; how strong the tint is behind a number at most, so that it stays readable."""
LINKED, BYTES = 300, 120_000
"""Cells of a heat map that can be pointed at, the largest first, and what they may weigh."""
TURN = math.radians(45)
APART = 19.0
"""Pixels between shown labels: a line of text across, turned by 45 degrees."""
KEY_TITLE, KEY = "share of the row", (0.01, 0.1, 0.5, 1.0)


class Part(NamedTuple):
    """A cell that is not empty."""

    row: int
    column: int
    n: int
    share: float
    """Of the row."""


@final
@dataclass(frozen=True)
class Layout:
    """Where the cells lie, in pixels."""

    left: float
    top: float
    wide: float
    high: float
    numbered: bool
    level: bool
    """Whether the labels of columns fit above them without being turned."""

    def strength(self, share: float) -> float:
        """How strong the tint is: the root of the share, so that rare errors are seen."""
        return math.sqrt(share) * (DARKEST if self.numbered else 1.0)


def draw(block: Matrix, code: str, link: Link | None = None) -> str:
    """Rows down, columns across; the shade is the share of the row."""
    parts, size = _parts(block), len(block.labels)
    at = _layout(block)
    across, down = at.left + at.wide * size, at.top + at.high * size
    cells = _cells(block, parts, at, code, link) if at.numbered else _heat_map(block, parts, at, code, link)
    right = max(across + _overhang(block, at), at.left + _key_width())
    frame: svg.Attributes = {
        "class": "f-frame",
        "x": at.left,
        "y": at.top,
        "width": at.wide * size,
        "height": at.high * size,
    }
    drawn = [
        svg.element("rect", frame),
        cells,
        _lines(at, size) if at.numbered else Markup(""),
        _row_labels(block, at),
        _column_labels(block, at, right),
        _key(at, down + 12),
    ]
    label = f"{block.title}: {block.row_label} against {block.column_label}, {size} classes"
    return svg.figure(right, down + 34, label, *drawn, links=any("<a" in part for part in drawn))


def values(block: Matrix) -> Table:
    """All counts; for many classes what is right in each, and what it is taken for most."""
    if len(block.labels) <= NUMBERED:
        columns = (f"{block.row_label} \\ {block.column_label}", *block.labels)
        rows: Iterable[tuple[Cell, ...]] = ((name, *row) for name, row in zip(block.labels, block.counts, strict=True))
        return Table(title=f"{block.title}, images", columns=columns, rows=tuple(rows))
    names = (
        block.row_label,
        "images",
        "on the diagonal",
        "share",
        f"most frequent other {block.column_label}",
        "images of it",
    )
    return Table(title=block.title, columns=names, rows=tuple(_summary(block, k) for k in range(len(block.labels))))


def _summary(block: Matrix, k: int) -> tuple[Cell, ...]:
    row = block.counts[k]
    most = max((j for j in range(len(row)) if j != k), key=lambda j: row[j])
    other = (block.labels[most], row[most]) if row[most] else (None, 0)
    return (block.labels[k], sum(row), row[k], row[k] / max(sum(row), 1), *other)


def _parts(block: Matrix) -> list[Part]:
    rows = [(i, row, sum(row)) for i, row in enumerate(block.counts)]
    return [Part(i, j, n, n / total) for i, row, total in rows for j, n in enumerate(row) if n]


def _layout(block: Matrix) -> Layout:
    size = max(len(block.labels), 1)
    labels = min(max((text.width(name) for name in block.labels), default=0.0), LABELS)
    widest = max((text.width(f"{n:,}") for row in block.counts for n in row), default=0.0)
    numbered = size <= NUMBERED
    wide = max(widest + 8, 34.0, min(160 / size, 60.0)) if numbered else max(SIDE // size, 1.0)
    level = numbered and all(text.width(name) <= wide - 6 for name in block.labels)
    above = 20.0 + (18 if level else labels * math.sin(TURN) + 14)
    return Layout(labels + 26, above, wide, max(26.0, wide * 0.7) if numbered else wide, numbered, level)


def _square(part: Part, at: Layout) -> tuple[float, float]:
    return at.left + at.wide * part.column, at.top + at.high * part.row


def _cells(block: Matrix, parts: Sequence[Part], at: Layout, code: str, link: Link | None) -> Markup:
    drawn = []
    for part in parts:
        x, y = _square(part, at)
        place: svg.Attributes = {"x": x, "y": y, "width": at.wide, "height": at.high}
        shade: svg.Attributes = {"class": "f-cell", "fill-opacity": f"{at.strength(part.share):.2f}"}
        number = svg.element("text", {"x": x + at.wide / 2, "y": y + at.high / 2 + 4}, f"{part.n:,}")
        said = svg.title(_said(block, part, code))
        drawn.append(_linked(block, part, link, said, svg.element("rect", place | shade), number))
    return svg.element("g", {"text-anchor": "middle"}, *drawn)


def _heat_map(block: Matrix, parts: Sequence[Part], at: Layout, code: str, link: Link | None) -> Markup:
    """All cells of one shade in one path, and above it the largest as cells of their own, as far as they are light."""
    shades: dict[int, list[Part]] = {}
    for part in parts:
        shades.setdefault(math.ceil(at.strength(part.share) * SHADES), []).append(part)
    drawn = [_shade(shade / SHADES, group, at) for shade, group in sorted(shades.items())]
    side, weight = svg.rounded(at.wide), 0
    for part in sorted(parts, key=lambda part: (part.row == part.column, -part.n))[:LINKED]:
        place = svg.move(at.wide * part.column, at.wide * (part.row - 0.5))
        cell = svg.element("path", {"class": "f-hit", "d": f"{place}h{side}v{side}h-{side}z"})
        linked = _linked(block, part, link, svg.title(_said(block, part, code)), cell)
        weight += len(linked.encode())
        if weight > BYTES:
            break
        drawn.append(linked)
    moved = f"translate({svg.rounded(at.left)} {svg.rounded(at.top + at.wide / 2)})"
    return svg.element("g", {"class": "f-heat", "stroke-width": at.wide, "transform": moved}, *drawn)


def _shade(strength: float, parts: Sequence[Part], at: Layout) -> Markup:
    """Cells of the same shade: short lines as thick as they are long."""
    path = "".join(f"{svg.move(at.wide * p.column, at.wide * p.row)}h{svg.rounded(at.wide)}" for p in parts)
    return svg.element("path", {"stroke-opacity": f"{strength:.2f}", "d": path})


def _linked(block: Matrix, part: Part, link: Link | None, *inside: Markup) -> Markup:
    row, column = block.labels[part.row], block.labels[part.column]
    to = link(row, column) if link is not None else None
    if to is None:
        return svg.element("g", {}, *inside)
    named = f"{_short(row)} as {_short(column)}: {part.n:,}"
    return svg.element("a", {"href": to, "aria-label": named}, *inside)


def _said(block: Matrix, part: Part, code: str) -> str:
    row, column = _short(block.labels[part.row]), _short(block.labels[part.column])
    place = f"{block.row_label} {row}, {block.column_label} {column}"
    return f"{place}: {part.n:,} of {sum(block.counts[part.row]):,} ({100 * part.share:.1f} %); {code}"


def _short(name: str) -> str:
    return text.shortened(name, 3 * LABELS)


def _lines(at: Layout, size: int) -> Markup:
    """Lines between the cells."""
    down, across = svg.rounded(at.top + at.high * size), svg.rounded(at.left + at.wide * size)
    upright = "".join(f"{svg.move(at.left + at.wide * k, at.top)}V{down}" for k in range(1, size))
    level = "".join(f"{svg.move(at.left, at.top + at.high * k)}H{across}" for k in range(1, size))
    return svg.element("path", {"class": "f-grid", "d": upright + level})


def _named(block: Matrix, pixels: float) -> range:
    """Which labels are shown: every so many that they do not touch, turned or not."""
    return range(0, len(block.labels), max(math.ceil(APART / pixels), 1))


def _row_labels(block: Matrix, at: Layout) -> Markup:
    x, room = at.left - 6, at.left - 26
    shown = [text.line(block.labels[k], x, at.top + at.high * (k + 0.5) + 4, room) for k in _named(block, at.high)]
    middle = at.top + at.high * len(block.labels) / 2
    turned: svg.Attributes = {
        "transform": f"rotate(-90 12 {svg.rounded(middle)})",
        "text-anchor": "middle",
        "class": "f-soft",
    }
    title = text.line(block.row_label, 12.0, middle, max(at.high * len(block.labels), 40.0), turned)
    return svg.together([svg.element("g", {"text-anchor": "end"}, *shown), title])


def _column_labels(block: Matrix, at: Layout, right: float) -> Markup:
    size = len(block.labels)
    middle = at.left + at.wide * size / 2
    title = text.line(
        block.column_label, middle, 12.0, 2 * min(middle, right - middle), {"text-anchor": "middle", "class": "f-soft"}
    )
    shown = []
    for k in _named(block, at.wide):
        x, y = at.left + at.wide * (k + 0.5), at.top - 7
        if at.level:
            shown.append(text.line(block.labels[k], x, y, at.wide - 6, {"text-anchor": "middle"}))
        else:
            turned: svg.Attributes = {"transform": f"rotate(-45 {svg.rounded(x + 4)} {svg.rounded(y)})"}
            shown.append(text.line(block.labels[k], x + 4, y, LABELS, turned))
    return svg.together([title, *shown])


def _overhang(block: Matrix, at: Layout) -> float:
    """How far turned labels of columns reach beyond the last cell."""
    if at.level:
        return 2.0
    last = len(block.labels)
    ends = [
        at.wide * (k + 0.5 - last) + 10 + min(text.width(block.labels[k]), LABELS) * math.cos(TURN)
        for k in _named(block, at.wide)
    ]
    return max([*ends, 2.0])


def _key(at: Layout, y: float) -> Markup:
    """Which shade is which share."""
    parts = [svg.element("text", {"class": "f-soft", "x": at.left, "y": y + 11}, KEY_TITLE)]
    x = at.left + text.width(KEY_TITLE) + 8
    for share in KEY:
        name = f"{100 * share:g} %"
        shade: svg.Attributes = {"class": "f-cell f-swatch", "fill-opacity": f"{at.strength(share):.2f}"}
        parts.append(svg.element("rect", shade | {"x": x, "y": y + 1, "width": 12, "height": 12}))
        parts.append(svg.element("text", {"class": "f-soft", "x": x + 16, "y": y + 11}, name))
        x += 24 + text.width(name)
    return svg.together(parts)


def _key_width() -> float:
    return text.width(KEY_TITLE) + 8 + sum(24 + text.width(f"{100 * share:g} %") for share in KEY)
