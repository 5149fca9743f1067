"""Measured against true values, as a file of its own with its own colours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from ...stats import Interval
from . import axes, lines, svg, text
from .legend import Entry, legend

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito 2008: told apart by colour-blind readers."""
SIDE, MARGIN = 360.0, 10
FIXED = {"ink": "#1c1c1c", "soft": "#5c5c5c", "line": "#ddd", "paper": "#fff"}
"""Colours of a file that no page gives any."""


def draw(points: Sequence[tuple[str, float, Interval]], x_label: str, y_label: str, style: str) -> str:
    """One dot a point, coloured by group, with the line where both agree; `style` is that of the figures."""
    groups = list(dict.fromkeys(group for group, _, _ in points))
    tints = {group: f"tint-{k % len(COLOURS)}" for k, group in enumerate(groups)}
    across, up = [true for _, true, _ in points], [end for _, _, measured in points for end in measured]
    y = axes.scale([*across, *up], SIDE, 0.0)
    start = axes.beside(y)
    x = axes.Scale(y.low, y.high, start, start + SIDE, y.ticks)
    wide = x.end + 14
    key, top = legend([Entry(group, "dot", "f-main", tints[group]) for group in groups], wide)
    y = axes.Scale(y.low, y.high, top + axes.ABOVE + SIDE, top + axes.ABOVE, y.ticks)
    parts = [key, text.line(y_label, 0.0, top + 12, wide), axes.left(y, x.start, x.end)]
    parts += [axes.bottom(x, y.end, y.start, x_label), lines.diagonal(x, y)]
    parts += [_point(one, x, y, tints[one[0]]) for one in points]
    drawn = svg.figure(
        wide, y.start + axes.BELOW, f"{y_label} against {x_label}, {len(points)} points", *parts, margin=MARGIN
    )
    return _alone(drawn, style)


def _point(one: tuple[str, float, Interval], x: axes.Scale, y: axes.Scale, tint: str) -> Markup:
    group, true, (value, low, high) = one
    said = svg.title(f"{group}: {value:.3f} ({low:.3f} to {high:.3f}), true {true:.3f}")
    reach = svg.element("path", {"class": "f-whisker", "d": f"{svg.move(x(true), y(low))}V{svg.rounded(y(high))}"})
    dot = svg.element("circle", {"class": "f-dot", "cx": x(true), "cy": y(value), "r": 3})
    return svg.element("g", {"class": tint}, said, reach, dot)


def _alone(drawn: str, style: str) -> str:
    """The picture as a file: its own style, white behind it."""
    plain = re.sub(r"var\(--(ink|soft|line|paper)\)", lambda found: FIXED[found[1]], style)
    tints = "".join(f".tint-{k}{{--tint:{colour}}}" for k, colour in enumerate(COLOURS))
    inside = f'<style>{tints}{plain}</style><rect x="-{MARGIN}" y="-{MARGIN}" width="100%" height="100%" fill="white"/>'
    opening, rest = drawn.split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg">{inside}{rest}\n'
