"""CUE002: how much accuracy hangs on the texture agreeing with the class?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from ..transplants.base import Transplant
from ..transplants.coarse import Coarse
from ..transplants.fine import Fine
from ..transplants.middle import Middle
from ..transplants.patch_statistics import PatchStatistics
from ..views.matched_low_pass import MatchedLowPass
from ..views.patch_shuffle import PatchShuffle
from ..views.roll import Roll
from ..views.smooth_texture import SmoothTexture
from ._cue import LIMITS, CueCheck
from ._removal import Removal


@final
@dataclass(frozen=True)
class TextureCue(CueCheck):
    """Swaps one band of detail at a time, and the light and palette of patches."""

    code: ClassVar[str] = "CUE002"
    title: ClassVar[str] = "Texture"
    question: ClassVar[str] = "How much accuracy hangs on each band of texture agreeing with the class?"
    limits: ClassVar[tuple[str, ...]] = (
        *LIMITS,
        "Fine and middle bands hold the edges of the object too, so part of their reliance is shape.",
    )

    def transplants(self) -> tuple[Transplant, ...]:
        """Three bands, and patch statistics."""
        return Fine(), Middle(), Coarse(), PatchStatistics()

    def shares(self) -> tuple[tuple[str, ...], ...]:
        """The three bands make up the image."""
        return (("fine", "middle", "coarse"),)

    def removals(self) -> tuple[Removal, ...]:
        """Texture, against a blur that changes as much, and the layout of tiles, against moving them together."""
        return (
            Removal(SmoothTexture(), (MatchedLowPass(SmoothTexture()),)),
            Removal(PatchShuffle(), (Roll(),)),
        )
