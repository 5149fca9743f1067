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


def named(name: str, values: tuple[int | float, ...], defaults: tuple[int | float, ...]) -> str:
    """A view's key: its name, followed by all its parameters where one is not the default."""
    return name if values == defaults else "-".join([name, *(f"{value:g}" for value in values)])


def named_after(name: str, of: View, default: View) -> str:
    """A control's key: its name, followed by what it is matched to where that is not the default."""
    return name if of == default else f"{name}-{of.key}"
