"""How wide text will be, without a font: an estimate on the safe side for the usual sans-serif fonts."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup

from . import svg

SIZE = 12.0
"""Pixels; what is written smaller says so."""
_WIDTHS = {".,:;'|!ijlI ": 0.32, 'frt()[]{}-/\\"`': 0.44, "mwMWOQ@%&": 0.97, "…—→": 1.0}
_WIDTH_OF = {letter: wide for letters, wide in _WIDTHS.items() for letter in letters}
_INVISIBLE = ("Mn", "Me", "Cf")


def width(words: str, size: float = SIZE) -> float:
    """Pixels that a line of text takes."""
    return size * sum(_letter(one) for one in words)


def shortened(words: str, room: float, size: float = SIZE) -> str:
    """The text, or as much of its beginning as fits into `room` pixels with `…`."""
    if width(words, size) <= room:
        return words
    left, kept = room - width("…", size), ""
    for one in words:
        left -= width(one, size)
        if left < 0:
            break
        kept += one
    return kept.rstrip(" \u200d") + "…"


def line(words: str, x: float, y: float, room: float, attributes: svg.Attributes | None = None) -> Markup:
    """A line of text at its baseline, cut to `room` pixels; what was cut is shown whole on hover."""
    shown = shortened(words, room)
    whole = () if shown == words else (svg.title(words),)
    place: svg.Attributes = {"x": x, "y": y}
    return svg.element("text", place | (attributes or {}), shown, *whole)


def _letter(one: str) -> float:
    if one in _WIDTH_OF:
        return _WIDTH_OF[one]
    if unicodedata.category(one) in _INVISIBLE:
        return 0.0
    if unicodedata.east_asian_width(one) in "WF" or ord(one) > 0xFFFF:
        return 1.35
    return 0.7 if one.isupper() else 0.64
