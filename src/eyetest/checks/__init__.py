"""One question a file."""

from ..registry import Registry
from .base import Check

checks: Registry[Check] = Registry("eyetest.checks", Check, "check")  # type: ignore[type-abstract]
