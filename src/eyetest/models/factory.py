"""Models from a Python file of the user's: `file.py:factory`."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from ..errors import ModelError, unknown_name
from .classifier import Classifier
from .contract import Said
from .hub import configured, with_torchvision

SPEC = re.compile(r"(?P<file>.+\.py):(?P<name>\w+)")


def is_factory(spec: str) -> bool:
    """Whether this is `file.py:factory`."""
    return SPEC.fullmatch(spec) is not None


def made(spec: str) -> Classifier | nn.Module:
    """What factory() returns; the file is run, and may import its neighbours.

    Raises ModelError if there is no such file, if it or the factory fails, or if it returns something else.
    """
    match = SPEC.fullmatch(spec)
    assert match is not None
    file, name = Path(match["file"]), match["name"]
    if not file.is_file():
        raise ModelError(f"There is no file {file}; expected a Python file whose function {name}() returns a model.")
    sys.path.insert(0, folder := str(file.parent.resolve()))
    try:
        result = with_torchvision(lambda: _called(file, name))
    except (
        ImportError,
        RuntimeError,
        TypeError,
        ValueError,
        AttributeError,
        OSError,
        SyntaxError,
        LookupError,
    ) as error:
        raise ModelError(
            f"{spec} failed with {type(error).__name__}: {error}. A function was expected that takes nothing and returns "
            "an nn.Module or an eyetest.Classifier. Mend the file."
        ) from error
    finally:
        sys.path.remove(folder)
    if not isinstance(result, nn.Module | Classifier):
        raise ModelError(
            f"{spec} returned a {type(result).__name__}; an nn.Module or an eyetest.Classifier was expected. Mend the file."
        )
    return result


def _called(file: Path, name: str) -> object:
    title = f"eyetest_user.{file.stem}"
    found = importlib.util.spec_from_file_location(title, file)
    assert found is not None and found.loader is not None
    module = sys.modules[title] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    factory = vars(module).get(name)
    if not callable(factory):
        raise unknown_name(f"function of {file}", name, [key for key, one in vars(module).items() if callable(one)])
    return factory()


def said(model: Classifier | nn.Module, spec: str) -> Said:
    """What the model says of its input: a Classifier all of it, a module with timm's `pretrained_cfg` some."""
    if isinstance(model, Classifier):
        source = f"the Classifier of {spec}"
        return Said(source, model.mean, model.std, model.input_size or "data", model.classes, model.note)
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    if isinstance(config, Mapping):
        return configured(dict(config), f"pretrained_cfg of the module of {spec}")
    return Said()
