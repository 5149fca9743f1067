"""WMK001: does the model read the watermark in the lower right corner?"""

from dataclasses import dataclass
from typing import ClassVar, final

from eyetest import Batch, CueCheck, Images, Transplant

SIDE = 6
"""Pixels of the watermark."""


@final
@dataclass(frozen=True)
class Watermark(Transplant):
    """The lower right corner from the donor."""

    @property
    def key(self) -> str:
        """Its name in files and figures."""
        return "watermark"

    @property
    def words(self) -> str:
        """For sentences: "it uses … as evidence for the class"."""
        return "the watermark"

    def __call__(self, base: Batch, donor: Batch) -> Images:
        """All other pixels stay."""
        changed = base.images.clone()
        changed[:, :, -SIDE:, -SIDE:] = donor.images[:, :, -SIDE:, -SIDE:]
        return changed


@final
@dataclass(frozen=True)
class WatermarkCue(CueCheck):
    """Swaps the watermark between images."""

    code: ClassVar[str] = "WMK001"
    title: ClassVar[str] = "Watermark"
    question: ClassVar[str] = "How much accuracy hangs on the watermark agreeing with the class?"
    limits: ClassVar[tuple[str, ...]] = ("Whatever else lies in that corner is swapped with it.",)

    def transplants(self) -> tuple[Transplant, ...]:
        """One cue."""
        return (Watermark(),)
