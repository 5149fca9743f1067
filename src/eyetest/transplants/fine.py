"""The fine band of detail: scales below σ 1 (pixels at width 32)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..tensors import Images
from .base import Batch, Transplant


@final
@dataclass(frozen=True)
class Fine(Transplant):
    """The donor's Gaussian band below σ 1 in place of the image's own."""

    legitimate: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """`fine`."""
        return "fine"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the finest texture"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """One band is swapped, the others stay."""
        return (base.blurred_little + (donor.images - donor.blurred_little)).clamp(0, 1)
