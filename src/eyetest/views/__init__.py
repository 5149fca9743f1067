"""One deterministic change of the input a file."""

from ..registry import Registry
from .base import View

views: Registry[View] = Registry("eyetest.views", View, "view")  # type: ignore[type-abstract]
