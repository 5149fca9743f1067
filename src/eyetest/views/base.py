"""What a view is: one deterministic change of the input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..tensors import Images


@dataclass(frozen=True)
class View(ABC):
    """A change of images that depends only on (seed, view, image id): not on batch, order or device."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Its name in files and figures, parameters included, such as `gaussian_noise-3`."""

    @abstractmethod
    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """The changed images, in [0, 1], same shape; `seeds` holds one seed an image."""
