"""Templates, styles and scripts of the page, which lie beside its modules."""

from __future__ import annotations

from importlib.resources import files


def asset(name: str) -> str:
    """The text of one of them."""
    return (files(__package__) / name).read_text(encoding="utf-8")
