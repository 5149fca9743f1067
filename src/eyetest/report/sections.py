"""Sections of a page, one a run, and the colour of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from ..records import Estimate, Finding, RunRecord, of_whole_cue
from .figures import COLOURS


@final
@dataclass(frozen=True)
class Section:
    """The findings of one run."""

    name: str
    """Anchor on the page."""
    title: str
    run: RunRecord
    findings: tuple[Finding, ...]
    folder: Path
    """Where the files that blocks name lie."""
    model: str = ""
    """The model as a command takes it; empty where that is not known."""


@final
@dataclass(frozen=True)
class Shown:
    """A section with its colour."""

    section: Section
    number: int | None
    """Which of the model colours; None where it is not about one model."""
    further: bool = False
    """Whether it belongs to a further seed, which is shown in short."""
    several: bool = False
    """Whether it is of one seed of several."""

    @property
    def tint(self) -> str:
        """The class in page.css that holds its colour."""
        return "tint-none" if self.number is None else f"tint-{self.number}"

    @property
    def comparison(self) -> bool:
        """Whether it compares two models."""
        return self.section.run.kind == "compare"

    def anchor(self, finding: Finding) -> str:
        """Id of a finding on the page."""
        return f"{self.section.name}-{finding.code}"

    @property
    def reliances(self) -> list[Estimate]:
        """Reliance on each whole cue, from all cue findings."""
        return [
            estimate
            for finding in self.section.findings
            if finding.code.startswith("CUE")
            for estimate in finding.estimates
            if of_whole_cue(estimate.name)
        ]


def coloured(record: RunRecord, sections: Sequence[Section]) -> list[Shown]:
    """Each model in its own colour, the same for every seed; a study's sections of other seeds than its first are further."""
    study = record.kind == "study"
    audits = [section for section in sections if section.run.kind in ("audit", "train")]
    numbers = {title: n % len(COLOURS) for n, title in enumerate(dict.fromkeys(one.title for one in audits))}
    return [
        Shown(
            section,
            numbers[section.title] if section in audits else None,
            further=study and section.run.kind != "study" and section.run.seed != record.seed,
            several=study and len(record.seeds) > 1,
        )
        for section in sections
    ]
