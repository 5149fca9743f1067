"""Names of classes and files are other people's text: nothing in it may act."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line, without characters that terminals, XML or code hosts act upon."""
    return "".join(one if one.isprintable() else " " for one in text)
