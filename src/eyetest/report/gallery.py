"""Placeholder for the gallery room's file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from markupsafe import Markup

from ..store import RunDir
from .options import PageOptions


@final
@dataclass(frozen=True)
class GallerySection:
    """Markup, style and script of the gallery."""

    markup: Markup
    style: str
    script: str


def gallery_section(
    runs: Sequence[RunDir], options: PageOptions, tint_of: Callable[[str], str]
) -> GallerySection | None:
    """Nothing yet."""
    return None
