"""Torch aliases with their shapes, and the units that pixels are measured in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Float32, Int64
from torch import Tensor

Images = Float32[Tensor, "n 3 h w"]
"""Pixels, RGB, in [0, 1]."""
LogitTensor = Float32[Tensor, "n k"]
ClassTensor = Int64[Tensor, " n"]
MapTensor = Float32[Tensor, "n h w"]


@final
@dataclass(frozen=True, eq=False)
class LogitTarget:
    """The number that is explained for each image: the logit of a class, or that logit minus another class's.

    Without classes it is the logit of the predicted one, from the same forward pass.
    """

    classes: ClassTensor | None = None
    against: ClassTensor | None = None

    def of(self, logits: Tensor) -> Tensor:
        """One number an image, n, in logits."""
        classes = logits.detach().argmax(1) if self.classes is None else self.classes.to(logits.device)
        chosen = logits.gather(1, classes[:, None])[:, 0]
        if self.against is None:
            return chosen
        return chosen - logits.gather(1, self.against.to(logits.device)[:, None])[:, 0]

    def fixed(self, logits: Tensor) -> LogitTarget:
        """The same target with its classes named, where they are the predicted ones of these logits."""
        return self if self.classes is not None else LogitTarget(logits.argmax(1), self.against)

    def __getitem__(self, rows: slice | Tensor) -> LogitTarget:
        """The targets of some of the images."""
        one, two = self.classes, self.against
        return LogitTarget(None if one is None else one[rows], None if two is None else two[rows])


LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma. Source: ITU-R BT.601, on gamma values."""
NATIVE = 32
"""Image side for which pixel parameters are given; they scale with the side."""


def scaled(pixels: int, side: int) -> int:
    """A length that is given for a side of 32 pixels, at this side; at least one pixel."""
    return max(round(pixels * side / NATIVE), 1)


def luma_of(images: Images) -> Tensor:
    """BT.601 luma, n 1 h w."""
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
