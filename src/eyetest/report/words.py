"""Numbers, table cells, statuses and stamps as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..records import Cell, Estimate, Finding, Gallery, MapPicture, Scalar, Status
from .figures import number

MARKS: dict[Status, tuple[str, str]] = {
    "error": ("✘", "crashed"),
    "concern": ("▲", "concern"),
    "inconclusive": ("?", "cannot tell"),
    "ok": ("✔", "ok"),
    "not_applicable": ("–", "not applicable"),
}
TAKEN = {
    "grayscale": "colour",
    "smooth_texture": "texture",
    "patch_shuffle": "layout of tiles",
    "low_pass": "fine detail",
    "high_pass": "coarse detail",
    "hide_centre": "centre",
    "hide_border": "border",
}
"""What a view takes away, by the name of the view."""
LONG = 170
"""Signs of a sentence on the first screen."""
MANY, LONG_WORD = 10, 14
"""Columns of a table that fit on paper, and signs of a word in their heads."""


def minus(text: str) -> str:
    """With a minus sign in place of the hyphen before a number that stands by itself."""
    return re.sub(r"(?<![^\s(=])-(?=\.?\d)", "−", text)


def cell(value: Cell) -> str:
    """A table cell for reading."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return minus(f"{value:.3f}")
    return minus(f"{value:,}") if isinstance(value, int) else value


def taken(view: str) -> str:
    """What a view takes away, by its key; the name of a view that is not ours."""
    name = view.partition("-")[0]
    return TAKEN.get(name, name.replace("_", " "))


def wide(columns: Sequence[str]) -> bool:
    """Whether the heads of a table fit on paper only if they may break anywhere."""
    return len(columns) > MANY or any(len(word) > LONG_WORD for name in columns for word in name.split())


def first_sentence(text: str) -> str:
    """Up to the full stop that ends it."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", text, maxsplit=1)[0]


def in_short(text: str) -> str:
    """The first sentence; a long one up to a semicolon, where that leaves a number in it."""
    said = first_sentence(text)
    start, found, _ = said[:LONG].rpartition("; ")
    cut = len(said) > LONG and bool(found) and any(sign.isdigit() for sign in start)
    return f"{start}; …" if cut else said


def main_estimate(finding: Finding) -> Estimate | None:
    """The number that a finding is about: its first big one, else its first."""
    named = [block.estimate for block in finding.blocks if isinstance(block, Scalar)]
    if named:
        return finding.estimate(named[0])
    return finding.estimates[0] if finding.estimates else None


def trace(finding: Finding) -> str:
    """Where the number of a finding comes from, in one line; its code alone where it has none."""
    e = main_estimate(finding)
    if e is None:
        return finding.code
    ends = f"{number(e, e.low)} to {number(e, e.high)}, {100 * e.confidence:.4g} %"
    return f"{finding.code} {e.name} = {number(e, e.value)} ({ends}), n = {e.n:,}, {e.method}"


def by_method(estimates: Sequence[Estimate]) -> dict[str, list[Estimate]]:
    """Estimates under how their intervals were made."""
    found: dict[str, list[Estimate]] = {}
    for e in estimates:
        found.setdefault(f"{100 * e.confidence:.4g} % interval: {e.method}", []).append(e)
    return found


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
