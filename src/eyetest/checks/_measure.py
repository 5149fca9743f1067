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
) -> Estimate:
    """A statistic of the columns called `names`, with a percentile bootstrap over images, or over groups.

    Raises MissingEvidence if all images are of one group.
    """
    groups = _several(context, rows, name)
    read = [columns[one] for one in names]
    interval = stats.bootstrap(stats.STATISTICS[statistic], read, context.fingerprint, groups=groups)
    method = f"percentile bootstrap{_over(groups)}, {stats.RESAMPLES} resamples"
    return _estimate(name, statistic, names, interval, len(rows), unit, better, method)


def calibration_error(
    context: Context, name: str, statistic: str, names: tuple[str, str], columns: Mapping[str, Column], rows: Rows
) -> Estimate:
    """An ECE (debiased or not) of the confidence and the correctness called `names`, with the interval of the true one.

    Raises MissingEvidence if all images are of one group.
    """
    groups = _several(context, rows, name)
    confidence, correct = (columns[one] for one in names)
    value = stats.STATISTICS[statistic](confidence, correct)
    interval = stats.ece_interval(value, confidence, correct, context.fingerprint, groups=groups)
    method = f"inverted test of the ECE of {stats.BINS} bins{_over(groups)}, {stats.RESAMPLES} draws of normal noise"
    return _estimate(name, statistic, names, interval, len(rows), "fraction", "lower", method)


def _estimate(
    name: str,
    statistic: str,
    names: tuple[str, ...],
    interval: stats.Interval,
    n: int,
    unit: str,
    better: Better,
    method: str,
) -> Estimate:
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        unit=unit,
        better=better,
        method=method,
        statistic=statistic,
        columns=names,
    )


def _groups(context: Context, rows: Rows) -> Labels | None:
    return None if context.groups is None else context.groups[rows]


def _several(context: Context, rows: Rows, name: str) -> Labels | None:
    groups = _groups(context, rows)
    if groups is not None and len(np.unique(groups)) < 2:
        raise MissingEvidence(f"{name} needs images of at least two groups")
    return groups


def _over(groups: Labels | None) -> str:
    return " over images" if groups is None else f" over {len(np.unique(groups)):,} groups"
