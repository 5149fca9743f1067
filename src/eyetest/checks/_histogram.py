"""Right and wrong answers counted in the same bins."""

from __future__ import annotations

import numpy as np

from ..records import Counts, Histogram
from ..types import Column

BINS = 20
"""Of equal width between 0 and 1."""


def right_and_wrong(title: str, x_label: str, values: Column, right: Column, wrong: Column) -> Histogram:
    """A histogram of fractions; `right` and `wrong` are above 0 for the images of each group."""
    edges = np.linspace(0, 1, BINS + 1)

    def counted(name: str, group: Column) -> Counts:
        return Counts(name=name, counts=tuple(np.histogram(values[group > 0].clip(0, 1), edges)[0].tolist()))

    groups = (counted("right answers", right), counted("wrong answers", wrong))
    return Histogram(
        title=title, x_label=x_label, edges=tuple(edges.round(6).tolist()), series=groups, x_unit="fraction"
    )
