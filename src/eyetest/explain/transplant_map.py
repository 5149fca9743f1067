"""The transplant map: what each part of the image says for a class, by parts of other images in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from ..models.classifier import Classifier
from ..tensors import ClassTensor, Images
from ..transplants.base import Batch
from ..transplants.cell import COARSE, FINE, LARGE, Cell, grid
from .base import DonorExplainer, Grids, Lent


@final
@dataclass(frozen=True)
class TransplantMap(DonorExplainer):
    """How much likelier the class is, in nats, with a cell from images of it than from a third class's.

    Cell by cell of a 4 × 4 grid (8 × 8 above 64 pixels): mean log-softmax of the explained class t under donors of t,
    minus that under donors of neither t nor the label. A causal map made of real patches; above 0 the place is read
    for t. Source: docs/design, CUES.md, one image.
    """

    cost: ClassVar[float] = 128.0
    unit: ClassVar[str] = "nats"
    draws: ClassVar[int] = 4

    @classmethod
    def forwards(cls, height: int, width: int) -> int:
        """Cells × both kinds of donor × draws."""
        return 2 * cls.draws * side_of(height, width) ** 2

    def each(self, classifier: Classifier, images: Images, classes: ClassTensor) -> Grids:
        """Differences in nats, one grid a draw; raises ValueError without donors for exactly these images."""
        if self.lenders is None or self.lenders.own.shape[1] != len(images):
            raise ValueError("A transplant map needs donors for exactly the images that it explains.")
        side = side_of(images.shape[2], images.shape[3])
        pixels, targets = images.to(classifier.device), classes.to(classifier.device)
        return _scores(classifier, pixels, targets, self.lenders.own, side) - _scores(
            classifier, pixels, targets, self.lenders.third, side
        )


def side_of(height: int, width: int) -> int:
    """Cells a side for images of this size."""
    return FINE if max(height, width) > LARGE else COARSE


def _scores(classifier: Classifier, images: Images, classes: Tensor, donors: Lent, side: int) -> Grids:
    """Log-softmax of the classes with each cell from each donor in turn."""
    base, cells = Batch(images), grid(side)
    values = [[_score(classifier, base, classes, donor, cell) for cell in cells] for donor in donors]
    return torch.stack([torch.stack(row, 1) for row in values]).reshape(len(donors), len(images), side, side)


def _score(classifier: Classifier, base: Batch, classes: Tensor, donor: Tensor, cell: Cell) -> Tensor:
    logits = classifier.predict(cell(base, Batch(donor.to(base.images.device))))
    return logits.log_softmax(1).gather(1, classes[:, None])[:, 0]
