"""One cue an image can lend to another, one a file."""

from ..registry import Registry
from .base import Transplant

transplants: Registry[Transplant] = Registry("eyetest.transplants", Transplant, "transplant")  # type: ignore[type-abstract]
