"""CUE003: how much accuracy hangs on the background, on the object, and on each part of the image?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.background import Background
from ..transplants.base import Transplant
from ..transplants.border import Border
from ..transplants.cell import grid
from ..transplants.centre import Centre
from ..transplants.object import Object
from ..views.hide_border import HideBorder
from ..views.hide_centre import HideCentre
from ..views.hide_elsewhere import HideElsewhere
from ._cue import LIMITS, CueCheck
from ._removal import Removal


@final
@dataclass(frozen=True)
class BackgroundCue(CueCheck):
    """Swaps background and object where there are masks, border, centre and each cell of a grid everywhere."""

    code: ClassVar[str] = "CUE003"
    title: ClassVar[str] = "Background and place"
    question: ClassVar[str] = "How much accuracy hangs on the background, and on which part of the image?"
    limits: ClassVar[tuple[str, ...]] = (
        *LIMITS,
        "Border, centre and cells are positions. Without masks nothing here says what is object and what is background.",
        "Swapped regions have seams; both arms have them.",
    )
    cells: int = 4
    """Cells a side of the where map."""
    corners_only: bool = False
    """Only the four corner cells, without a where map; cheaper."""

    def transplants(self) -> tuple[Transplant, ...]:
        """Background and object, border and centre, and the cells of the where map."""
        cells = [cell for cell in grid(self.cells) if cell.corner or not self.corners_only]
        return Background(), Border(), Centre(), Object(), *cells

    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Border and centre make up the image."""
        return (("border", "centre"),)

    def removals(self) -> tuple[Removal, ...]:
        """Centre and border, against the same shape hidden elsewhere."""
        return (
            Removal(HideCentre(), (HideElsewhere(HideCentre()),)),
            Removal(HideBorder(), (HideElsewhere(HideBorder()),)),
        )
