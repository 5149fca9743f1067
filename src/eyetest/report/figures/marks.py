"""Marks that several figures share."""

from __future__ import annotations

from markupsafe import Markup

from . import svg
from .axes import Scale


def interval(x: Scale, y: float, value: float, low: float, high: float, words: str, tint: str | None = None) -> Markup:
    """A dot on its interval, level, with what is said of it."""
    reach = svg.element("path", {"class": "f-whisker", "d": f"{svg.move(x(low), y)}H{svg.rounded(x(high))}"})
    dot = svg.element("circle", {"class": "f-dot", "cx": x(value), "cy": y, "r": 4})
    return svg.element("g", {"class": tint}, svg.title(words), reach, dot)


def zero(x: Scale, top: float, foot: float) -> Markup:
    """The line at 0, where the scale crosses it."""
    if not x.low <= 0 <= x.high:
        return Markup("")
    return svg.element("path", {"class": "f-zero", "d": f"{svg.move(x(0.0), top)}V{svg.rounded(foot)}"})
