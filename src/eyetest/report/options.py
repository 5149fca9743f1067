"""What a reader may choose about the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

Theme = Literal["auto", "light", "dark"]
"""`auto` follows the reader's system."""


@final
@dataclass(frozen=True)
class PageOptions:
    """How the page is written."""

    theme: Theme = "auto"
    images: bool = True
    """False leaves out every picture of the data, for confidential data; figures and tables stay."""


DEFAULT = PageOptions()
"""Pictures, and the reader's own theme."""
