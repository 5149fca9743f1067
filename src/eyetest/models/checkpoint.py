"""State dicts out of checkpoints, and into modules. No pickle is ever run."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ModelError

State = dict[str, Tensor]
NESTS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts put the weights."""
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""Prefixes that DistributedDataParallel, torch.compile and Lightning put before every name."""
SHOWN = 3
"""Names of an error message."""


def read_state(file: Path) -> State:
    """The weights in a safetensors file, or in a .pt or .pth that holds nothing but tensors and plain values.

    Raises ModelError if it is damaged, holds other objects (which only a full unpickling, and so any code in it, could
    make), or no weights.
    """
    if not file.is_file():
        raise ModelError(f"There is no checkpoint {file}; a .safetensors, .pt or .pth file with weights was expected.")
    if file.suffix == ".safetensors":
        return dict(load_file(file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{file} holds more than weights ({_reason(error)}), and reading that would run whatever code it holds; "
            "eyetest never does. A state dict was expected. Where you trust the file, load it yourself and save the "
            "weights alone: `safetensors.torch.save_file(model.state_dict(), 'model.safetensors')`."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{file} cannot be read ({str(error).splitlines()[0]}); a whole checkpoint written by torch.save was expected. "
            "Copy it again, or save the weights as safetensors."
        ) from error
    return _weights(content, file)


def fill(module: nn.Module, state: State, file: Path, classes: int) -> None:
    """Put the weights into the module, every one of them.

    Raises ModelError if names or shapes differ; of a head of another size it says how many classes it has.
    """
    state = _unwrapped(state, set(module.state_dict()))
    own = module.state_dict()
    shapes = [
        (name, tuple(state[name].shape), tuple(own[name].shape))
        for name in state.keys() & own.keys()
        if state[name].shape != own[name].shape
    ]
    heads = {
        came[0] for _, came, wanted in shapes if came and wanted and came[1:] == wanted[1:] and wanted[0] == classes
    }
    if shapes and len(heads) == 1:
        raise ModelError(
            f"The checkpoint {file} has {heads.pop()} classes, but {classes} were expected: as many as the data has, or "
            "as --classes names. Use data with the model's classes, or another model."
        )
    lacking, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    lacking = [name for name in lacking if not name.endswith("num_batches_tracked")]
    if shapes or lacking or unknown:
        other = [f"{name} is {came}, not {wanted}" for name, came, wanted in sorted(shapes)]
        told = (_told("missing", lacking), _told("unknown", unknown), _told("of another shape", other))
        raise ModelError(
            f"The weights in {file} do not fit the architecture: {'; '.join(filter(None, told))}. Weights of exactly this "
            "architecture were expected. Give the --arch that was trained."
        )
    module.load_state_dict(state, strict=False)


def _weights(content: Any, file: Path) -> State:
    """The mapping of names to tensors itself, or the one under a usual key."""
    nested = [content[name] for name in NESTS if name in content] if isinstance(content, Mapping) else []
    for found in (*nested, content):
        if isinstance(found, Mapping) and found and all(isinstance(one, Tensor) for one in found.values()):
            return {str(name): tensor for name, tensor in found.items()}
    came = f"a {type(content).__name__}"
    if isinstance(content, Mapping):
        came += f" with {', '.join(map(str, list(content)[:10]))}"
    raise ModelError(
        f"{file} holds {came}, but a state dict was expected: names and tensors, by themselves or under "
        f"{', '.join(NESTS)}. Save model.state_dict() alone."
    )


def _unwrapped(state: State, wanted: set[str]) -> State:
    """Without the prefixes of wrappers that all names share and the module does not have."""
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in state) and not any(name.startswith(prefix) for name in wanted):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _told(what: str, names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN])}{rest}" if names else ""


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line]
    return (lines or ["it is a pickle"])[0].removeprefix("WeightsUnpickler error: ").split(" was not")[0]
