"""One self-contained page from findings and pictures. Everything that comes from data is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..records import (
    Block,
    Cell,
    Curve,
    Estimate,
    Finding,
    Forest,
    Gallery,
    Grid,
    MapPicture,
    Matrix,
    RunRecord,
    Status,
    of_whole_cue,
)
from ..store import RunDir, replacing
from . import figures
from .gallery import gallery_section, picture_uri
from .options import DEFAULT, PageOptions

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito 2008, one a model, the same everywhere on the page."""
COMPARISON_COLOUR = "#444444"
MARKS: dict[Status, tuple[str, str]] = {
    "error": ("✘", "crashed"),
    "concern": ("▲", "concern"),
    "inconclusive": ("?", "cannot tell"),
    "ok": ("✔", "ok"),
    "not_applicable": ("–", "not applicable"),
}


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


@final
@dataclass(frozen=True)
class Shown:
    """A section with its colour."""

    section: Section
    number: int | None
    """Which of the model colours; None where it is not about one model."""

    @property
    def colour(self) -> str:
        """The colour of its figures."""
        return COMPARISON_COLOUR if self.number is None else COLOURS[self.number]

    @property
    def tint(self) -> str:
        """The class in page.css that holds the same colour."""
        return "tint-none" if self.number is None else f"tint-{self.number}"

    @property
    def comparison(self) -> bool:
        """Whether it compares two models."""
        return self.section.run.kind == "compare"

    @property
    def ranked(self) -> list[Finding]:
        """Findings, the most worrying first."""
        return sorted(self.section.findings, key=lambda finding: list(MARKS).index(finding.status))

    def figure(self, block: Block, finding: Finding) -> Markup:
        """The block as a picture; empty if it is not one that is drawn."""
        if isinstance(block, Curve):
            return _picture(figures.curve(block, self.colour), f"{block.title}: {block.y_label} over {block.x_label}")
        if isinstance(block, Matrix):
            return _picture(figures.matrix(block, self.colour), f"{block.title}, {len(block.labels)} classes")
        if isinstance(block, Forest):
            return _picture(figures.forest(block, finding, self.colour), f"{block.title}, with intervals")
        if isinstance(block, Grid):
            return _picture(figures.grid(block, finding, self.colour), f"{block.title}, {len(block.estimates)} rows")
        return Markup("")

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


def render(
    title: str,
    record: RunRecord,
    sections: Sequence[Section],
    out: Path,
    options: PageOptions = DEFAULT,
    runs: Sequence[RunDir] = (),
) -> None:
    """Write the page by rename, with a gallery of the images of `runs`. It loads nothing from anywhere."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "cell": cell, "mark": lambda status: MARKS[status]}
    environment.filters |= {"stamp_words": stamp_words, "stamps_in_words": stamps_in_words, "distrusted": distrusted}
    shown = _coloured(sections)
    images = gallery_section(runs, options, _tints_by_name(shown))
    style, script = _asset("page.css") + (images.style if images else ""), images.script if images else ""
    page = environment.from_string(_asset("page.html")).render(
        title=title,
        record=record,
        shown=shown,
        style=Markup(style),
        style_hash=_hash(style),
        images=images,
        script=Markup(script),
        script_hash=_hash(script),
        picture=partial(_file, _Seen()) if options.images else lambda folder, name: "",
        theme=options.theme,
        tint_of=_tints_by_name(shown),
        curves=_training_curves(shown),
        cues=_cue_forest(shown),
    )
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def number(estimate: Estimate, value: float) -> str:
    """A value in its unit: fractions as per cent with enough digits to see the interval."""
    if estimate.unit.endswith(figures.DIFFERENCE):
        scale, unit, digits = (100, " points", 2) if estimate.unit.startswith("fraction") else (1, "", 3)
        return f"{scale * value:+.{digits}f}{unit}"
    if estimate.unit.startswith("fraction"):
        digits = 2 if abs(estimate.high - estimate.low) < 0.01 else 1
        return f"{100 * value:.{digits}f} %"
    return f"{value:.3f}"


def cell(value: Cell) -> str:
    """A table cell for reading."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else value


def stamp_words(picture: MapPicture) -> str:
    """What its stamp says of a map, as a sentence."""
    method = f"{picture.method.replace('_', '-')} maps of the {picture.target} class"
    said = {
        "trust": f"Trust {method}: they passed all tests.",
        "do not trust": f"Do not trust {method}: such a map {picture.stamp_reason}.",
        "cannot tell": f"It cannot be told whether to trust {method}: such a map {picture.stamp_reason}.",
    }
    return said.get(picture.stamp, f"{method} were not put to the test.".capitalize())


def stamps_in_words(block: Gallery, names: Sequence[str]) -> list[str]:
    """One sentence for each stamped method and target of a gallery; of two models, each says whose."""
    own = [("", p) for card in block.cards for p in card.maps]
    if len(names) > 1:
        own = [(f"{names[0]}: ", p) for _, p in own]
        own += [(f"{names[1]}: ", p) for card in block.cards for p in card.other_maps]
    return list(dict.fromkeys(whose + stamp_words(picture) for whose, picture in own if picture.stamp))


def distrusted(pictures: Sequence[MapPicture]) -> set[str]:
    """The methods that failed for any target: none of their maps is shown in colour."""
    return {picture.method for picture in pictures if picture.stamp == "do not trust"}


class _Seen:
    """Pictures that were embedded already, by content."""

    def __init__(self) -> None:
        self.known: dict[Path, str] = {}


def _file(seen: _Seen, folder: Path, name: str) -> str:
    """A picture of a run as a data URI; empty if it is missing or points out of the run."""
    path = (folder / name).resolve()
    if path not in seen.known:
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        seen.known[path] = picture_uri(base64.b64encode(path.read_bytes()).decode()) if inside else ""
    return seen.known[path]


def _coloured(sections: Sequence[Section]) -> list[Shown]:
    free = iter(list(range(len(COLOURS))) * (len(sections) // len(COLOURS) + 1))
    return [Shown(section, next(free) if section.run.kind == "audit" else None) for section in sections]


def _tints_by_name(shown: Sequence[Shown]) -> Callable[[str], str]:
    known = {one.section.title: one.tint for one in shown if one.number is not None}
    return lambda name: known.get(name, "tint-none")


def _training_curves(shown: Sequence[Shown]) -> list[tuple[Shown, Markup]]:
    """The first curve of FIT001 of each model, where at least two models have one."""
    found = [
        (one, one.figure(block, finding))
        for one in shown
        for finding in one.section.findings
        if finding.code == "FIT001"
        for block in [b for b in finding.blocks if isinstance(b, Curve)][:2]
    ]
    return found if len({one.section.name for one, _ in found}) > 1 else []


def _cue_forest(shown: Sequence[Shown]) -> Markup:
    """What each model uses, all on one axis; empty if no cue was measured."""
    models = [(one.section.title, one.colour, one.reliances) for one in shown if not one.comparison and one.reliances]
    return _picture(figures.cues(models), "Reliance on each cue, with intervals") if models else Markup("")


def _picture(drawn: str, alt: str) -> Markup:
    uri = "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()
    return Markup('<img class="figure" src="{}" alt="{}">').format(uri, alt)


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
