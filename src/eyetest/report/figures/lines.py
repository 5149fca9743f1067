"""Curves: lines with bands or intervals, a diagonal, marked places; of one model or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from markupsafe import Markup

from ...records import Curve, Series, Table
from . import axes, svg, text
from .legend import Entry, legend
from .numbers import Unit, unit

PLOT = (360.0, 220.0)
"""Pixels of the area inside the axes."""
MOST = 500
"""Points above which a line is thinned."""
DOTTED = 40
"""Points up to which each is a dot; a longer line has as many places that show their value on hover."""
DASHES = ("", "f-dash-1", "f-dash-2", "f-dash-3")
Training = Sequence[tuple[str, str, Curve]]
"""Name, class of the tint and curve of each model."""


class Point(NamedTuple):
    """A value with the ends of its interval, None where it has none."""

    x: float
    y: float
    low: float | None
    high: float | None


@final
@dataclass(frozen=True)
class Line:
    """One line as it is drawn."""

    name: str
    points: tuple[Point, ...]
    look: str
    tint: str | None
    whiskers: bool
    """Whether intervals are upright lines; else they are a band."""


class Place(NamedTuple):
    """A marked value; the words of a place without a tint of its own are written above it."""

    x: float
    words: str
    tint: str | None


@final
@dataclass(frozen=True)
class Plane:
    """What the axes say, with the places that are marked."""

    x_label: str
    y_label: str
    x_unit: Unit
    y_unit: Unit
    diagonal: bool
    places: tuple[Place, ...]
    code: str


def draw(block: Curve, code: str) -> str:
    """The last line in the model's colour, those before it grey."""
    *others, main = block.series or (Series(name="", x=(), y=()),)
    lines = [
        Line(one.name, points(one), f"f-other {DASHES[k % len(DASHES)]}", None, False) for k, one in enumerate(others)
    ]
    lines.append(Line(main.name, points(main), "f-main", None, True))
    marked = () if block.mark_x is None else (Place(block.mark_x, block.mark_label, None),)
    return _draw(lines, _plane(block, marked, code), f"{block.title}: {block.y_label} over {block.x_label}")


def training(curves: Training) -> str:
    """Curves of several models on one axis: each model its colour, its last line solid and those before it dashed."""
    lines, marked = [], []
    for name, tint, curve in curves:
        for k, one in enumerate(reversed(curve.series)):
            look = f"f-main {DASHES[k % len(DASHES)]}"
            lines.append(Line(f"{name}, {one.name}", points(one), look, tint, False))
        if curve.mark_x is not None:
            marked.append(Place(curve.mark_x, f"{name}, {curve.mark_label}", tint))
    first = curves[0][2]
    said = f"{first.title}: {first.y_label} over {first.x_label} of {', '.join(name for name, _, _ in curves)}"
    return _draw(lines, _plane(first, tuple(marked), ""), said)


def values(block: Curve) -> Table:
    """Every point that is drawn."""
    x, y = unit(block.x_unit, block.x_label), unit(block.y_unit, block.y_label)
    columns = ("line", x.after(block.x_label), y.after(block.y_label), "low", "high")
    rows = tuple(
        (one.name, x.factor * p.x, *(None if value is None else y.factor * value for value in p[1:]))
        for one in block.series
        for p in points(one)
    )
    return Table(title=f"{block.title}: {block.y_label} over {block.x_label}", columns=columns, rows=rows)


