"""A gate as a Markdown table, for summaries of CI runs and comments on changes."""

from __future__ import annotations

from ..records import GateRecord, Verdict
from ._text import escaped
from .plain import SAID

MARKS = {"pass": "✅ pass", "fail": "❌ fail", "cannot_tell": "❔ cannot tell"}


def markdown(gate: GateRecord) -> str:
    """A heading with the result and one row a rule."""
    against = f", against {escaped(gate.reference)}" if gate.reference else ""
    head = [
        f"### eyetest gate: {SAID[gate.result]}",
        "",
        f"{escaped(gate.model)}, {escaped(gate.data)}{against}",
        "",
        "| result | rule | measured |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *(_row(one) for one in gate.verdicts)]) + "\n"


def _row(verdict: Verdict) -> str:
    ignored = f"; ignored: {escaped(verdict.ignored)}" if verdict.ignored else ""
    rule = f"{escaped(verdict.address)} {escaped(verdict.demand)}"
    return f"| {MARKS[verdict.result]}{ignored} | {rule} | {escaped(verdict.sentence)} |"
