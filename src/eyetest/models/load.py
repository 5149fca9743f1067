"""Write and read the weights of a trained model: safetensors with a header that says how to build it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..errors import ModelError
from .classifier import Classifier
from .resnet18_cifar import Resnet18Cifar, folded, memory_format, ordered


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


def save_model(path: Path, module: Resnet18Cifar, architecture: Architecture) -> None:
    """Write weights and architecture into one safetensors file."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(state, path, {"eyetest": architecture.model_dump_json()})


def load_model(path: Path, classes: tuple[str, ...], name: str) -> Classifier:
    """The classifier in a run directory or a model.safetensors of ours.

    Raises ModelError if there is none, or if its classes are not `classes`.
    """
    file = path / "train" / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise ModelError(
            f"There is no model at {path}: expected a run directory of `eyetest train` or a model.safetensors file "
            "of ours. Give one of those, or train one with `eyetest train --data D --recipe baseline`."
        )
    architecture = _architecture(file)
    if architecture.classes != classes:
        raise ModelError(
            f"The checkpoint {file} has {len(architecture.classes)} classes ({', '.join(architecture.classes)}), but the "
            f"data has {len(classes)} ({', '.join(classes)}). Use data with the model's classes, or another model."
        )
    module = ordered(architecture.build(), memory_format(architecture.width))
    try:
        module.load_state_dict(load_file(file))
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {file} do not fit the architecture that its header names: {str(error).splitlines()[0]} "
            "The file is damaged or was edited; train or copy it again."
        ) from error
    return Classifier(
        module,
        classes=architecture.classes,
        mean=architecture.mean,
        std=architecture.std,
        name=name,
        source=file.name,
        twin=folded(module),
    )


def _architecture(file: Path) -> Architecture:
    try:
        with safe_open(file, framework="pt") as opened:
            header = (opened.metadata() or {}).get("eyetest", "")
        return Architecture(**json.loads(header))
    except (SafetensorError, ValidationError, json.JSONDecodeError, TypeError) as error:
        raise ModelError(
            f"{file} is not a model that eyetest wrote: a safetensors file with an eyetest header was expected. "
            "Wrap your own module in eyetest.Classifier and call eyetest.audit from Python."
        ) from error
