"""A gate as a Markdown table, for summaries of CI runs and comments on changes."""

from __future__ import annotations

import re

from ..records import GateRecord, Verdict
from ._text import printable
from .plain import SAID

MARKS = {"pass": "✅ pass", "fail": "❌ fail", "cannot_tell": "❔ cannot tell"}


def markdown(gate: GateRecord) -> str:
    """A heading with the result and one row a rule."""
    against = f", against {_escaped(gate.reference)}" if gate.reference else ""
    head = [
        f"### eyetest gate: {SAID[gate.result]}",
        "",
        f"{_escaped(gate.model)}, {_escaped(gate.data)}{against}",
        "",
        "| result | rule | measured |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *(_row(one) for one in gate.verdicts)]) + "\n"


def _row(verdict: Verdict) -> str:
    ignored = f"; ignored: {_escaped(verdict.ignored)}" if verdict.ignored else ""
    rule = f"{_escaped(verdict.address)} {_escaped(verdict.demand)}"
    return f"| {MARKS[verdict.result]}{ignored} | {rule} | {_escaped(verdict.sentence)} |"


def _escaped(text: str) -> str:
    """Text in which nothing is markup, a link, a mention or a cell's end: punctuation as character references."""
    return re.sub(r"[^\w\s.,;=+()/−–…%-]|_", lambda found: f"&#{ord(found[0])};", printable(text))
