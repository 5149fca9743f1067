"""Estimates with the interval that fits: Wilson for a rate, a seeded bootstrap for any other statistic.

Where the data has groups (patients, scenes), both know that images of one group belong together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import clustered, stats
from ..errors import MissingEvidence
from ..evidence import Context
from ..records import Better, Estimate
from ..types import Column, Labels, Rows


def rate(
    context: Context,
    name: str,
    hits: np.ndarray,
    rows: Rows,
    *,
    better: Better,
    unit: str = "fraction",
    statistic: str | None = None,
    columns: tuple[str, ...] = (),
) -> Estimate:
    """Share of `hits` (bool, one a test row of `rows`) with its Wilson score interval, at the effective n where there are groups."""
    groups = _groups(context, rows)
    interval = stats.wilson(int(hits.sum()), len(hits)) if groups is None else clustered.wilson(hits, groups)
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(hits),
        unit=unit,
        better=better,
        method="Wilson score interval" + ("" if groups is None else f" at the effective n{_over(groups)}"),
        statistic=statistic,
        columns=columns,
    )


def measured(
    context: Context,
    name: str,
    statistic: str,
    names: tuple[str, ...],
    columns: Mapping[str, Column],
    rows: Rows,
    *,
    unit: str,
    better: Better,
    basic: bool = False,
) -> Estimate:
    """A statistic of the columns called `names`, with a percentile (or basic) bootstrap over images, or over groups.

    Raises MissingEvidence if all images are of one group.
    """
    groups = _groups(context, rows)
    if groups is not None and len(np.unique(groups)) < 2:
        raise MissingEvidence(f"{name} needs images of at least two groups")
    make = stats.basic_bootstrap if basic else stats.bootstrap
    interval = make(stats.STATISTICS[statistic], [columns[one] for one in names], context.fingerprint, groups=groups)
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(rows),
        unit=unit,
        better=better,
        method=f"{'basic' if basic else 'percentile'} bootstrap{_over(groups)}, {stats.RESAMPLES} resamples",
        statistic=statistic,
        columns=names,
    )


def _groups(context: Context, rows: Rows) -> Labels | None:
    return None if context.groups is None else context.groups[rows]


def _over(groups: Labels | None) -> str:
    return " over images" if groups is None else f" over {len(np.unique(groups)):,} groups"
