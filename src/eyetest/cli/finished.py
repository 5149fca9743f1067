"""A run that is done: its findings in the terminal, its page, and its trackers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .exit_codes import DONE, PARTIAL
from .tracked import send

if TYPE_CHECKING:
    from ..store import RunDir
    from ..trackers.base import Tracker


def finished(run: RunDir, as_json: bool, told: Sequence[Tracker] = ()) -> int:
    """Show and tell it; the exit code."""
    from .show import crashed, show_findings

    children = run.children if run.record.kind == "study" else ()
    show_findings((*children, run) if run.findings else children, as_json)
    page = run.report()
    if not as_json:
        print(f"report: {page}")
    return max(send(run, told, quiet=as_json), PARTIAL if crashed((run, *children)) else DONE)
