"""One explanation method a file."""

from ..registry import Registry
from ._captum import PREFIX, captum_method
from .base import Explainer

explainers: Registry[Explainer] = Registry("eyetest.explain", Explainer, "explanation method")  # type: ignore[type-abstract]


def explainer(name: str) -> type[Explainer]:
    """The method called `name`, or `captum:NAME`; UnknownName if there is none."""
    return captum_method(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else explainers.get(name)
