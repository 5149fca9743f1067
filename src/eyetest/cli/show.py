"""Findings and plans in the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..records import ContractRecord, Finding, Plan
from ..store import RunDir

MARKS = {
    "ok": ("✔", "green"),
    "concern": ("▲", "yellow"),
    "inconclusive": ("?", "blue"),
    "not_applicable": ("–", "dim"),
    "error": ("✘", "red"),
}


SHOWN = 10
"""Class names that a plan lists."""


def show_findings(runs: Sequence[RunDir], as_json: bool) -> None:
    """All findings of these runs: sentences with their main numbers, or one JSON list."""
    if as_json:
        found = [finding.model_dump(mode="json") for run in runs for finding in run.findings.values()]
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    console = Console()
    for run in runs:
        record = run.record
        names = " against ".join(model.name for model in reversed(record.models)) or record.kind
        console.print(Text(f"{names}: {record.data.title}, {record.status}, {run.path}", style="bold"))
        for finding in run.findings.values():
            console.print(_line(finding))


def show_plan(plan: Plan, as_json: bool) -> None:
    """What the model is fed, then passes with images and seconds."""
    if as_json:
        print(plan.model_dump_json(indent=1))
        return
    table = Table("pass", "split", "images", "seconds", box=None)
    for one in plan.passes:
        table.add_row(one.what, one.split, f"{one.images:,}", f"{one.seconds:.1f}")
    console = Console()
    if plan.contract is not None:
        console.print(_contract(plan.contract))
        console.print(Text(f"preprocessing: {plan.contract.preprocessing}. {plan.contract.note}\n"))
    console.print(table)
    console.print(f"about {plan.seconds:.0f} s in all. {plan.note}")


def _contract(contract: ContractRecord) -> Table:
    """Each part of the input contract with where it is known from."""
    height, width = contract.input_size
    values = {
        "input_size": f"{height}×{width} pixels",
        "mean": " ".join(f"{value:g}" for value in contract.mean),
        "std": " ".join(f"{value:g}" for value in contract.std),
        "classes": f"{len(contract.classes)}: {', '.join(contract.classes[:SHOWN])}"
        + (", …" if len(contract.classes) > SHOWN else ""),
    }
    table = Table("the model is fed", "", "known from", box=None)
    for name, value in values.items():
        table.add_row(name.replace("_", " "), Text(value), Text(contract.sources[name]))
    return table


def crashed(runs: Sequence[RunDir]) -> bool:
    """Whether any check crashed: never a pass."""
    return any(finding.status == "error" for run in runs for finding in run.findings.values())


def _line(finding: Finding) -> Text:
    mark, style = MARKS[finding.status]
    return Text.assemble((f"  {mark} {finding.code:<8}", style), finding.headline)
