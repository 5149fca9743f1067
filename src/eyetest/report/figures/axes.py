"""Linear scales with round ticks, and the axes that show them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from markupsafe import Markup

from . import svg, text
from .numbers import PLAIN, Unit

GAP = 10.0
"""Pixels between the labels of neighbouring ticks."""
ABOVE = 24.0
"""Pixels that the label of a left axis takes, which stands above it."""
BELOW = 40.0
"""Pixels that a bottom axis with its label takes."""


@final
@dataclass(frozen=True)
class Scale:
    """From values between `low` and `high` to pixels between `start` and `end`; `ticks` are values."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def labels(self, unit: Unit = PLAIN) -> tuple[str, ...]:
        """The ticks as text, all with the same digits."""
        step = unit.factor * (self.ticks[1] - self.ticks[0])
        return tuple(_tick(unit.factor * value, step) for value in self.ticks)


def scale(values: Iterable[float], start: float, end: float, *, zero: bool = False, whole: bool = False) -> Scale:
    """A scale that holds all values and ends at round ticks; with `zero` it holds 0, with `whole` steps are at least 1."""
    found = [*values, *([0.0] if zero else [])] or [0.0, 1.0]
    low, high = _apart(min(found), max(found))
    count = max(min(abs(end - start) / 55, 6), 2)
    step = max(_round_step((high - low) / count), 1.0 if whole else 0.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(k * step for k in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def bottom(x: Scale, top: float, foot: float, label: str, unit: Unit = PLAIN) -> Markup:
    """Vertical gridlines from `top` to `foot`, ticks and the label below."""
    names = x.labels(unit)
    every = _every(names, abs(x.end - x.start))
    grid = svg.element(
        "path", {"class": "f-grid", "d": "".join(f"{svg.move(x(t), top)}V{svg.rounded(foot)}" for t in x.ticks)}
    )
    shown = [
        svg.element("text", {"x": x(tick), "y": foot + 16}, name)
        for k, (tick, name) in enumerate(zip(x.ticks, names, strict=True))
        if k % every == 0
    ]
    ticks = svg.element("g", {"class": "f-soft", "text-anchor": "middle"}, *shown)
    said = text.line(unit.after(label), (x.start + x.end) / 2, foot + 34, _wide(x), {"text-anchor": "middle"})
    return svg.together([grid, ticks, said])


def left(y: Scale, start: float, end: float, unit: Unit = PLAIN) -> Markup:
    """Horizontal gridlines from `start` to `end`, with ticks to the left of them."""
    grid = svg.element(
        "path", {"class": "f-grid", "d": "".join(f"{svg.move(start, y(t))}H{svg.rounded(end)}" for t in y.ticks)}
    )
    shown = [
        svg.element("text", {"x": start - 6, "y": y(tick) + 4}, name)
        for tick, name in zip(y.ticks, y.labels(unit), strict=True)
    ]
    return svg.together([grid, svg.element("g", {"class": "f-soft", "text-anchor": "end"}, *shown)])


def beside(y: Scale, unit: Unit = PLAIN) -> float:
    """Pixels that the ticks of a left axis take."""
    return max(text.width(name) for name in y.labels(unit)) + 8


def _wide(x: Scale) -> float:
    """Room for the label of a bottom axis: as far as the picture goes on the nearer side."""
    return 2 * min((x.start + x.end) / 2, (x.end - x.start) / 2 + 14)


def _every(names: tuple[str, ...], room: float) -> int:
    """Every how many ticks a label fits."""
    need = max(text.width(name) for name in names) + GAP
    return max(math.ceil(need * (len(names) - 1) / room), 1)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Ends that differ, also for a single value; a share stays between 0 and 1."""
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    pad = abs(low) / 10 or 1.0
    if 0 <= low <= 1:
        return max(low - pad, 0.0), min(low + pad, 1.0)
    return low - pad, low + pad


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))


def _tick(value: float, step: float) -> str:
    if abs(value) >= 1e6 or step < 1e-4:
        return f"{value:.4g}"
    digits = max(-math.floor(math.log10(step) + 1e-6), 0)
    written = f"{value:,.{digits}f}"
    return written.replace("-", "−") if float(written.replace(",", "")) else f"{0:.{digits}f}"
