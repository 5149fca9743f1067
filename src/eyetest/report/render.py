"""One self-contained page from findings and pictures. Everything that comes from data is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
from urllib.parse import urlencode

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..records import Block, Curve, Finding, RunRecord, Table
from ..store import RunDir, replacing
from . import figures
from .asset import asset
from .embedded import embedded
from .gallery import gallery_section
from .glossary import GLOSSARY
from .glossed import Glossed, glossary_id, names_on
from .options import DEFAULT, PageOptions
from .pictures import data_uri, overlaid
from .sections import Section, Shown, coloured
from .story import Missing, chapters, verdict
from .words import MARKS, by_method, cell, distrusted, minus, stamp_words, stamps_in_words, wide

__all__ = ["Figure", "Section", "render"]
COMPLETE = Missing()
EXAMPLES, FOLDED = 3, 6
"""Cards of a finding that are shown at once, and with those that are folded; all are in the gallery."""
ROWS = 200
"""Rows of a table that are written out; the script of the page adds the rest from the findings that the page holds."""
"""Rows of a table that are written out; all are in what can be downloaded."""
PAPER_ROWS = 40
"""Rows of them that are printed, as page.css has it."""


@final
@dataclass(frozen=True)
class Figure:
    """A figure that a chapter begins with."""

    caption: str
    drawn: Markup
    values: Table | None = None
    note: str = ""
    """How to read it."""


def render(
    title: str,
    record: RunRecord,
    sections: Sequence[Section],
    out: Path,
    options: PageOptions = DEFAULT,
    *,
    runs: Sequence[RunDir] = (),
    missing: Missing = COMPLETE,
    leading: Mapping[str, Sequence[Figure]] | None = None,
) -> None:
    """Write the page by rename. It loads nothing from anywhere.

    `runs` are those whose images the big gallery shows, `leading` figures by the key of their chapter.
    """
    shown = coloured(record, sections)
    told = chapters(shown)
    gallery = gallery_section(runs, options, _tints_by_name(shown)) if runs else None
    style = asset("page.css") + figures.STYLE + (gallery.style if gallery else "")
    script = asset("page.js") + (gallery.script if gallery else "")
    page = _environment(shown, options, record).get_template("page.html").render(
        title=title,
        chapters=told,
        verdict=verdict(record, shown, told, missing),
        shown=shown,
        models=[one for one in shown if one.number is not None and not one.further],
        further=[one for one in shown if one.further],
        missing=missing,
        leading={**_leading(shown), **(leading or {})},
        gallery=gallery,
        glossary=GLOSSARY,
        data=embedded(record, shown),
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
    )  # fmt: skip
    with replacing(out) as temporary:
        temporary.write_text(gallery.filled(page) if gallery else page, encoding="utf-8")


def _environment(shown: Sequence[Shown], options: PageOptions, record: RunRecord) -> Environment:
    """The templates with what they may call."""
    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    glossed = Glossed(names_on(record, shown))
    filters: dict[str, Callable[..., Any]] = {
        "number": figures.number,
        "cell": cell,
        "minus": minus,
        "wide": wide,
        "mark": lambda status: MARKS[status],
        "by_method": by_method,
        "stamp_words": stamp_words,
        "stamps_in_words": stamps_in_words,
        "distrusted": distrusted,
        "glossary_id": glossary_id,
        "glossed": glossed,
    }
    environment.filters |= filters
    environment.globals |= {
        "record": record,
        "options": options,
        "theme": options.theme,
        "examples": EXAMPLES,
        "folded": FOLDED,
        "most_rows": ROWS,
        "paper_rows": PAPER_ROWS,
        "drawn": figures.DRAWN,
        "draw": _draw,
        "values": figures.values,
        "picture": data_uri if options.images else lambda folder, name: "",
        "overlaid": overlaid if options.images else lambda folder, image, layer: "",
        "new_section": glossed.new_section,
        "tint_of": _tints_by_name(shown),
    }
    return environment


def _draw(block: Block, finding: Finding, shown: Shown) -> Markup:
    """The block as a figure; cells of a confusion matrix lead to their images in the gallery."""
    model = "" if shown.number is None else shown.section.title
    return Markup(figures.draw(block, finding, _cell_link(model) if model else None))


def _cell_link(model: str) -> Callable[[str, str], str | None]:
    """Where a cell of the model's confusion matrix leads."""
    return lambda truth, predicted: "#" + urlencode({"model": model, "truth": truth, "predicted": predicted})


def _tints_by_name(shown: Sequence[Shown]) -> Callable[[str], str]:
    known = {one.section.title: one.tint for one in shown if one.number is not None}
    return lambda name: known.get(name, "tint-none")


def _leading(shown: Sequence[Shown]) -> dict[str, list[Figure]]:
    """Figures that show all models at once: what they use, and how they learned."""
    own = [one for one in shown if one.number is not None and not one.further]
    found: dict[str, list[Figure]] = {}
    cues = [(one.section.title, one.tint, one.reliances) for one in own if one.reliances]
    if cues:
        found["looks"] = [Figure(CUES, Markup(figures.cues(cues)), figures.cue_values(cues), HOW)]
    curves = [(one.section.title, one.tint, curve) for one in own for curve in _learning(one)]
    titles = dict.fromkeys(curve.title for _, _, curve in curves)
    if len({name for name, _, _ in curves}) > 1:
        found["right"] = [
            Figure(title, Markup(figures.training([one for one in curves if one[2].title == title])))
            for title in titles
        ]
    return found


CUES = "What hangs on each cue"
HOW = (
    "One cue of each test image is taken from another image of its own class, then from one of another "
    "class; the difference in accuracy hangs on the cue agreeing with the class."
)


def _learning(shown: Shown) -> list[Curve]:
    """Loss and accuracy over the epochs."""
    found = [f for f in shown.section.findings if f.code == "FIT001"]
    return [block for finding in found for block in finding.blocks if isinstance(block, Curve)][:2]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
