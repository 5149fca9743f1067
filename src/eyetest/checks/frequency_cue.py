"""CUE004: how much accuracy hangs on the Fourier amplitude agreeing with the class?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.amplitude import Amplitude
from ..transplants.base import Transplant
from ..views.high_pass import HighPass
from ..views.low_pass import LowPass
from ..views.matched_high_pass import MatchedHighPass
from ..views.matched_low_pass import MatchedLowPass
from ._cue import LIMITS, CueCheck
from ._removal import Removal


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

    def removals(self) -> tuple[Removal, ...]:
        """Fine and coarse detail, each against as much of the other."""
        return (
            Removal(LowPass(), (MatchedHighPass(LowPass()),)),
            Removal(HighPass(), (MatchedLowPass(HighPass()),)),
        )
