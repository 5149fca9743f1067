"""From a run directory to its page: which sections, in which order."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from .options import DEFAULT, PageOptions
from .render import Section, render

if TYPE_CHECKING:
    from ..store import RunDir


def write_report(run: RunDir, out: Path, options: PageOptions = DEFAULT) -> Path:
    """Write the page of a run: its own findings, or those of the runs that it holds or compares."""
    record = run.record
    title = f"{record.kind.capitalize()} on {record.data.title}"
    render(title, record, sections(run), out, options)
    return out


def sections(run: RunDir) -> list[Section]:
    """Comparisons first, then the audits of the models; what a study itself found comes last."""
    record = run.record
    if record.kind == "study":
        found = [_section(child) for child in run.children]
        own = [_section(run)] if run.findings else []
        return [*sorted(found, key=lambda section: section.run.kind != "compare"), *own]
    if record.kind == "compare":
        existing = [child for child in run.children if child.findings]
        return [_section(run), *(_section(child) for child in existing)]
    return [_section(run)]


def summary_html(run: RunDir) -> str:
    """A few lines for a notebook: the headline of every finding."""
    record = run.record
    lines = [f"<li><b>{html.escape(f.code)}</b> {html.escape(f.headline)}</li>" for f in run.findings.values()]
    head = f"{record.kind} on {record.data.title}, {record.status}"
    return f"<div><p><b>{html.escape(head)}</b></p><ul>{''.join(lines)}</ul></div>"


def _section(run: RunDir) -> Section:
    record = run.record
    findings = tuple(run.findings.values())
    models = " against ".join(model.name for model in reversed(record.models))
    title = models or ", ".join(finding.title for finding in findings)
    return Section(run.path.name, title, record, findings, run.path)
