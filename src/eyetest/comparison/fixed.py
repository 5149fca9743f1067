"""CMP090: which images the change fixed, newly broke and left wrong, and whether both models err on the same ones."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .. import clustered, stats
from ..outcome import Outcome
from ..records import Block, Estimate, Gallery, Status, Table
from ..types import Labels, Predictions
from . import consistency
from .cards import GROUPS, SHOWN, card, changed_masks, changed_rows
from .family import LEVEL, Judged
from .sides import Side, groups_of, made, over
from .words import LIMITS

CODE, NAME = "CMP090", "fixed_and_broken"
TITLES = (
    "Fixed, the surest mistake of {a} first",
    "Newly broken, the surest mistake of {b} first",
    "Still wrong, the surest mistake of {b} first",
)
BETTER = ("higher", "lower", "neither")
CONSISTENCY = "Error consistency is above 0 also for unrelated models, where some images are hard for all; it is not about which is right."


def fixed_and_broken(a: Side, b: Side, classes: tuple[str, ...], judge: Judged, limit: str) -> Outcome:
    """Counts, directions, and the images with both models' answers; `judge` is of McNemar's test of the accuracies."""
    masks = changed_masks(a.predictions, b.predictions)
    ids, groups = a.predictions.ids, groups_of(a, b, a.predictions.ids)
    names = [group.replace(" ", "_") for group in GROUPS]
    shared = consistency.agreement(a.predictions.correct, b.predictions.correct, groups)
    estimates = [_rate(name, mask, better, groups) for name, mask, better in zip(names, masks, BETTER, strict=True)]
    estimates += consistency.estimate(shared, len(ids), groups)
    galleries = _galleries(a, b, classes, masks)
    fixed, broken, still = masks
    blocks: list[Block] = [
        *galleries,
        _directions(a.predictions, fixed, classes, f"Directions of {a.name}'s errors that {b.name} fixed"),
        _directions(b.predictions, broken, classes, f"Directions of {b.name}'s new errors"),
        _directions(b.predictions, still, classes, f"Directions of {b.name}'s errors where {a.name} errs too"),
    ]
    worse = broken.sum() > fixed.sum() and judge.adjusted < LEVEL
    status: Status = "concern" if worse else "ok"
    finding = made(
        CODE,
        NAME,
        status,
        _headline(a, b, masks, shared),
        estimates,
        blocks,
        [one.id for gallery in galleries for one in gallery.cards],
        {"p_mid": judge.p, **judge.params, "agreement": shared.observed, "agreement_by_chance": shared.expected},
        (CONSISTENCY, limit, *LIMITS),
    )
    columns = {name: mask.astype(float) for name, mask in zip(names, masks, strict=True)}
    return Outcome(finding, ids, columns)


def _headline(a: Side, b: Side, masks: tuple[np.ndarray, ...], shared: consistency.Agreement) -> str:
    fixed, broken, still = (int(mask.sum()) for mask in masks)
    counted = (
        f"Against {a.name}, {b.name} is newly right on {fixed:,} and newly wrong on {broken:,} of {len(masks[0]):,} test "
        f"images; on {still:,} both are wrong."
    )
    if shared.kappa is None:
        return counted
    value, low, high = shared.kappa
    same = f"they agree in being right or wrong on {shared.observed:.1%}, by chance {shared.expected:.1%}"
    return f"{counted} Error consistency {value:.2f} ({low:.2f} to {high:.2f}): {same}."


def _galleries(a: Side, b: Side, classes: tuple[str, ...], masks: tuple[np.ndarray, ...]) -> list[Gallery]:
    rows = changed_rows(a.predictions, b.predictions)
    return [
        Gallery(
            title=title.format(a=a.name, b=b.name),
            total=int(mask.sum()),
            cards=tuple(card(a, b, classes, group, row) for row in chosen.tolist()),
        )
        for title, group, mask, chosen in zip(TITLES, GROUPS, masks, rows, strict=True)
    ]


def _rate(name: str, values: np.ndarray, better: str, groups: Labels | None) -> Estimate:
    plain = "Wilson score interval"
    if groups is None:
        interval, method = stats.wilson(int(values.sum()), len(values)), plain
    else:
        interval, method = clustered.wilson(values, groups), f"{plain} at the effective n{over(groups)}"
    fields = {"name": name, "n": len(values), "unit": "fraction", "better": better, "method": method}
    return Estimate.model_validate(fields | interval._asdict() | {"statistic": "mean", "columns": (name,)})


def _directions(predictions: Predictions, chosen: np.ndarray, classes: tuple[str, ...], title: str) -> Table:
    pairs = zip(predictions.labels[chosen].tolist(), predictions.predicted[chosen].tolist(), strict=True)
    counted = Counter(f"{classes[i]} → {classes[j]}" for i, j in pairs)
    return Table(title=title, columns=("direction", "images"), rows=tuple(counted.most_common(SHOWN)))
