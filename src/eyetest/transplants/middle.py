"""The middle band of detail: scales between σ 1 and σ 3 (pixels at width 32)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Middle(Transplant):
    """The donor's Gaussian band between σ 1 and σ 3 in place of the image's own."""

    legitimate: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """`middle`."""
        return "middle"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the middling texture"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """One band is swapped, the others stay."""
        return (
            base.images - (base.blurred_little - base.blurred_much) + (donor.blurred_little - donor.blurred_much)
        ).clamp(0, 1)
