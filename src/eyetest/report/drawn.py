"""Adapter to the old figures; deleted at the merge, where `figures` has this very interface."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..records import Block, Curve, Estimate, Finding, Forest, Grid, Matrix, Table
from ..stats import Interval
from . import figures
from .sections import COLOURS, COMPARISON_COLOUR

DRAWN = frozenset({"curve", "matrix", "forest", "grid"})
STYLE = ""
Link = Callable[[str, str], str | None]


def draw(block: Block, finding: Finding, link: Link | None = None) -> str:
    """The block as inline SVG."""
    if isinstance(block, Curve):
        return _inline(figures.curve(block, COMPARISON_COLOUR), block.title)
    if isinstance(block, Matrix):
        return _inline(figures.matrix(block, COMPARISON_COLOUR), block.title)
    if isinstance(block, Forest):
        return _inline(figures.forest(block, finding, COMPARISON_COLOUR), block.title)
    if isinstance(block, Grid):
        return _inline(figures.grid(block, finding, COMPARISON_COLOUR), block.title)
    return ""


def values(block: Block, finding: Finding) -> Table | None:
    """Nothing here."""
    return None


def cues(models: Sequence[tuple[str, str, Sequence[Estimate]]]) -> str:
    """The cue forest."""
    return _inline(
        figures.cues([(name, COLOURS[int(tint[-1])], e) for name, tint, e in models]), "Reliance on each cue"
    )


def cue_values(models: Sequence[tuple[str, str, Sequence[Estimate]]]) -> Table:
    """The numbers of the cue forest."""
    rows = tuple((figures.cue_label(e), name, e.value, e.low, e.high, e.n) for name, _, found in models for e in found)
    return Table(title="Reliance on each cue", columns=("cue", "model", "reliance", "low", "high", "n"), rows=rows)


def training(curves: Sequence[tuple[str, str, Curve]]) -> str:
    """The curves of all models, one under the other."""
    return "".join(_inline(figures.curve(c, COLOURS[int(tint[-1])]), name) for name, tint, c in curves)


def scatter(points: Sequence[tuple[str, float, Interval]], x_label: str, y_label: str) -> str:
    """Standalone SVG."""
    return figures.scatter(points, x_label, y_label)


def _inline(svg: str, label: str) -> str:
    return re.sub(r"<svg ", '<svg role="img" aria-label="figure" ', svg, count=1).replace(
        'class="marks"', 'class="figure marks"', 1
    )
