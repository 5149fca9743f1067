"""CUE004: how much accuracy hangs on the Fourier amplitude agreeing with the class?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.amplitude import Amplitude
from ..transplants.base import Transplant
from ._cue import LIMITS, CueCheck


@final
@dataclass(frozen=True)
class FrequencyCue(CueCheck):
    """Swaps how much there is of each frequency and keeps where it is."""

    code: ClassVar[str] = "CUE004"
    title: ClassVar[str] = "Frequency"
    question: ClassVar[str] = "How much accuracy hangs on the Fourier amplitude agreeing with the class?"
    limits: ClassVar[tuple[str, ...]] = (
        *LIMITS,
        "The amplitude holds colour, contrast and texture statistics at once; CUE001 and CUE002 take them apart.",
    )

    def transplants(self) -> tuple[Transplant, ...]:
        """The amplitude."""
        return (Amplitude(),)
