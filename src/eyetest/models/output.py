"""Logits out of whatever a model returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import ModelError


def read_logits(output: Any, n: int, classes: int, name: str) -> Tensor:
    """One logit a class, n k, of a tensor, of `logits` in a mapping or object, or of the one fitting tensor in a tuple.

    A single logit z of a two-class model becomes (-z/2, z/2): the same probabilities as (0, z), and a gradient for both
    classes. Raises ModelError that says what came.
    """
    found = raw_logits(output, n, classes)
    if classes == 2 and found is not None and tuple(found.shape) in ((n,), (n, 1)):
        half = found.reshape(n).float() / 2
        return torch.stack([-half, half], 1)
    if found is None or tuple(found.shape) != (n, classes):
        raise ModelError(
            f"The model {name!r} answered {_came(output)}, but {(n, classes)} was expected: one logit for each of the "
            f"{classes} classes. Use a model trained for these classes, or data with the model's classes."
        )
    return found.float()


def raw_logits(output: Any, n: int, classes: int) -> Tensor | None:
    """The tensor that holds the logits, as it came; None if there is none, or more than one could be meant."""
    if isinstance(output, Mapping):
        output = output.get("logits")
    elif not isinstance(output, Tensor):
        output = getattr(output, "logits", output)
    if isinstance(output, tuple | list):
        fitting = [one for one in output if isinstance(one, Tensor) and _fits(one, n, classes)]
        output = fitting[0] if len(fitting) == 1 else None
    return output if isinstance(output, Tensor) else None


def _fits(tensor: Tensor, n: int, classes: int) -> bool:
    shape = tuple(tensor.shape)
    return shape == (n, classes) or (classes == 2 and shape in ((n,), (n, 1)))


def _came(output: Any) -> str:
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} with {', '.join(map(str, output))}"
    if isinstance(output, tuple | list):
        return f"a {type(output).__name__} of ({', '.join(_came(one) for one in output)})"
    return f"a {type(output).__name__}"
