"""A gate as lines of plain text, for terminals and test reports."""

from __future__ import annotations

from ..records import GateRecord, Verdict
from ._text import printable

MARKS = {"pass": "✔ pass", "fail": "✘ fail", "cannot_tell": "? cannot tell"}
SAID = {"pass": "passed", "fail": "failed", "cannot_tell": "cannot tell, which is no pass"}


def plain(gate: GateRecord) -> str:
    """One line a rule, what was measured below it, and the result last."""
    reference = f" against {gate.reference}" if gate.reference else ""
    lines = [
        f"{gate.model}: {gate.data}, {gate.run}{reference}",
        *(line for one in gate.verdicts for line in _lines(one)),
    ]
    counted = sum(not one.ignored for one in gate.verdicts)
    lines.append(f"gate: {SAID[gate.result]} ({counted} of {len(gate.verdicts)} rules count)")
    return "\n".join(printable(line) for line in lines)


def _lines(verdict: Verdict) -> list[str]:
    ignored = [f"      ignored: {verdict.ignored}"] if verdict.ignored else []
    mark = MARKS[verdict.result] + (" (ignored)" if ignored else "")
    return [f"  {mark}: {verdict.address} {verdict.demand}", f"      {verdict.sentence}", *ignored]
