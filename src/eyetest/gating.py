"""A policy held against the findings of a run: pass, fail or cannot tell. Reads results only; no model, no torch.

What could not be measured is never a pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from . import clustered
from .errors import RunError, UserError
from .policy import EVERY, Policy, Rule, read_policy, rule_lines
from .records import Estimate, Finding, GateRecord, Result, Status, Verdict
from .store import RunDir
from .types import Column, Labels

SHOWN = 12
"""Names that are listed where one is not known."""
MOST = 1e7
"""Images above which it is not said how many would decide a rule."""


class _Untold(Exception):
    """Why a rule cannot be decided."""


def gate(
    run: RunDir | Path | str, policy: Policy | Path | str, *, reference: RunDir | Path | str | None = None
) -> GateRecord:
    """What a policy, or the one in a TOML file, says of a run; also written into the run as gate.json.

    Raises PolicyError for a bad policy, and UserError if a rule that counts needs a reference run and none is given.
    """
    opened, against = _opened(run), None if reference is None else _opened(reference)
    rules = policy if isinstance(policy, Policy) else read_policy(policy)
    lines = [1] * len(rules.rule) if isinstance(policy, Policy) else rule_lines(policy, len(rules.rule))
    _require_reference(rules, opened, against)
    verdicts = tuple(
        _verdict(rule, opened, against, rules.data).model_copy(update={"line": line})
        for rule, line in zip(rules.rule, lines, strict=True)
    )
    record = opened.record
    gated = GateRecord(
        result=overall(verdicts),
        run=opened.path.as_posix(),
        policy="" if isinstance(policy, Policy) else Path(policy).as_posix(),
        reference="" if against is None else against.path.as_posix(),
        model=record.subject,
        data=record.data.title,
        verdicts=verdicts,
    )
    opened.write_gate(gated)
    return gated


def overall(verdicts: Iterable[Verdict]) -> Result:
    """`fail` if a verdict that counts is one, else `cannot_tell` if one is or none counts, else `pass`."""
    counted = {verdict.result for verdict in verdicts if not verdict.ignored}
    if "fail" in counted:
        return "fail"
    return "pass" if counted == {"pass"} else "cannot_tell"


def at_least(low: float, high: float, threshold: float) -> Result:
    """`pass` if the interval lies at or above the threshold, `fail` if it lies below."""
    if low >= threshold:
        return "pass"
    return "fail" if high < threshold else "cannot_tell"


def at_most(low: float, high: float, threshold: float) -> Result:
    """`pass` if the interval lies at or below the threshold, `fail` if it lies above."""
    return at_least(-high, -low, -threshold)


def equal_within(low: float, high: float, margin: float, centre: float = 0.0) -> Result:
    """`pass` if the interval lies inside (centre − margin, centre + margin), `fail` if it lies outside.

    Source: Schuirmann 1987 (two one-sided tests), with a 95 % interval instead of one of 90 %: stricter.
    """
    if centre - margin < low and high < centre + margin:
        return "pass"
    return "fail" if high <= centre - margin or low >= centre + margin else "cannot_tell"


def _opened(run: RunDir | Path | str) -> RunDir:
    return run if isinstance(run, RunDir) else RunDir.open(Path(run))


def _require_reference(policy: Policy, run: RunDir, reference: RunDir | None) -> None:
    asking = [rule.address for rule in policy.rule if rule.against_reference and not rule.ignore]
    if reference is None and asking:
        raise UserError(
            f"The policy holds {asking[0]} against a reference run, and none was given. Add --reference RUN: the audit of "
            "the model that is good enough today, on the same data."
        )
    if reference is not None and reference.path.resolve() == run.path.resolve():
        raise UserError(f"{run.path} was given as its own reference, which no run can fail. Give another run.")


def _verdict(rule: Rule, run: RunDir, reference: RunDir | None, data: str) -> Verdict:
    estimate = None
    try:
        _require_data(run, data)
        result: Result = "pass"
        if rule.status_in or rule.status_not_in:
            result, sentence = _of_statuses(rule, run)
        if rule.estimate and result == "pass":
            estimate = _measured(rule, run, reference)
            result = _decided(rule, estimate)
            sentence = _sentence(rule, estimate, result)
    except _Untold as reason:
        result, sentence = "cannot_tell", str(reason)
    return Verdict(
        address=rule.address,
        demand=rule.demand,
        result=result,
        sentence=sentence,
        estimate=estimate,
        ignored=rule.reason if rule.ignore else "",
    )


def _require_data(run: RunDir, data: str) -> None:
    seen = run.record.data
    if data and data != seen.fingerprint:
        raise _Untold(f"The policy is about data {data}, and this run saw {seen.title} ({seen.fingerprint}).")


# -- statuses -----------------------------------------------------------------------------------------------------------


def _of_statuses(rule: Rule, run: RunDir) -> tuple[Result, str]:
    """The worst result of the findings that the rule is about, and which they are."""
    if rule.code != EVERY:
        finding = _finding(run, rule.code)
        result = _of_status(rule, finding.status)
        return result, f"{finding.code} is {finding.status}: {finding.headline}"
    if run.record.status != "complete":
        raise _Untold(
            f"The run {run.path} is {run.record.status}, so not all of its findings are there. Finish it first."
        )
    found = {code: (_of_status(rule, one.status), one) for code, one in run.findings.items()}
    found = {code: pair for code, pair in found.items() if not _skipped(rule, pair[1].status)}
    for wanted in ("fail", "cannot_tell"):
        said = [f"{code} is {one.status}: {one.headline}" for code, (result, one) in found.items() if result == wanted]
        if said:
            return wanted, " ".join(said)
    if not found:
        raise _Untold(f"The run {run.path} has no finding that applies.")
    return "pass", f"This holds for all {len(found)} findings that apply."


def _of_status(rule: Rule, status: Status) -> Result:
    """A status that the rule names is decided by it; a check that crashed or did not apply never passes unnamed."""
    if status in rule.status_in:
        return "pass"
    if status in rule.status_not_in:
        return "fail"
    if status in ("error", "not_applicable"):
        return "cannot_tell"
    if rule.status_not_in:
        return "pass"
    return "cannot_tell" if status == "inconclusive" else "fail"


def _skipped(rule: Rule, status: Status) -> bool:
    """Whether a rule about all findings is not about this one, which does not apply."""
    return status == "not_applicable" and status not in (*rule.status_in, *rule.status_not_in)


# -- numbers ------------------------------------------------------------------------------------------------------------


def _measured(rule: Rule, run: RunDir, reference: RunDir | None) -> Estimate:
    """What the demand is held against: the estimate, or its paired difference run − reference."""
    estimate = _estimate(run, rule.code, rule.name)
    if not rule.against_reference:
        return estimate
    if reference is None:
        raise _Untold("No reference run was given.")
    return _difference(rule.code, _estimate(reference, rule.code, rule.name), estimate, reference, run)


def _finding(run: RunDir, code: str) -> Finding:
    """The finding of that code, whatever its status."""
    finding = run.finding(code)
    if finding is None:
        held = list(run.findings)
        children = f" It holds other runs: {', '.join(run.record.children)}." if run.record.children else ""
        raise _Untold(
            f"{run.path} has no finding {code}.{_near(code, held)} It has: {', '.join(held) or 'none'}.{children}"
        )
    return finding


def _estimate(run: RunDir, code: str, name: str) -> Estimate:
    finding = _finding(run, code)
    if finding.status == "error":
        raise _Untold(f"The check {code} crashed in {run.path}: {finding.headline}")
    if finding.status == "not_applicable":
        raise _Untold(f"{code} did not apply in {run.path}: {finding.headline}")
    if finding.params.get("trusted") is False:
        raise _Untold(f"{code} reads maps that may not be believed in {run.path}: {finding.headline}")
    known = {estimate.name: estimate for estimate in finding.estimates}
    if name not in known:
        held = ", ".join(list(known)[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
        raise _Untold(f"{code} has no number {name!r} in {run.path}.{_near(name, known)} It has: {held or 'none'}.")
    return known[name]


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _difference(code: str, first: Estimate, second: Estimate, a: RunDir, b: RunDir) -> Estimate:
    """The paired difference of an estimate on the same images, as a comparison of both runs would have it."""
    if a.record.data.fingerprint != b.record.data.fingerprint:
        seen = " and ".join(f"{run.record.data.title} ({run.record.data.fingerprint})" for run in (a, b))
        raise _Untold(f"The reference and this run saw other data: {seen}. Audit both on the same --data and --seed.")
    if first.statistic is None or (first.statistic, first.columns) != (second.statistic, second.columns):
        raise _Untold(f"{code}.{first.name} is no statistic of the same columns in both runs, so it cannot be paired.")
    (ids, columns_a), (others, columns_b) = a.scores(code), b.scores(code)
    if not ids or ids != others:
        raise _Untold(
            f"{code} was measured on other images in the reference ({len(ids):,}) and in this run ({len(others):,})."
        )
    missing = [name for name in first.columns if name not in columns_a or name not in columns_b]
    if missing:
        raise _Untold(f"The column {missing[0]} of {code} is not in both runs, so {first.name} cannot be paired.")
    from .comparison import difference_of  # SciPy takes a third of a second, and most rules need no difference

    read: list[list[Column]] = [[columns[name] for name in first.columns] for columns in (columns_a, columns_b)]
    try:
        found = difference_of(first, second, read[0], read[1], a.record.data.fingerprint, _groups(a, b, ids))
    except RunError as error:
        raise _Untold(str(error)) from error
    if not np.isfinite([found.value, found.low, found.high]).all():
        raise _Untold(f"The difference of {code}.{first.name} is no finite number, so nothing can be said about it.")
    return found


def _groups(a: RunDir, b: RunDir, ids: tuple[str, ...]) -> Labels | None:
    first, second = a.groups(), b.groups()
    if first is not None and second is not None and first != second:
        raise _Untold(
            "The reference and this run know of other groups of the same images. Audit both with one --group."
        )
    return clustered.codes(first or second, ids)


def _decided(rule: Rule, estimate: Estimate) -> Result:
    by_value = rule.bound == "value"
    low, high = (estimate.value, estimate.value) if by_value else (estimate.low, estimate.high)
    if rule.equal_to is not None:
        return equal_within(low, high, rule.margin or 0.0, 0.0 if isinstance(rule.equal_to, str) else rule.equal_to)
    lower, upper = _threshold(rule, estimate)
    return at_most(low, high, upper) if lower is None and upper is not None else at_least(low, high, lower or 0.0)


def _threshold(rule: Rule, estimate: Estimate) -> tuple[float | None, float | None]:
    """The least, or the most, that is accepted: one of both."""
    if rule.no_worse_than is None:
        return rule.at_least, rule.at_most
    if estimate.better == "neither":
        raise _Untold(f"Neither more nor less of {rule.address} is better; ask for equal_to instead of no_worse_than.")
    margin = rule.margin or 0.0
    return (-margin, None) if estimate.better == "higher" else (None, margin)


def _sentence(rule: Rule, estimate: Estimate, result: Result) -> str:
    """The number with its interval, n and method, and what would decide it if it is not decided."""
    numbers = f"{estimate.value:.4g} ({estimate.low:.4g} to {estimate.high:.4g})"
    what = f"{estimate.name}, this run minus the reference" if rule.against_reference else estimate.name
    said = f"{what}: {numbers}, n = {estimate.n:,} ({100 * estimate.confidence:g} % interval: {estimate.method})."
    return f"{said} {_wanting(rule, estimate)}" if result == "cannot_tell" else said


def _wanting(rule: Rule, estimate: Estimate) -> str:
    """How many images it would take if the value stayed where it is: widths shrink with the root of n."""
    if rule.equal_to is None:
        lower, upper = _threshold(rule, estimate)
        edges = [lower if lower is not None else upper or 0.0]
    else:
        centre, margin = (0.0 if isinstance(rule.equal_to, str) else rule.equal_to), rule.margin or 0.0
        edges = [centre - margin, centre + margin]
    needed = max(_needed(estimate, edge) for edge in edges)
    if needed > MOST:
        return "The interval holds the threshold, and the value is too near to it for any number of images."
    return f"The interval holds the threshold; about {float(f'{needed:.2g}'):,.0f} such images would tell."


def _needed(estimate: Estimate, edge: float) -> float:
    gap = edge - estimate.value
    width = estimate.value - estimate.low if gap < 0 else estimate.high - estimate.value
    return estimate.n * (width / gap) ** 2 if gap else float("inf")
