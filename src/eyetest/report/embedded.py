"""What can be downloaded from inside the page, as JSON in a script element that is never run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ..records import Cell, Estimate, Finding, RunRecord, Table
from .sections import Shown


def embedded(record: RunRecord, shown: Sequence[Shown]) -> Markup:
    """Record, findings and tables, safe inside a script element."""
    data = {
        "record": record.model_dump(mode="json", exclude={"config"}),
        "sections": [
            {
                "name": one.section.name,
                "title": one.section.title,
                "kind": one.section.run.kind,
                "seed": one.section.run.seed,
                "models": [model.model_dump(mode="json") for model in one.section.run.models],
                "findings": [_finding(finding, short=one.further) for finding in one.section.findings],
            }
            for one in shown
        ],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _finding(finding: Finding, *, short: bool) -> dict[str, Any]:
    told = finding.model_dump(mode="json", include={"code", "name", "title", "question", "status", "headline"})
    if short:
        return told
    tables = [_table(block) for block in finding.blocks if isinstance(block, Table)]
    return told | {
        "params": finding.params,
        "limits": finding.limits,
        "samples": finding.samples,
        "estimates": [_estimate(e) for e in finding.estimates],
        "tables": tables,
    }


def _estimate(e: Estimate) -> dict[str, Any]:
    told = e.model_dump(mode="json", exclude={"statistic", "columns"})
    return told | {name: _short(told[name]) for name in ("value", "low", "high")}


def _table(table: Table) -> dict[str, Any]:
    rows = [[_short(value) for value in row] for row in table.rows]
    return {"title": table.title, "columns": table.columns, "rows": rows}


def _short(value: Cell) -> Cell:
    """Six digits say all that a bootstrap knows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
