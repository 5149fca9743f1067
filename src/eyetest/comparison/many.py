"""More than two models: each against a reference, or all pairs. Each model is resampled once, so that a pair is a subtraction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import final

from .. import clustered, reliance, stats
from ..errors import RunError
from ..outcome import Outcome
from ..records import Block, Cell, Estimate, Finding, Forest, Status, Table
from ..types import Labels
from . import consistency, fixed
from .cards import GROUPS, changed_masks
from .differences import Difference, Measured, measure, paired, share
from .family import LEVEL, Judged, credible, excludes_zero, judged, sign, written
from .findings import moved, same_trusted, words_of
from .sides import Side, codes_of, made, require_same_images
from .words import EXTRA_LIMITS, LIMITS, MAIN, TITLES

PAIRED = (
    ("ACC001", "accuracy"),
    ("CAL001", "ece"),
    ("CAL001", "nll"),
    ("CAL002", "aurc"),
    ("FAIL001", "confident_error_rate"),
)
"""Check and name of the estimates of all pairs."""
LISTED = 5
"""Models that a headline names of each kind."""
REST = "Only main estimates are compared with more than two models; compare two of them for all others, and for the images."


@final
@dataclass(frozen=True)
class PairDifference:
    """One estimate of two of many models."""

    first: int
    """Place of the model among those that were given."""
    second: int
    code: str
    difference: Difference
    judge: Judged
    """Over all pairs and estimates."""


@final
@dataclass(frozen=True)
class Against:
    """One model against the reference in one main estimate."""

    model: str
    value: float | None
    """Of the model; None where it has no such number."""
    difference: Difference | None
    why: str = ""
    """Why there is no difference, or none to conclude from."""


def pairwise(sides: Sequence[Side], wanted: Sequence[tuple[str, str]] = PAIRED) -> list[PairDifference]:
    """Every estimate of every pair of models, later minus earlier, with p-values adjusted over all of them.

    Raises RunError if they did not see the same images, or one has no such number.
    """
    groups = _require_same(sides)
    held = {(code, name): [_held(side, code, name, groups) for side in sides] for code, name in wanted}
    pairs = list(combinations(range(len(sides)), 2))
    found = {(i, j, *what): paired(held[what][i], held[what][j]) for what in held for i, j in pairs}
    adjusted = stats.holm([one.p for one in found.values()])
    return [
        PairDifference(i, j, code, one, Judged(one.p, float(p), len(found)))
        for ((i, j, code, _), one), p in zip(found.items(), adjusted, strict=True)
    ]


def compare_with_reference(sides: Sequence[Side]) -> list[Outcome]:
    """Every main estimate of each model against that of the first one, with p-values adjusted over all of them.

    Raises RunError if they did not see the same images.
    """
    groups = _require_same(sides)
    codes = codes_of(sides)
    rows = {code: _rows(source, code, sides, groups) for source, code in codes.items()}
    raw = {f"{code}.{one.model}": difference.p for code in rows for one, difference in _told(rows[code])}
    if not _told(rows["CMP001"]):
        right = [side.predictions.correct for side in sides]
        whole = None if groups is None else clustered.codes(groups, sides[0].predictions.ids)
        raw |= {
            f"CMP001.{side.name}": share(right[0], one, whole)[1]
            for side, one in zip(sides[1:], right[1:], strict=True)
        }
    judges = judged(raw)
    said = (
        f"Better or worse is said only where p, adjusted for the {len(raw)} differences of all models and main estimates "
        f"(Holm 1979), is below {LEVEL}. Each interval is for its own difference alone."
    )
    found = [Outcome(_finding(source, code, rows[code], sides, judges, said)) for source, code in codes.items()]
    found.append(Outcome(_fixed(sides, groups, judges, said)))
    return (
        found if groups is None else [replace(one, finding=one.finding.where_images_come_in_groups()) for one in found]
    )


def _require_same(sides: Sequence[Side]) -> dict[str, str] | None:
    """The groups that all audits share."""
    for side in sides[1:]:
        require_same_images(sides[0], side)
    known = [dict(side.groups) for side in sides if side.groups is not None]
    if any(one != known[0] for one in known):
        raise RunError(
            "The audits know of other groups of the same images; a comparison resamples groups, and needs the same. Audit all "
            "with the same --group, then compare again."
        )
    return known[0] if known else None


def _held(side: Side, code: str, name: str, groups: dict[str, str] | None) -> Measured:
    finding = side.findings.get(code)
    if finding is None or name not in {one.name for one in finding.estimates}:
        raise RunError(f"{side.name} has no number {code}.{name}. Audit it with that check, then compare again.")
    return measure(side, code, name, _codes(side, code, groups))


def _codes(side: Side, source: str, groups: dict[str, str] | None) -> Labels | None:
    return clustered.codes(groups, side.scores[source][0])


def _rows(source: str, code: str, sides: Sequence[Side], groups: dict[str, str] | None) -> list[Against]:
    """Each model against the first; empty where the first has no such number, or no other has."""
    reference, *others = sides
    names = [_paired_names(side, source) for side in sides]
    order = MAIN.get(code, tuple(names[0]))
    known = [one for one in names[1:] if one]
    shared = [one for one in order if one in names[0] and known and all(one in own for own in known)]
    if not shared:
        return []
    first = measure(reference, source, shared[0], _codes(reference, source, groups))
    return [_against(source, code, first, reference, side, groups) for side in others]


def _paired_names(side: Side, source: str) -> list[str]:
    """Estimates that are named statistics of per-image columns."""
    finding = side.findings.get(source)
    known = (*stats.STATISTICS, *reliance.RULES)
    return [one.name for one in finding.estimates if one.statistic in known] if finding else []


def _against(
    source: str, code: str, first: Measured, reference: Side, side: Side, groups: dict[str, str] | None
) -> Against:
    name = first.estimate.name
    if name not in _paired_names(side, source):
        return Against(side.name, None, None, "no number")
    value = side.findings[source].estimate(name).value
    if side.scores[source][0] != reference.scores[source][0]:
        return Against(side.name, value, None, "measured on other images")
    if code == "CMP018" and not same_trusted(reference.findings[source], side.findings[source]):
        return Against(side.name, value, None, "maps not trusted in both")
    found = paired(first, measure(side, source, name, first.groups))
    estimate = found.estimate.model_copy(update={"name": f"{name}[{side.name}]"})
    return Against(side.name, value, replace(found, estimate=estimate))


def _told(rows: Iterable[Against]) -> list[tuple[Against, Difference]]:
    return [(one, one.difference) for one in rows if one.difference is not None]


def _finding(
    source: str,
    code: str,
    rows: Sequence[Against],
    sides: Sequence[Side],
    judges: dict[str, Judged],
    said: str,
) -> Finding:
    reference = sides[0]
    known = reference.findings.get(source)
    name = known.name if known else TITLES[code][0].lower().replace(" ", "_")
    told = [(found.estimate, judges[f"{code}.{one.model}"], one) for one, found in _told(rows)]
    if known is None or not told:
        said = f"This could not be compared: {source} has no number in {reference.name} and another audit."
        return made(code, name, "not_applicable", said)
    main = known.estimate(told[0][0].name.removesuffix(f"[{told[0][2].model}]"))
    estimates = [one for one, _, _ in told]
    blocks: list[Block] = [
        _table(main, rows, judges, code, reference.name),
        Forest(
            title=f"Each model minus {reference.name}",
            x_label="difference",
            estimates=tuple(one.name for one in estimates),
        ),
    ]
    verdicts = {one.model: _verdict(estimate, judge) for estimate, judge, one in told}
    params: dict[str, Cell] = {"reference": reference.name, "models": len(sides), "family": told[0][1].family}
    headline = _headline(code, main, told, verdicts, reference.name)
    limits = (*EXTRA_LIMITS.get(code, ()), said, REST, *LIMITS)
    return made(code, name, _status(verdicts.values()), headline, estimates, blocks, params=params, limits=limits)


def _verdict(estimate: Estimate, judge: Judged) -> str:
    if not credible(estimate, judge):
        return "cannot tell"
    return {1: "better", -1: "worse", 0: "more" if estimate.value > 0 else "less"}[sign(estimate)]


def _status(verdicts: Iterable[str]) -> Status:
    """`concern` if a model is credibly worse than the reference, else `ok` if one differs credibly, else inconclusive."""
    seen = set(verdicts)
    return "concern" if "worse" in seen else "ok" if seen - {"cannot tell"} else "inconclusive"


def _headline(
    code: str,
    main: Estimate,
    told: Sequence[tuple[Estimate, Judged, Against]],
    verdicts: dict[str, str],
    reference: str,
) -> str:
    parts = []
    for word in ("better", "worse", "more", "less"):
        some = [f"{one.model} ({moved(estimate)})" for estimate, _, one in told if verdicts[one.model] == word]
        parts += [f"{word}: {_listed(some)}"] if some else []
    rest = [one.model for _, _, one in told if verdicts[one.model] == "cannot tell"]
    lost = [one.model for estimate, judge, one in told if excludes_zero(estimate) and not credible(estimate, judge)]
    parts += [f"cannot be told: {_listed(rest)}"] if rest else []
    aside = (
        f" Of {_listed(lost)} the difference alone leaves out 0, but does not survive the correction." if lost else ""
    )
    was = f"{main.value:.1%}" if main.unit.startswith("fraction") else f"{main.value:.3g}"
    return f"Against {reference} ({words_of(code, main.name)} {was}), {'; '.join(parts)}.{aside}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _table(main: Estimate, rows: Sequence[Against], judges: dict[str, Judged], code: str, reference: str) -> Table:
    cells: list[tuple[Cell, ...]] = [(reference, main.value, *[None] * 5, "reference")]
    for one in rows:
        if one.difference is None:
            cells.append((one.model, one.value, *[None] * 5, one.why))
            continue
        estimate, judge = one.difference.estimate, judges[f"{code}.{one.model}"]
        numbers = (one.value, estimate.value, estimate.low, estimate.high, written(judge.p), written(judge.adjusted))
        cells.append((one.model, *numbers, _verdict(estimate, judge)))
    columns = ("model", main.name, "difference", "low", "high", "p", "p (Holm)", "verdict")
    return Table(title=f"Each model against {reference}", columns=columns, rows=tuple(cells))


def _fixed(sides: Sequence[Side], groups: dict[str, str] | None, judges: dict[str, Judged], said: str) -> Finding:
    """CMP090 as counts, and the error consistency of each model with the reference."""
    reference, *others = sides
    ids = reference.predictions.ids
    whole = clustered.codes(groups, ids)
    rows: list[tuple[Cell, ...]] = []
    estimates, worse = [], []
    for side in others:
        counts = [int(mask.sum()) for mask in changed_masks(reference.predictions, side.predictions)]
        shared = consistency.agreement(reference.predictions.correct, side.predictions.correct, whole)
        ends = (None, None, None) if shared.kappa is None else tuple(shared.kappa)
        rows.append((side.name, *counts, *ends, shared.observed, shared.expected))
        own = consistency.estimate(shared, len(ids), whole)
        estimates += [one.model_copy(update={"name": f"{one.name}[{side.name}]"}) for one in own]
        if counts[1] > counts[0] and judges[f"CMP001.{side.name}"].adjusted < LEVEL:
            worse.append(side.name)
    columns = ("model", *GROUPS, "error consistency", "low", "high", "agreement", "by chance")
    told = (
        f"credibly more is broken than fixed by {_listed(worse)}"
        if worse
        else "no model credibly breaks more than it fixes"
    )
    return made(
        fixed.CODE,
        fixed.NAME,
        "concern" if worse else "ok",
        f"Against {reference.name}, {told}, on {len(ids):,} test images.",
        estimates,
        [Table(title=f"Images against {reference.name}", columns=columns, rows=tuple(rows))],
        params={"reference": reference.name, "models": len(sides)},
        limits=(fixed.CONSISTENCY, said, REST, *LIMITS),
    )
