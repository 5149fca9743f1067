"""From a run directory to its page: which sections, in which order."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from ..store import finished
from .options import DEFAULT, PageOptions
from .render import Section, render
from .story import Missing
from .trained import training_finding

if TYPE_CHECKING:
    from ..records import Finding, RunRecord
    from ..store import RunDir


def write_report(run: RunDir, out: Path, options: PageOptions = DEFAULT) -> Path:
    """Write the page of a run: its own findings, or those of the runs that it holds or compares."""
    record = run.record
    title = f"{record.kind.capitalize()} on {record.data.title}"
    held = sections(run)
    runs = [one for one in (run, *_held(run)) if record.kind != "study" or one.record.seed == record.seed]
    render(title, record, held, out, options, runs=runs, missing=missing(run))
    return out


def sections(run: RunDir) -> list[Section]:
    """The audits of the models, then their comparisons; what a study itself found comes last."""
    record = run.record
    if record.kind == "train":
        return [_section(run, (training_finding(run),) if run.trained else ())]
    if record.kind == "study":
        found = [_section(child) for child in _held(run)]
        own = [_section(run)] if run.findings else []
        return [*sorted(found, key=lambda section: section.run.kind == "compare"), *own]
    if record.kind == "compare":
        existing = [child for child in run.children if child.findings]
        return [*(_section(child) for child in existing), _section(run)]
    return [_section(run)]


def missing(run: RunDir) -> Missing:
    """What an unfinished run lacks, and the command that finishes it."""
    record = run.record
    held = {child.path.name: child for child in _held(run)}
    expected = _expected(record) if record.kind == "study" else list(held)
    said = [f"{name} is missing." for name in expected if name not in held]
    said += [f"{name} is {child.record.status}{_unanswered(child)}." for name, child in held.items() if _open(child)]
    if _open(run) and record.kind == "sweep":
        said.append(_trainings(run))
    elif _open(run) and record.kind != "study":
        said.append(f"It is {record.status}{_unanswered(run)}; what is here is what was done so far.")
    if record.kind == "study" and _open(run) and not said:
        said.append("The models are audited, and not all comparisons are made.")
    return Missing(tuple(said), record.command if said else "")


def summary_html(run: RunDir) -> str:
    """A few lines for a notebook: the headline of every finding."""
    record = run.record
    lines = [f"<li><b>{html.escape(f.code)}</b> {html.escape(f.headline)}</li>" for f in run.findings.values()]
    head = f"{record.kind} on {record.data.title}, {record.status}"
    return f"<div><p><b>{html.escape(head)}</b></p><ul>{''.join(lines)}</ul></div>"


def _open(run: RunDir) -> bool:
    return run.record.status != "complete"


def _held(run: RunDir) -> tuple[RunDir, ...]:
    """The runs of a study or comparison; of an unfinished study those that are there."""
    record = run.record
    if record.children or record.kind != "study":
        return run.children
    return tuple(run.open(file.parent) for file in sorted(run.path.glob("*/run.json")))


def _expected(record: RunRecord) -> list[str]:
    """Directories of the audits that a study was asked for."""
    return [f"{recipe['name']}-{seed}" for seed in record.seeds for recipe in record.config.get("recipes", ())]


def _trainings(run: RunDir) -> str:
    """How far an unfinished sweep has come."""
    record = run.record
    cells = [run.cell(f"{folder}-{seed}").path for seed in record.seeds for folder in record.config["cells"]]
    ended = sum(finished(path) is not None for path in cells)
    return f"{ended} of {len(cells)} trainings have ended; they are compared when all have."


def _unanswered(run: RunDir) -> str:
    """Checks that were asked for and have no finding."""
    answered = run.findings
    codes = [code for code in run.record.config.get("checks", ()) if code not in answered]
    return f", without an answer to {', '.join(codes)}" if codes else ""


def _section(run: RunDir, findings: tuple[Finding, ...] | None = None) -> Section:
    record = run.record
    found = tuple(run.findings.values()) if findings is None else findings
    title = record.subject or ", ".join(finding.title for finding in found) or run.path.name
    return Section(run.path.name, title, record, found, run.path, _model(run))


def _model(run: RunDir) -> str:
    """The audited model as a command takes it."""
    record = run.record
    if run.trained and run.model.is_file():
        return run.path.as_posix()
    source = record.models[0].source if len(record.models) == 1 else ""
    return (run.path / source).resolve().as_posix() if source and (run.path / source).exists() else source
