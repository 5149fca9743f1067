"""One cell of a grid from the donor; all of them make the where map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ..tensors import Images
from .base import Batch, Transplant

COARSE, FINE, LARGE = 4, 8, 64
"""Cells a side, up to 64 pixels and above."""


@final
@dataclass(frozen=True)
class Cell(Transplant):
    """One cell of a grid of `side` × `side` cells, from the donor."""

    row: int = 0
    column: int = 0
    side: int = COARSE

    @property
    def key(self) -> str:
        """`cell_<row>_<column>`, `cell8_…` for the finer grid."""
        return f"cell{'' if self.side == COARSE else self.side}_{self.row}_{self.column}"

    @property
    def words(self) -> str:
        """For sentences."""
        return f"cell {self.row}, {self.column} of the grid"

    @property
    def corner(self) -> bool:
        """Whether it is one of the four corners."""
        return {self.row, self.column} <= {0, self.side - 1}

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """The other cells stay."""
        height, width = base.images.shape[2:]
        rows = slice(self.row * height // self.side, (self.row + 1) * height // self.side)
        columns = slice(self.column * width // self.side, (self.column + 1) * width // self.side)
        changed = base.images.clone()
        changed[:, :, rows, columns] = donor.images[:, :, rows, columns]
        return changed


def grid(side: int = COARSE) -> tuple[Cell, ...]:
    """All cells, row by row."""
    return tuple(Cell(row, column, side) for row in range(side) for column in range(side))
