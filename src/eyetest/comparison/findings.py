"""All comparisons of two audits: one finding a check, each conclusion corrected for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from ..outcome import Outcome
from ..records import Block, Cell, Estimate, Finding, Forest, Scalar, Table
from ..stats import mcnemar
from . import directions, fixed
from .differences import Difference, measured, paired, share
from .family import Judged, credible, excludes_zero, judged, limit, not_surviving, status, written
from .sides import Side, codes_of, groups_of, made, require_same_images
from .words import CONFUSIONS, EXTRA_LIMITS, LIMITS, MAIN, TITLES, WORDS


@final
@dataclass(frozen=True)
class Pair:
    """The findings of one check in both audits, with all of their paired differences."""

    code: str
    """Of the comparison."""
    source: str
    first: Finding | None
    second: Finding | None
    differences: tuple[Difference, ...]

    @property
    def main(self) -> Difference | None:
        """What the comparison is about: the first of its main estimates that both audits have."""
        by_name = {one.estimate.name: one for one in self.differences}
        return next((by_name[one] for one in MAIN.get(self.code, tuple(by_name)) if one in by_name), None)

    @property
    def told(self) -> Difference | None:
        """The main difference, if anything may be concluded from it."""
        untrusted = self.code == "CMP018" and self.main is not None and not same_trusted(self.first, self.second)
        return None if untrusted else self.main


def compare_findings(a: Side, b: Side, *, classes: tuple[str, ...]) -> list[Outcome]:
    """All comparisons of two sides.

    Raises RunError if they did not see the same images.
    """
    require_same_images(a, b)
    codes = codes_of((a, b))
    pairs = [_pair(source, code, a, b) for source, code in codes.items()]
    ways = directions.directions(a, b, classes) if _confused(a, b) else []
    raw = _main_family(pairs, directions.p_value(ways), a, b)
    main, other = judged(raw), judged(_other_family(pairs))
    said = limit(len(main), len(other))
    found = [_compared(pair, a, b, main.get(pair.code), other, said) for pair in pairs]
    found.insert(1, Outcome(_of_directions(a, b, ways, main.get(directions.CODE), said)))
    found.append(fixed.fixed_and_broken(a, b, classes, main.get("CMP001") or main[fixed.CODE], said))
    if groups_of(a, b, a.predictions.ids) is None:
        return found
    return [replace(one, finding=one.finding.where_images_come_in_groups()) for one in found]


def _pair(source: str, code: str, a: Side, b: Side) -> Pair:
    first, second = a.findings.get(source), b.findings.get(source)
    return Pair(code, source, first, second, tuple(paired(*both) for both in measured(a, b, source)))


def _main_family(pairs: Iterable[Pair], ways: float | None, a: Side, b: Side) -> dict[str, float]:
    """p-value of each comparison; fixed and broken images ask the same as accuracy, and count once."""
    raw = {pair.code: pair.told.p for pair in pairs if pair.told is not None}
    if ways is not None:
        raw[directions.CODE] = ways
    if "CMP001" not in raw:
        right = [side.predictions.correct for side in (a, b)]
        raw[fixed.CODE] = share(right[0], right[1], groups_of(a, b, a.predictions.ids))[1]
    return raw


def _other_family(pairs: Iterable[Pair]) -> dict[str, float]:
    return {
        f"{pair.code}.{one.estimate.name}": one.p for pair in pairs for one in pair.differences if one is not pair.told
    }


def _confused(a: Side, b: Side) -> bool:
    """Whether both audits asked which class is taken for which."""
    asked = [side.findings.get(CONFUSIONS) for side in (a, b)]
    return all(one is not None and one.status not in ("error", "not_applicable") for one in asked)


def _of_directions(a: Side, b: Side, ways: Sequence[directions.Direction], judge: Judged | None, said: str) -> Finding:
    if not _confused(a, b):
        return made(directions.CODE, directions.NAME, "not_applicable", _missing(CONFUSIONS))
    return directions.told(a, b, ways, judge, said)


def _compared(pair: Pair, a: Side, b: Side, judge: Judged | None, other: Mapping[str, Judged], said: str) -> Outcome:
    code, first, second = pair.code, pair.first, pair.second
    name = first.name if first else TITLES[code][0].lower().replace(" ", "_")
    if first is None or second is None or pair.main is None:
        return Outcome(made(code, name, "not_applicable", _missing(pair.source)))
    main, shared = pair.main.estimate, [one.estimate for one in pair.differences]
    judges = [judge if one is pair.told else other[f"{code}.{one.estimate.name}"] for one in pair.differences]
    blocks: list[Block] = [
        Scalar(title=f"{b.name} minus {a.name}", estimate=main.name),
        Forest(title=f"{b.name} minus {a.name}", x_label="difference", estimates=_drawn(shared)),
        _both(first, second, shared, judges, a.name, b.name),
    ]
    limits = (*EXTRA_LIMITS.get(code, ()), said, *LIMITS)
    if judge is None:
        told = _untrusted(first, second, main)
        return Outcome(made(code, name, "inconclusive", told, shared, blocks, params={"trusted": False}, limits=limits))
    params = (_discordant(a, b) if code == "CMP001" else {}) | judge.params
    told = _headline(code, main, judge, first, second, a, b)
    return Outcome(made(code, name, status(main, judge), told, shared, blocks, params=params, limits=limits))


def _missing(source: str) -> str:
    return f"This could not be compared: {source} has no number in both audits."


def _discordant(a: Side, b: Side) -> dict[str, Cell]:
    """Images that only one of the models has right, and McNemar's p-values; where images come in groups only that of the sums."""
    right = [side.predictions.correct for side in (a, b)]
    groups = groups_of(a, b, a.predictions.ids)
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    found: dict[str, Cell] = {"only_first_right": only[0], "only_second_right": only[1]}
    if groups is None:
        found["p_exact"] = mcnemar(*only)[0]
    return found | {"p_mid": share(right[0], right[1], groups)[1]}


