"""One encoded image with its class and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

Source = Path | bytes


@final
@dataclass(frozen=True)
class Picture:
    """One encoded image with its class."""

    source: Source = field(repr=False)
    label: int
    name: str
    """As named in errors: a path, or a row of a file."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """Further columns: a number, a text or nothing each."""
    votes: tuple[int, ...] | None = None
    """How many people gave it each class."""
