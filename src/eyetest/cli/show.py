"""Findings and plans in the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..records import ContractRecord, Finding, Plan
from ..store import RunDir

if TYPE_CHECKING:
    from ..looking.record import Looked, LookedMethod

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
        print_json(found)
        return
    console = Console()
    for run in runs:
        record = run.record
        first, *others = [model.name for model in record.models] or [record.kind]
        names = f"{', '.join(others)} against {first}" if others else first
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


def show_look(looked: Looked, as_json: bool) -> None:
    """What was seen in one image: the answer, then each method with its stamp, its largest values and its tests."""
    if as_json:
        print(looked.model_dump_json(indent=1))
        return
    console = Console()
    truth = f" (label {looked.truth})" if looked.truth is not None else ""
    answer = f"{looked.model} answers {looked.predicted}{truth}, {100 * looked.confidence:.1f} % sure"
    other = f"runner-up {looked.runner_up}, {100 * looked.runner_up_confidence:.1f} %"
    console.print(Text(f"{looked.image}: {answer}; {other}", style="bold"))
    if looked.resized:
        console.print(Text(looked.resized))
    this, that = looked.predicted, looked.contender
    table = Table(box=None, title="largest values, in each method's unit", title_justify="left")
    for name in ("method", "stamp", this, that, "this, not that", "evidence", "by class"):
        table.add_column(name, no_wrap=name in ("method", "stamp"))
    for one in looked.methods:
        if not one.problem:
            table.add_row(*_seen(one))
    console.print(table)
    for one in looked.methods:
        if one.problem:
            console.print(Text(f"no {one.method} map: {one.problem}", style="dim"))
        elif one.maps[0].stamp_reason:
            console.print(Text(f"{one.method}, {one.maps[0].stamp}: such a map {one.maps[0].stamp_reason}."))
    if not looked.audited:
        console.print(Text("No method is stamped here: run eyetest audit to put the maps to the test.", style="dim"))


def _seen(one: LookedMethod) -> list[str]:
    """Largest values of the three maps, and yes or no: evidence for the answer, a map that changes with the class."""
    largest = {found.aim: f"{found.largest:.3g}" for found in one.maps}
    values = [largest.get(aim, "–") for aim in ("predicted", "contender", "contrast")]
    words = {True: "yes", False: "no", None: "cannot tell"}
    stamp = one.maps[0].stamp or "not stamped"
    return [one.method, stamp, *values, words[one.maps[0].evidence], words[one.target_sensitive]]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def crashed(runs: Sequence[RunDir]) -> bool:
    """Whether any check crashed: never a pass."""
    return any(finding.status == "error" for run in runs for finding in run.findings.values())


def _line(finding: Finding) -> Text:
    mark, style = MARKS[finding.status]
    return Text.assemble((f"  {mark} {finding.code:<8}", style), finding.headline)
