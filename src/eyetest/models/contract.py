"""What a model is fed, and where that is known from. Nothing of it is ever guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from ..errors import ModelError
from ..records import ContractRecord

Triple = tuple[float, float, float]
Size = tuple[int, int]
"""Height, width in pixels."""
Data = Literal["data"]
"""Said of a size or of class names: they are the data's own."""

FLAGS = {
    "mean": "--mean R G B (for pixels in [0, 1], such as 0.485 0.456 0.406)",
    "std": "--std R G B (such as 0.229 0.224 0.225)",
    "input_size": "--input-size N (pixels a side; `data` if it takes the data's own size)",
    "classes": "--classes FILE (one name a line in the order of the logits; `data` if that is the data's order)",
}
"""What can be missing, and the flag that gives it."""


@final
@dataclass(frozen=True)
class ModelOptions:
    """What the user says of a model; it goes before what the model's own configuration says."""

    arch: str | None = None
    """Architecture of a checkpoint: `timm:NAME`, `torchvision:NAME`, `file.py:factory` or `resnet18_cifar`."""
    weights: Path | None = None
    """Checkpoint of a model that was given as an architecture."""
    random_weights: bool = False
    """Without weights an architecture is random; auditing that must be said."""
    mean: Triple | None = None
    """In [0, 1], as the pixels."""
    std: Triple | None = None
    input_size: Size | Data | None = None
    classes: tuple[str, ...] | Data | None = None
    """In the order of the model's logits."""
    layer: str | None = None
    """Module whose output Grad-CAM maps; None finds it."""
    batch_size: int | None = None
    """Images a forward pass; None fits the device."""

    def __post_init__(self) -> None:
        if self.mean is not None and not all(0 <= value <= 1 for value in self.mean):
            raise _unscaled("mean", self.mean, "three numbers from 0 to 1 were expected")
        if self.std is not None and not all(0 < value <= 1 for value in self.std):
            raise _unscaled("std", self.std, "three numbers above 0 and up to 1 were expected")


@final
@dataclass(frozen=True)
class Said:
    """What a model's own configuration says of its input; None where it says nothing."""

    source: str = ""
    """Where it says so, as printed."""
    mean: Triple | None = None
    std: Triple | None = None
    input_size: Size | Data | None = None
    classes: tuple[str, ...] | Data | None = None
    note: str = ""
    """What its own pipeline does otherwise."""


@final
@dataclass(frozen=True)
class Contract:
    """What a model is fed, each part with its source."""

    mean: Triple
    std: Triple
    input_size: Size | None
    """None is the data's own size."""
    classes: tuple[str, ...] | Data
    """In the order of the model's logits."""
    sources: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def settled(name: str, said: Said, options: ModelOptions) -> Contract:
    """The contract from the user's flags and, where there is none, from the model's own configuration.

    Raises ModelError that names all that nobody says.
    """
    flags, own = vars(options), vars(said)
    missing = [part for part in FLAGS if flags[part] is None and own[part] is None]
    if missing:
        raise ModelError(
            f"Nothing says the {', '.join(part.replace('_', ' ') for part in missing)} of {name}, and eyetest never "
            f"guesses. Give {'; '.join(FLAGS[part] for part in missing)}."
        )
    size = options.input_size or said.input_size
    mean, std, classes = options.mean or said.mean, options.std or said.std, options.classes or said.classes
    assert mean is not None and std is not None and size is not None and classes is not None
    sources = {part: said.source if flags[part] is None else f"--{part.replace('_', '-')}" for part in FLAGS}
    return Contract(mean, std, None if size == "data" else size, classes, sources, said.note)


def logit_order(source: str, own: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, ...] | None:
    """For each class of the data the model's logit, matched by name; None if they are in the same order.

    Raises ModelError if the classes are not the same.
    """
    if own == wanted:
        return None
    if len(set(own)) < len(own) or sorted(own) != sorted(wanted):
        raise ModelError(
            f"The checkpoint {source} has {len(own)} classes ({_listed(own)}), but the data has {len(wanted)} "
            f"({_listed(wanted)}). Use data with the model's classes, or another model."
        )
    return tuple(own.index(name) for name in wanted)


def described(
    mean: Triple,
    std: Triple,
    input_size: Size | None,
    classes: tuple[str, ...],
    data_size: Size,
    sources: Mapping[str, str],
    note: str,
) -> ContractRecord:
    """The contract as printed and stored, for data of this size."""
    size = input_size or data_size
    resized = (
        "" if size == data_size else f"resized from {_pixels(data_size)} to {_pixels(size)} (bilinear, antialiased), "
    )
    words = f"RGB pixels in [0, 1], {resized}minus mean, divided by std"
    return ContractRecord(
        input_size=size,
        mean=mean,
        std=std,
        classes=classes,
        sources={part: sources.get(part) or "eyetest.Classifier" for part in FLAGS},
        preprocessing=words,
        note=note,
    )


def _pixels(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown}, …"


def _unscaled(part: str, values: Triple, expected: str) -> ModelError:
    return ModelError(
        f"--{part} is {' '.join(f'{value:g}' for value in values)}, but {expected}: eyetest feeds pixels in [0, 1]. Divide "
        "the numbers by 255 if they are for pixels from 0 to 255."
    )
