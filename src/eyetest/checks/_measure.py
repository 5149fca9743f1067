"""Estimates with the interval that fits: Wilson for a rate, a seeded bootstrap for any other statistic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import stats
from ..evidence import Context
from ..records import Better, Estimate
from ..types import Column, Rows


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
    """Share of `hits` (bool, one a test row of `rows`) with its Wilson score interval."""
    interval = stats.wilson(int(hits.sum()), len(hits))
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(hits),
        unit=unit,
        better=better,
        method="Wilson score interval",
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
    """A statistic of the columns called `names`, with a percentile (or basic) bootstrap over images."""
    make = stats.basic_bootstrap if basic else stats.bootstrap
    interval = make(stats.STATISTICS[statistic], [columns[one] for one in names], context.fingerprint)
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(rows),
        unit=unit,
        better=better,
        method=f"{'basic' if basic else 'percentile'} bootstrap over images, {stats.RESAMPLES} resamples",
        statistic=statistic,
        columns=names,
    )
