"""The centre: everything inside the border's ring, from the donor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ..tensors import Images
from .base import Batch, Transplant
from .border import in_centre


@final
@dataclass(frozen=True)
class Centre(Transplant):
    """The exact complement of the border, from the donor. It is a position, not an object."""

    legitimate: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """`centre`."""
        return "centre"

    @property
    def words(self) -> str:
        """For sentences."""
        return "the centre"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """The border stays."""
        return torch.where(in_centre(base.images), donor.images, base.images)
