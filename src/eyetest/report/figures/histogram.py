"""Groups side by side in the same bins, each as shares of itself."""

from __future__ import annotations

from markupsafe import Markup

from ...records import Counts, Histogram, Table
from . import axes, svg, text
from .legend import Entry, legend
from .numbers import Unit, unit

PLOT = (360.0, 190.0)
Y_LABEL = "share of the group"
SHARE = Unit(100.0, "%")


def draw(block: Histogram, code: str) -> str:
    """Bars of the groups beside each other; the last group in the model's colour, the others outlined."""
    shares = [[n / max(sum(one.counts), 1) for n in one.counts] for one in block.series]
    y = axes.scale([share for one in shares for share in one], PLOT[1], 0.0, zero=True)
    start = axes.beside(y, SHARE)
    x = axes.scale(block.edges, start, start + PLOT[0])
    wide = x.end + 14
    looks = ["f-main" if one is block.series[-1] else "f-other" for one in block.series]
    entries = [
        Entry(f"{one.name}, n = {sum(one.counts):,}", "bar", look)
        for one, look in zip(block.series, looks, strict=True)
    ]
    key, top = legend(entries, wide)
    y = axes.Scale(y.low, y.high, top + axes.ABOVE + PLOT[1], top + axes.ABOVE, y.ticks)
    x_unit = unit(block.x_unit, block.x_label)
    parts = [key, text.line(SHARE.after(Y_LABEL), 0.0, top + 12, wide), axes.left(y, x.start, x.end, SHARE)]
    parts.append(axes.bottom(x, y.start, y.start, block.x_label, x_unit))
    for k, (one, look) in enumerate(zip(block.series, looks, strict=True)):
        parts.append(_bars(block, one, (k, len(looks)), x, y, look, f"; {code}"))
    label = f"{block.title}: {block.x_label} of {', '.join(one.name for one in block.series)}"
    return svg.figure(wide, y.start + axes.BELOW, label, *parts)


def values(block: Histogram) -> Table:
    """Images of each group in each bin."""
    columns = (block.x_label, *(one.name for one in block.series))
    counts = zip(*(one.counts for one in block.series), strict=True)
    rows = tuple((_bin(block, k), *row) for k, row in enumerate(counts))
    return Table(title=f"{block.title}, images", columns=columns, rows=rows)


def _bars(
    block: Histogram, one: Counts, which: tuple[int, int], x: axes.Scale, y: axes.Scale, look: str, source: str
) -> Markup:
    (position, groups), total, drawn = which, sum(one.counts), []
    for k, n in enumerate(one.counts):
        if not n:
            continue
        begin, end = x(block.edges[k]) + 1, x(block.edges[k + 1]) - 1
        wide, high = (end - begin) / groups, max(y.start - y(n / total), 0.5)
        place: svg.Attributes = {
            "x": begin + wide * position,
            "y": y.start - high,
            "width": max(wide - 0.5, 0.5),
            "height": high,
        }
        said = f"{one.name}, {block.x_label} {_bin(block, k)}: {n:,} of {total:,} ({100 * n / total:.1f} %){source}"
        drawn.append(svg.element("rect", place | {"class": f"f-bar {look}"}, svg.title(said)))
    return svg.element("g", {}, *drawn)


def _bin(block: Histogram, k: int) -> str:
    shown = unit(block.x_unit, block.x_label)
    low, high = (f"{shown.factor * edge:.4g}" for edge in block.edges[k : k + 2])
    return f"{low} to {high} {shown.word}".strip()
