"""CUE001: how much accuracy hangs on the colours agreeing with the class?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.base import Transplant
from ..transplants.colour import Colour
from ..transplants.object_colour import ObjectColour
from ..views.grayscale import Grayscale
from ..views.luma_noise import LumaNoise
from ..views.luma_shift import LumaShift
from ._cue import LIMITS, CueCheck
from ._removal import Removal


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

    def removals(self) -> tuple[Removal, ...]:
        """Colour, against two changes of luma."""
        return (Removal(Grayscale(), (LumaShift(), LumaNoise())),)