def same_trusted(first: Finding | None, second: Finding | None) -> bool:
    """Whether both audits read the maps of one method that was trusted in both."""
    known = [finding for finding in (first, second) if finding is not None]
    methods = {finding.params.get("method") for finding in known}
    return len(methods) == 1 and all(finding.params.get("trusted") for finding in known)


def _untrusted(first: Finding, second: Finding, main: Estimate) -> str:
    methods = sorted({str(finding.params.get("method")).replace("_", " ") for finding in (first, second)})
    why = "the two audits read different maps" if len(methods) > 1 else f"{methods[0]} maps may not be believed in both"
    return f"Whether attention moved cannot be told, because {why}. The {WORDS[main.name]} changed by {moved(main)}."


def _drawn(shared: Iterable[Estimate]) -> tuple[str, ...]:
    """What the picture shows: of the cues only reliance and shares, not each cell of the where map."""
    names = [e.name for e in shared]
    hidden = (".artefact", ".capture", ".relative_reliance", ".removal_effect")
    return tuple(name for name in names if not name.startswith("cell") and not name.endswith(hidden))


def words_of(code: str, name: str) -> str:
    """What an estimate is in a sentence."""
    return WORDS.get(name) or WORDS.get(code, name)


def moved(main: Estimate) -> str:
    """A difference with its interval and n: fractions in points."""
    if not main.unit.startswith("fraction"):
        said = f"{main.value:+.3g} ({main.low:+.3g} to {main.high:+.3g})"
    else:
        said = f"{100 * main.value:+.1f} points ({100 * main.low:+.1f} to {100 * main.high:+.1f})"
    return f"{said.replace('-', '−')}, n = {main.n:,}"


def _headline(code: str, main: Estimate, judge: Judged, first: Finding, second: Finding, a: Side, b: Side) -> str:
    was, now = first.estimate(main.name).value, second.estimate(main.name).value
    what, numbers = words_of(code, main.name), moved(main)
    aside = _at_threshold(first, second) if code == "CMP004" else ""
    if excludes_zero(main) and not credible(main, judge):
        return f"Whether {b.name} differs from {a.name} in {what} cannot be told: {numbers}{aside}; {not_surviving(judge)}."
    if not main.unit.startswith("fraction"):
        return f"{what}: {was:.3g} in {a.name}, {now:.3g} in {b.name}, {numbers}."
    if not excludes_zero(main):
        return f"No difference seen in {what} between {b.name} and {a.name}: {numbers}{aside}."
    if main.name in WORDS or main.better == "neither":
        verb = "fell" if main.value < 0 else "rose"
        return f"The {what} {verb} from {was:.1%} in {a.name} to {now:.1%} in {b.name}: {numbers}."
    word = "better" if (main.value > 0) == (main.better == "higher") else "worse"
    return f"{b.name} is {word} than {a.name}: {what} {now:.1%} against {was:.1%}, {numbers}{aside}."


def _at_threshold(first: Finding, second: Finding) -> str:
    was, now = (finding.estimate("confident_error_rate").value for finding in (first, second))
    threshold = first.params.get("threshold")
    return f"; at a fixed confidence of {threshold} the rate went from {was:.2%} to {now:.2%}, which smoothing alone can do"


def _both(
    first: Finding,
    second: Finding,
    shared: Sequence[Estimate],
    judges: Sequence[Judged | None],
    name_a: str,
    name_b: str,
) -> Table:
    rows = tuple(
        (
            e.name,
            first.estimate(e.name).value,
            second.estimate(e.name).value,
            e.value,
            e.low,
            e.high,
            written(judge.p),
            written(judge.adjusted),
            judge.family,
        )
        for e, judge in zip(shared, judges, strict=True)
        if judge is not None
    )
    columns = ("estimate", name_a, name_b, "difference", "low", "high", "p", "p (Holm)", "family")
    return Table(title="Both models", columns=columns, rows=rows)
