"""Names of classes and files are other people's text: nothing in it may act."""

from __future__ import annotations

import re


def printable(text: str) -> str:
    """The text on one line, without characters that terminals, XML or code hosts act upon."""
    return "".join(one if one.isprintable() else " " for one in text)


def escaped(text: str) -> str:
    """Text in which nothing is Markdown, a link, a mention or a cell's end: punctuation as character references."""
    return re.sub(r"[^\w\s.,;=+()/−–…%-]|_", lambda found: f"&#{ord(found[0])};", printable(text))