def points(line: Series) -> tuple[Point, ...]:
    """The points of a line; of a long one the first, the last, and the lowest and highest of each stretch."""
    nothing = (None,) * len(line.x)
    found = [Point(*one) for one in zip(line.x, line.y, line.low or nothing, line.high or nothing, strict=True)]
    if len(found) <= MOST:
        return tuple(found)
    kept, stretch = {0, len(found) - 1}, -(-len(found) // (MOST // 2 - 1))
    for start in range(0, len(found), stretch):
        inside = range(start, min(start + stretch, len(found)))
        kept |= {min(inside, key=lambda k: found[k].y), max(inside, key=lambda k: found[k].y)}
    return tuple(found[k] for k in sorted(kept))


def _plane(block: Curve, marked: tuple[Place, ...], code: str) -> Plane:
    x_unit, y_unit = unit(block.x_unit, block.x_label), unit(block.y_unit, block.y_label)
    return Plane(block.x_label, block.y_label, x_unit, y_unit, block.diagonal, marked, code)


def _draw(lines: Sequence[Line], plane: Plane, label: str) -> str:
    x, y = _scales(lines, plane)
    beside = axes.beside(y, plane.y_unit)
    x = axes.Scale(x.low, x.high, x.start + beside, x.end + beside, x.ticks)
    wide = x.end + 14
    entries = [Entry(one.name, "line" if _is_line(one) else "band", one.look, one.tint) for one in lines]
    key, top = legend(entries, wide)
    said = text.line(plane.y_unit.after(plane.y_label), 0.0, top + 12, wide)
    head = top + axes.ABOVE + (16 if any(one.tint is None for one in plane.places) else 0)
    y = axes.Scale(y.low, y.high, y.start + head, y.end + head, y.ticks)
    parts = [key, said, axes.left(y, x.start, x.end, plane.y_unit)]
    parts.append(axes.bottom(x, y.end, y.start, plane.x_label, plane.x_unit))
    parts += [diagonal(x, y)] if plane.diagonal else []
    parts += [_place(one, x, y, wide) for one in plane.places]
    parts += [_line(one, x, y, plane) for one in lines]
    return svg.figure(wide, y.start + axes.BELOW, label, *parts)


def _scales(lines: Sequence[Line], plane: Plane) -> tuple[axes.Scale, axes.Scale]:
    """Scales whose plot begins at 0; with a diagonal both hold the same values."""
    across = [p.x for one in lines for p in one.points] + [one.x for one in plane.places]
    up = [value for one in lines for p in one.points for value in (p.y, p.low, p.high) if value is not None]
    whole = bool(plane.places) and all(value == round(value) for value in across)
    if plane.diagonal:
        across = up = across + up
    return axes.scale(across, 0.0, PLOT[0], whole=whole), axes.scale(up, PLOT[1], 0.0)


def _line(one: Line, x: axes.Scale, y: axes.Scale, plane: Plane) -> Markup:
    path = "L".join(svg.move(x(p.x), y(p.y)).removeprefix("M") for p in one.points)
    parts = [] if one.whiskers else [_band(one, x, y)]
    if path and _is_line(one):
        parts.append(svg.element("path", {"class": f"f-line {one.look}", "d": f"M{path}"}))
    few = len(one.points) <= DOTTED
    step = max(len(one.points) // DOTTED, 1)
    parts += [_point(p, one, x, y, plane, "f-dot" if few else "f-hit") for p in one.points[::step] if _is_line(one)]
    return svg.element("g", {"class": one.tint}, *parts)


def _is_line(one: Line) -> bool:
    """Whether a line is drawn; the middle of a mere band lies on the diagonal and says nothing."""
    return one.whiskers or not all(p.low is not None and p.x == p.y for p in one.points)


def _band(one: Line, x: axes.Scale, y: axes.Scale) -> Markup:
    """The area between the ends of the intervals."""
    if not one.points or one.points[0].low is None:
        return Markup("")
    low = [(p.x, p.low) for p in one.points if p.low is not None]
    high = [(p.x, p.high) for p in reversed(one.points) if p.high is not None]
    path = "L".join(svg.move(x(a), y(b)).removeprefix("M") for a, b in low + high)
    return svg.element("path", {"class": f"f-band {one.look}", "d": f"M{path}Z"}, svg.title(one.name))


def _point(p: Point, one: Line, x: axes.Scale, y: axes.Scale, plane: Plane, kind: str) -> Markup:
    where: svg.Attributes = {"cx": x(p.x), "cy": y(p.y), "r": 3 if kind == "f-dot" else 6}
    parts = [svg.title(_said(p, one, plane))]
    if one.whiskers and p.low is not None and p.high is not None:
        parts.append(
            svg.element("path", {"class": "f-whisker", "d": f"{svg.move(x(p.x), y(p.low))}V{svg.rounded(y(p.high))}"})
        )
    return svg.element("g", {}, *parts, svg.element("circle", where | {"class": f"{kind} {one.look}"}))


def _said(p: Point, one: Line, plane: Plane) -> str:
    value = plane.y_unit.said(p.y)
    if p.low is not None and p.high is not None:
        value += f" ({plane.y_unit.said(p.low)} to {plane.y_unit.said(p.high)})"
    where = f"{one.name}: {plane.x_label} {plane.x_unit.said(p.x)}, {plane.y_label} {value}"
    return f"{where}; {plane.code}" if plane.code else where


def diagonal(x: axes.Scale, y: axes.Scale) -> Markup:
    """Where both are equal, as far as both scales go."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    end = svg.move(x(high), y(high)).removeprefix("M")
    return svg.element("path", {"class": "f-zero", "d": f"{svg.move(x(low), y(low))}L{end}"})


def _place(place: Place, x: axes.Scale, y: axes.Scale, wide: float) -> Markup:
    """A marked place, its words above it if they are written, kept inside the picture."""
    path = f"{svg.move(x(place.x), y.end - 3)}V{svg.rounded(y.start)}"
    line = svg.element("path", {"class": "f-place", "d": path}, svg.title(place.words))
    if place.tint is not None:
        return svg.element("g", {"class": place.tint}, line)
    room = text.width(text.shortened(place.words, wide))
    middle = min(max(x(place.x), room / 2), wide - room / 2)
    return line + text.line(place.words, middle, y.end - 8, wide, {"text-anchor": "middle", "class": "f-soft"})
