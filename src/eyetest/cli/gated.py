"""The result of a gate in the terminal and in files."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..export.junit import junit as as_junit
from ..export.markdown import markdown as as_markdown
from ..export.plain import plain
from ..export.sarif import sarif as as_sarif
from ..records import GateRecord


def show_gate(gate: GateRecord, as_json: bool) -> None:
    """One line a rule with what was measured, or gate.json."""
    print(gate.model_dump_json(indent=1) if as_json else plain(gate))


def write_exports(gate: GateRecord, *, junit: Path | None, sarif: Path | None, markdown: Path | None) -> None:
    """Write the files that were asked for, in place: they may be pipes, devices or a CI system's own files.

    Raises UserError where one cannot be written.
    """
    for path, written in ((junit, as_junit), (sarif, as_sarif), (markdown, as_markdown)):
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(gate), encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"{path} cannot be written ({error.strerror}); a file in a directory of yours was expected. The gate's result "
                f"({gate.result}) is in {gate.run}/gate.json."
            ) from error
