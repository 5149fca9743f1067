"""CMP002: which confusions of one class with another went, and which came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from .. import stats
from ..records import Block, Estimate, Finding, Forest, Status, Table
from .differences import share
from .family import LEVEL, Judged, judged, not_surviving, written
from .sides import Side, groups_of, made
from .words import LIMITS

CODE, NAME = "CMP002", "directions"
LEAST = 6
"""Images of both models together below which no test of a direction could ever reach 5 %."""
SHOWN = 12
CHOSEN = (
    f"The {SHOWN} directions with the most images of both models together are tested, of those with at least {LEAST}; what "
    "became of rarer ones is not told. That choice does not look at which model has more."
)
LABELS = "A direction may come or go because of wrong labels; look at the images."


@final
@dataclass(frozen=True)
class Direction:
    """Images of one class that are taken for another one."""

    name: str
    before: int
    after: int
    estimate: Estimate
    """Difference of the shares of the class."""
    judge: Judged
    """Over the directions that are shown."""

    @property
    def moved(self) -> int:
        """1 where it credibly came, -1 where it went, else 0."""
        clear = self.judge.adjusted < LEVEL and not self.estimate.low <= 0 <= self.estimate.high
        return int(np.sign(self.estimate.value)) if clear else 0


def directions(a: Side, b: Side, classes: tuple[str, ...]) -> list[Direction]:
    """The most frequent directions of both models together, each tested on the images of its class."""
    labels = a.predictions.labels
    answers = [side.predictions.predicted for side in (a, b)]
    counts = np.zeros((2, len(classes), len(classes)), dtype=np.int64)
    for table, answer in zip(counts, answers, strict=True):
        np.add.at(table, (labels, answer), 1)
    total = counts.sum(0) * (1 - np.eye(len(classes), dtype=np.int64))
    order = [int(k) for k in np.argsort(-total, axis=None, kind="stable")[:SHOWN] if total.flat[k] >= LEAST]
    found = {}
    for i, j in (divmod(k, len(classes)) for k in order):
        own = labels == i
        groups = groups_of(a, b, tuple(np.array(a.predictions.ids)[own].tolist()))
        taken = [answer[own] == j for answer in answers]
        found[f"{classes[i]} → {classes[j]}"] = (counts[:, i, j], taken, share(taken[0], taken[1], groups))
    judges = judged({name: p for name, (_, _, (_, p, _)) in found.items()})
    return [
        Direction(name, int(seen[0]), int(seen[1]), _estimate(name, interval, len(taken[0]), method), judges[name])
        for name, (seen, taken, (interval, _, method)) in found.items()
    ]


def p_value(found: Sequence[Direction]) -> float | None:
    """That no direction that is shown has moved: the smallest adjusted p-value; None without directions."""
    return min((one.judge.adjusted for one in found), default=None)


def told(a: Side, b: Side, found: Sequence[Direction], judge: Judged | None, limit: str) -> Finding:
    """CMP002 from its directions; `judge` is of all of them as one of the main differences."""
    if judge is None:
        said = f"No class was taken for another on {LEAST} images by {a.name} and {b.name} together, so no direction can be told."
        return made(CODE, NAME, "not_applicable", said, limits=(CHOSEN, *LIMITS))
    came, went = ([one for one in found if one.moved == way] for way in (1, -1))
    sure = judge.adjusted < LEVEL
    status: Status = "inconclusive" if not sure or not (came or went) else "concern" if came else "ok"
    blocks: list[Block] = [
        _table(a, b, found),
        Forest(
            title=f"Share of the class that is taken for the other, {b.name} minus {a.name}",
            x_label="difference",
            estimates=tuple(one.estimate.name for one in found),
        ),
    ]
    headline = _headline(a, b, came, went, len(found)) if sure else _untold(a, b, came + went, len(found), judge)
    estimates = [one.estimate for one in found]
    params = {**judge.params, "directions": len(found)}
    return made(CODE, NAME, status, headline, estimates, blocks, params=params, limits=(CHOSEN, LABELS, limit, *LIMITS))


def _headline(a: Side, b: Side, came: Sequence[Direction], went: Sequence[Direction], tested: int) -> str:
    if not came and not went:
        return f"Of the {tested} most frequent confusions none credibly came or went between {a.name} and {b.name}."
    parts = [f"{word} {_listed(some)}" for word, some in (("came:", came), ("went:", went)) if some]
    return f"Of the {tested} most frequent confusions with {b.name} instead of {a.name}, {'; '.join(parts)}."


def _untold(a: Side, b: Side, moved: Sequence[Direction], tested: int, judge: Judged) -> str:
    said = f"Whether a confusion came or went between {a.name} and {b.name} cannot be told: of the {tested} most frequent ones "
    if not moved:
        return f"{said}no difference is clear of chance."
    return f"{said}{_listed(moved)} would; {not_surviving(judge)}."


def _listed(some: Sequence[Direction]) -> str:
    return ", ".join(f"{one.name} ({one.before:,} → {one.after:,} images)" for one in some)


def _table(a: Side, b: Side, found: Sequence[Direction]) -> Table:
    words = {1: "came", -1: "went", 0: "cannot tell"}
    rows = tuple(
        (
            one.name,
            one.before,
            one.after,
            one.estimate.value,
            one.estimate.low,
            one.estimate.high,
            written(one.judge.adjusted),
            words[one.moved],
        )
        for one in found
    )
    columns = ("direction", a.name, b.name, "difference of shares", "low", "high", "p (Holm)", "verdict")
    return Table(
        title=f"Confusions: images before and after; p adjusted for these {len(rows)}", columns=columns, rows=rows
    )


def _estimate(name: str, interval: stats.Interval, n: int, method: str) -> Estimate:
    return Estimate(
        name=f"taken[{name}]",
        **interval._asdict(),
        n=n,
        unit="fraction of the class (B − A)",
        better="lower",
        method=method,
    )
