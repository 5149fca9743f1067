"""Control of what removes colour: white noise of luma."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from ..tensors import Images
from ._matching import distance, moved
from ._random import white_noise
from .base import View, named_after
from .grayscale import Grayscale


@final
@dataclass(frozen=True)
class LumaNoise(View):
    """White noise added to the three channels alike, as far from the image as `of` takes it: chroma stays.

    Clipping moves chroma a little where colours are strong.
    """

    of: View = field(default_factory=Grayscale)
    """A view without randomness."""

    @property
    def key(self) -> str:
        """`luma_noise`."""
        return named_after("luma_noise", self.of, Grayscale())

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Matched image by image, within 1 %."""
        direction = white_noise(images, seeds).expand_as(images)
        return moved(images, direction, distance(self.of(images, seeds), images))
