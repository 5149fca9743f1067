"""A tiny writer of SVG elements. Text and attributes are escaped; only what it wrote itself counts as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

Attributes = dict[str, str | int | float | None]
"""Values of None are left out; numbers are rounded to a tenth of a pixel."""
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def element(name: str, attributes: Attributes, *children: str) -> Markup:
    """One element; children that are no Markup are escaped as text."""
    written = "".join(f' {key}="{_value(one)}"' for key, one in attributes.items() if one is not None)
    inside = "".join(escape(child) if isinstance(child, Markup) else _text(child) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")


def together(parts: Iterable[Markup]) -> Markup:
    """Elements one after another."""
    return Markup("").join(parts)


def title(words: str) -> Markup:
    """What is shown on hover, and read aloud."""
    return element("title", {}, words)


def rounded(value: int | float) -> str:
    """A coordinate: at most one decimal, no minus before zero."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0") if abs(value) >= 0.05 else "0"


def move(x: float, y: float) -> str:
    """Where a path begins."""
    return f"M{rounded(x)} {rounded(y)}"


def figure(width: float, height: float, label: str, *children: Markup, links: bool = False, margin: int = 0) -> str:
    """The whole picture, as wide as it is best read, with an empty margin; CSS lets it shrink.

    A picture with links is a group, since what lies inside a picture cannot be reached with the keyboard.
    """
    box = f"{-margin} {-margin} {rounded(width + 2 * margin)} {rounded(height + 2 * margin)}"
    named: Attributes = {"class": "figure", "viewBox": box, "width": width + 2 * margin}
    named |= {"role": "group" if links else "img", "aria-label": label}
    return str(element("svg", named, *children))


def _value(one: str | int | float) -> str:
    return _text(one) if isinstance(one, str) else rounded(one)


def _text(words: str) -> str:
    return str(escape(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", words)))
