"""eyetest: an eye test for image classifiers.

`import eyetest` costs nothing: every name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks._cue import CueCheck
    from .data import Dataset, load_data
    from .flow import audit, study, train
    from .gating import gate
    from .looking.look import look
    from .models.classifier import Classifier
    from .models.contract import ModelOptions
    from .pairing import compare
    from .saved import audit_predictions
    from .store import RunDir
    from .sweeping import sweep
    from .tensors import Images
    from .training.recipe import Recipe
    from .transplants.base import Batch, Transplant

_WHERE = {
    "Batch": ".transplants.base",
    "Classifier": ".models.classifier",
    "CueCheck": ".checks._cue",
    "Dataset": ".data",
    "Images": ".tensors",
    "ModelOptions": ".models.contract",
    "Recipe": ".training.recipe",
    "RunDir": ".store",
    "Transplant": ".transplants.base",
    "audit": ".flow",
    "audit_predictions": ".saved",
    "compare": ".pairing",
    "gate": ".gating",
    "load_data": ".data",
    "look": ".looking.look",
    "study": ".flow",
    "sweep": ".sweeping",
    "train": ".flow",
}
__all__ = [
    "Batch",
    "Classifier",
    "CueCheck",
    "Dataset",
    "Images",
    "ModelOptions",
    "Recipe",
    "RunDir",
    "Transplant",
    "audit",
    "audit_predictions",
    "compare",
    "gate",
    "load_data",
    "look",
    "study",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'eyetest' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
