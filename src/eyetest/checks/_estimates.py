"""Reliance, artefact, capture, shares and directions of a cue, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import reliance, stats
from ..records import Better, Estimate
from ..reliance import Linear
from ._swapped import ALIKE, Swapped, donor_names, judged

BALANCED_FROM = 1.5
"""Ratio of the largest to the smallest class from which the class-balanced mean is shown too."""
FEWEST = 30
"""Rows below which nothing is said of a part."""
METHOD = "normal interval, stratified by class and donor class, rows that share donors counted together"


def cue_estimates(one: Swapped) -> list[Estimate]:
    """Reliance, artefact, capture and relative reliance of one cue."""
    key, draws = one.transplant.key, len(one.effect)
    donors = donor_names(draws)
    names = {
        part: tuple(f"{key}.{part}_{r}" for r in range(draws)) for part in ("same", "other", "followed", "unprompted")
    }
    right = tuple(["right"] * draws)
    better: Better = "lower" if judged(one.transplant) else "neither"
    return [
        _estimate(f"{key}.reliance", "swap_difference", (*names["same"], *names["other"], *donors), one, better,
                  reliance.difference(one.right[:, 0], one.right[:, 1])),
        _estimate(f"{key}.artefact", "swap_difference", (*right, *names["same"], *donors), one, "neither",
                  reliance.difference(one.plain, one.right[:, 0])),
        _estimate(f"{key}.capture", "swap_difference", (*names["followed"], *names["unprompted"], *donors), one, better,
                  reliance.difference(one.followed, one.unprompted)),
        *_relative(one, names, better),
        *_balanced(one, better),
        *_matched(one, better),
    ]  # fmt: skip


def _relative(one: Swapped, names: Mapping[str, tuple[str, ...]], better: Better) -> list[Estimate]:
    """Reliance as a part of the accuracy with the own class's cue; nothing where that is 0."""
    if not one.right[:, 0].any():
        return []
    columns = (*names["same"], *names["other"], *donor_names(len(one.effect)))
    linear = reliance.relative(one.right[:, 0], one.right[:, 1])
    return [_estimate(f"{one.transplant.key}.relative_reliance", "swap_relative", columns, one, better, linear)]


def _balanced(one: Swapped, better: Better) -> list[Estimate]:
    """The class-balanced mean, where the classes are of unequal size."""
    labels = one.swaps.labels
    counts = np.bincount(labels)
    if counts[counts > 0].max() <= BALANCED_FROM * counts[counts > 0].min():
        return []
    linear = reliance.weighted(one.effect, 1 / counts[labels])
    return [_estimate(f"{one.transplant.key}.balanced_reliance", None, (), one, better, linear)]


def _matched(one: Swapped, better: Better) -> list[Estimate]:
    """Reliance among rows whose two donors change the image equally much: a donor of the own class fits better."""
    rows = int(one.alike.sum())
    if rows < FEWEST:
        return []
    name, linear = f"{one.transplant.key}.matched_reliance", reliance.within(one.effect, one.alike)
    found = _estimate(name, None, (), one, better, linear)
    method = f"{found.method}, rows whose two donors change the image equally much (distances within {ALIKE:.0%})"
    return [found.model_copy(update={"n": int(one.alike.any(0).sum()), "method": method})]


def share_estimates(keys: tuple[str, ...], found: Sequence[Swapped]) -> list[Estimate]:
    by_key = {one.transplant.key: one for one in found}
    if not set(keys) <= set(by_key) or all(by_key[key].effect.mean() <= 0 for key in keys):
        return []
    estimates = []
    for key in keys:
        order = [key, *(other for other in keys if other != key)]
        linear = reliance.share([by_key[other].effect for other in order])
        draws = len(by_key[key].effect)
        columns = [f"{other}.{arm}_{r}" for other in order for arm in ("same", "other") for r in range(draws)]
        statistic = {2: "swap_share_of_two", 3: "swap_share_of_three"}[len(keys)]
        better: Better = "lower" if judged(by_key[key].transplant) else "neither"
        names = (*columns, *donor_names(draws))
        estimates.append(_estimate(f"{key}.reliance_share", statistic, names, by_key[key], better, linear))
    return estimates


def class_estimates(one: Swapped, classes: tuple[str, ...]) -> list[Estimate]:
    """Reliance of each class, adjusted for what donors of each class do to any image."""
    present = sorted(set(one.swaps.labels.tolist()))
    swaps = one.swaps
    known = sorted({*present, *swaps.table.classes.ravel().tolist()})  # a class may lend and have no test image
    excess = reliance.diagonal_excess(one.right, swaps.labels, swaps.table.classes, known)
    counts = np.bincount(swaps.labels, minlength=len(classes))
    better: Better = "lower" if judged(one.transplant) else "neither"
    found = []
    for c in present:
        name = f"{one.transplant.key}.reliance[{classes[c]}]"
        estimate = _estimate(name, None, (), one, better, excess[c])
        method = f"excess over an additive table of class and donor class, {estimate.method}"
        found.append(estimate.model_copy(update={"n": int(counts[c]), "method": method}))
    return found


def directions(one: Swapped) -> dict[int, tuple[stats.Interval, float]]:
    """By class: how much oftener images of other classes are answered so with donors of that class than of a third.

    With the p-value after Holm; empty with two classes.
    """
    table, labels = one.swaps.table, one.swaps.labels
    lent, predicted = table.classes[:, 1], one.swaps.predicted[:, 1]
    present = sorted(set(lent.ravel().tolist()))
    if one.swaps.logits.shape[3] == 2:
        return {}
    found = [
        reliance.interval(
            reliance.between((predicted == c).astype(np.float64), lent == c, (lent != c) & (labels != c)),
            table.donors,
            one.strata,
        )
        for c in present
    ]
    adjusted = stats.holm([reliance.p_value(interval) for interval in found])
    return {c: (interval, float(p)) for c, interval, p in zip(present, found, adjusted, strict=True)}


def _estimate(
    name: str,
    statistic: str | None,
    columns: tuple[str, ...],
    one: Swapped,
    better: Better,
    linear: Linear,
) -> Estimate:
    found = reliance.interval(linear, one.swaps.table.donors, one.strata)
    return Estimate(
        name=name,
        value=found.value,
        low=found.low,
        high=found.high,
        n=len(one.swaps.table.rows),
        unit="fraction",
        better=better,
        method=f"{METHOD}, {len(one.effect)} draw{'s' if len(one.effect) > 1 else ''}",
        statistic=statistic,
        columns=columns,
    )
