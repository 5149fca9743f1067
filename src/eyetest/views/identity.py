"""The images as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images
from .base import View


@final
@dataclass(frozen=True)
class Identity(View):
    """The images as they are."""

    @property
    def key(self) -> str:
        """`identity`."""
        return "identity"

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """The same images."""
        return images
