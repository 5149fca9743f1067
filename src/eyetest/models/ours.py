"""Models of our own: safetensors with a header that says how to build them."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..errors import ModelError
from .contract import Said
from .resnet18_cifar import Resnet18Cifar, memory_format, ordered


class Architecture(BaseModel):
    """All that is needed to build a model of our own before its weights are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "resnet18_cifar"
    width: int
    dropout: float
    blocks: int = 2
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def build(self) -> Resnet18Cifar:
        """The module, freshly initialised."""
        return Resnet18Cifar(len(self.classes), self.width, self.dropout, self.blocks)

    def said(self, file: Path) -> Said:
        """What the header says of the input: it learned at the data's own size."""
        return Said(f"the header of {file.name}", self.mean, self.std, "data", self.classes)


def save_model(path: Path, module: Resnet18Cifar, architecture: Architecture) -> None:
    """Write weights and architecture into one safetensors file."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(state, path, {"eyetest": architecture.model_dump_json()})


def read_architecture(file: Path) -> Architecture | None:
    """The architecture in the header of a safetensors file; None if eyetest did not write it.

    Raises ModelError if it is no safetensors file, or its header is damaged.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            header = (opened.metadata() or {}).get("eyetest")
        return None if header is None else Architecture(**json.loads(header))
    except (SafetensorError, ValidationError, json.JSONDecodeError, TypeError) as error:
        raise ModelError(
            f"{file} is not a model that eyetest can read ({str(error).splitlines()[0]}); a whole safetensors file was "
            "expected. It is damaged or was edited; train or copy it again."
        ) from error


def load_ours(file: Path, architecture: Architecture) -> Resnet18Cifar:
    """The module with its weights, in the faster memory order.

    Raises ModelError if the weights do not fit the header.
    """
    module = ordered(architecture.build(), memory_format(architecture.width))
    try:
        module.load_state_dict(load_file(file))
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {file} do not fit the architecture that its header names: {str(error).splitlines()[0]} "
            "The file is damaged or was edited; train or copy it again."
        ) from error
    return module
