"""CUE001: how much accuracy hangs on the colours agreeing with the class?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.base import Transplant
from ..transplants.colour import Colour
from ..transplants.object_colour import ObjectColour
from ._cue import LIMITS, CueCheck


@final
@dataclass(frozen=True)
class ColourCue(CueCheck):
    """Swaps the colours of whole images and, where there are masks, of the objects alone."""

    code: ClassVar[str] = "CUE001"
    title: ClassVar[str] = "Colour"
    question: ClassVar[str] = "How much accuracy hangs on the colours agreeing with the class?"
    limits: ClassVar[tuple[str, ...]] = (*LIMITS, "Clipping moves luma slightly where the donor's colours are strong.")

    def transplants(self) -> tuple[Transplant, ...]:
        """The colours, and the object's alone."""
        return Colour(), ObjectColour()
