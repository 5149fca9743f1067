"""The coarse band of detail: scales above σ 3 (pixels at width 32)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Coarse(Transplant):
    """The donor's Gaussian band above σ 3 in place of the image's own."""

    legitimate: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """`coarse`."""
        return "coarse"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the coarse layout of light and colour"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """One band is swapped, the others stay."""
        return (base.images - base.blurred_much + donor.blurred_much).clamp(0, 1)
