"""Blocks that are drawn, as static SVG for the page. Names of classes and models are data here, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ...records import Block, Curve, Finding, Forest, Grid, Histogram, Matrix, Table
from ...stats import Interval
from . import cues as _cues
from . import forest, grid, histogram, lines, matrix
from . import scatter as _scatter
from .cues import Models
from .lines import training
from .matrix import Link
from .numbers import DIFFERENCE, cue_label, number

__all__ = [
    "COLOURS",
    "DIFFERENCE",
    "DRAWN",
    "STYLE",
    "cue_label",
    "cue_values",
    "cues",
    "draw",
    "number",
    "scatter",
    "training",
    "values",
]

COLOURS = _scatter.COLOURS
"""One a model, the same everywhere on the page: the classes `tint-0`, `tint-1`, …"""
DRAWN = frozenset({"curve", "matrix", "forest", "grid", "histogram"})
"""Kinds of blocks that are drawn."""
STYLE = (files(__package__) / "figures.css").read_text(encoding="utf-8")
"""For the style of the page, which sets --tint, --ink, --soft, --line and --paper."""


def draw(block: Block, finding: Finding, link: Link | None = None) -> str:
    """The block as an inline SVG; `link` gives what a cell of a matrix links to.

    Raises ValueError if its kind is not in DRAWN, KeyError if the finding lacks an estimate that it names.
    """
    match block:
        case Curve():
            return lines.draw(block, finding.code)
        case Matrix():
            return matrix.draw(block, finding.code, link)
        case Forest():
            return forest.draw(block, finding)
        case Grid():
            return grid.draw(block, finding)
        case Histogram():
            return histogram.draw(block, finding.code)
        case _:
            raise ValueError(f"a {block.kind} is not drawn; drawn are {', '.join(sorted(DRAWN))}")


def values(block: Block, finding: Finding) -> Table | None:
    """What is drawn, as a table to read; None for a block that is not drawn."""
    match block:
        case Curve():
            return lines.values(block)
        case Matrix():
            return matrix.values(block)
        case Forest():
            return forest.values(block, finding)
        case Grid():
            return grid.values(block, finding)
        case Histogram():
            return histogram.values(block)
        case _:
            return None


def cues(models: Models) -> str:
    """What each model (name, class of its tint, estimates of reliance) uses, on one axis, the most relied on first."""
    return _cues.draw(models)


def cue_values(models: Models) -> Table:
    """The same, as a table to read."""
    return _cues.values(models)


def scatter(points: Sequence[tuple[str, float, Interval]], x_label: str, y_label: str) -> str:
    """Measured values with their intervals against true ones, coloured by group: a file of its own."""
    return _scatter.draw(points, x_label, y_label, STYLE)
