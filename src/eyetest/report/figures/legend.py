"""Which mark is what: samples with names, in as many rows as they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from markupsafe import Markup

from . import svg, text

ROW = 19.0
SAMPLE = 24.0
_GAP = 16.0


@final
@dataclass(frozen=True)
class Entry:
    """One name with its sample; `look` are classes of the mark, `tint` is the class of its model."""

    name: str
    mark: Literal["line", "dot", "bar", "band"]
    look: str
    tint: str | None = None


def legend(entries: Sequence[Entry], wide: float) -> tuple[Markup, float]:
    """The rows, and how many pixels high they are; nothing for a single entry."""
    if len(entries) < 2:
        return Markup(""), 0.0
    parts, x, y = [], 0.0, 0.0
    for one in entries:
        room = min(text.width(one.name), wide - SAMPLE)
        if x and x + SAMPLE + room > wide:
            x, y = 0.0, y + ROW
        shown = text.line(one.name, x + SAMPLE, y + 13, room)
        parts.append(svg.element("g", {"class": one.tint}, _sample(one, x, y + 9), shown))
        x += SAMPLE + room + _GAP
    return svg.together(parts), y + ROW + 5


def _sample(one: Entry, x: float, y: float) -> Markup:
    if one.mark == "dot":
        return svg.element("circle", {"class": f"f-dot {one.look}", "cx": x + 9, "cy": y, "r": 4})
    if one.mark == "line":
        return svg.element("path", {"class": f"f-line {one.look}", "d": f"{svg.move(x, y)}h18"})
    return svg.element("rect", {"class": f"f-{one.mark} {one.look}", "x": x + 2, "y": y - 5, "width": 14, "height": 10})
