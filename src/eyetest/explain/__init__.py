"""One explanation method a file."""

from ..registry import Registry
from .base import Explainer

explainers: Registry[Explainer] = Registry("eyetest.explain", Explainer, "explanation method")  # type: ignore[type-abstract]
