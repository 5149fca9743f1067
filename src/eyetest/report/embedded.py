"""What can be downloaded from inside the page, as JSON in a script element that is never run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..records import Cell, Estimate, Finding, RunRecord, Table
from .sections import Shown

COLUMNS = ("name", "value", "low", "high", "confidence", "n", "unit", "better", "method")
"""Of a row of estimates; the method is its place in `methods`, because few methods make many numbers."""
_ESCAPES: dict[int, str] = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})


def embedded(record: RunRecord, shown: Sequence[Shown]) -> Markup:
    """Record, findings and tables, safe inside a script element."""
    methods: dict[str, int] = {}
    sections = [
        {
            "name": one.section.name,
            "title": one.section.title,
            "kind": one.section.run.kind,
            "seed": one.section.run.seed,
            "models": [model.model_dump(mode="json") for model in one.section.run.models],
            "findings": [_finding(finding, methods, short=one.further) for finding in one.section.findings],
        }
        for one in shown
    ]
    about = record.model_dump(mode="json", exclude={"config"})
    data = {"record": about, "estimate_columns": COLUMNS, "methods": list(methods), "sections": sections}
    return as_json(data)


def as_json(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    return Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES))


def _finding(finding: Finding, methods: dict[str, int], *, short: bool) -> dict[str, Any]:
    told = finding.model_dump(mode="json", include={"code", "name", "title", "question", "status", "headline"})
    if short:
        return told
    return told | {
        "params": finding.params,
        "limits": finding.limits,
        "samples": finding.samples,
        "estimates": [_estimate(e, methods) for e in finding.estimates],
        "tables": [_table(block) for block in finding.blocks if isinstance(block, Table)],
    }


def _estimate(e: Estimate, methods: dict[str, int]) -> list[Cell]:
    place = methods.setdefault(e.method, len(methods))
    numbers = [_short(value) for value in (e.value, e.low, e.high, e.confidence)]
    return [e.name, *numbers, e.n, e.unit, e.better, place]


def _table(table: Table) -> dict[str, Any]:
    rows = [[_short(value) for value in row] for row in table.rows]
    return {"title": table.title, "columns": table.columns, "rows": rows}


def _short(value: Cell) -> Cell:
    """Six digits say all that a bootstrap knows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
