"""Groups of flags that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from ..models.contract import ModelOptions

Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]
Flag = Annotated[bool, Parameter(negative=())]
Whole = Annotated[int, Parameter(validator=Number(gte=0))]
Count = Annotated[int, Parameter(validator=Number(gte=1))]
Theme = Literal["auto", "light", "dark"]
Triple = Annotated[tuple[float, float, float], Parameter(negative=())]


@final
@Parameter(name="*")
@dataclass(frozen=True)
class ModelFlags:
    """What a model is, and what it is fed.

    Parameters
    ----------
    arch
        Architecture of a checkpoint: timm:NAME, torchvision:NAME, file.py:factory or resnet18_cifar.
    weights
        Checkpoint of a model that is given as an architecture.
    random_weights
        Take the architecture untrained.
    mean
        Three numbers in [0, 1] that are taken from the pixels; goes before what the model's own configuration says.
    std
        Three numbers that the pixels are then divided by.
    input_size
        Pixels a side that the model takes, height and width, or data.
    classes
        The model's class names in the order of its logits: a file with one a line, the names, or data.
    layer
        Module whose output Grad-CAM maps; without it, it is found.
    batch_size
        Images a forward pass.
    """

    arch: str | None = None
    weights: Path | None = None
    random_weights: Flag = False
    mean: Triple | None = None
    std: Triple | None = None
    input_size: Names = None
    classes: Names = None
    layer: str | None = None
    batch_size: Count | None = None

    def options(self) -> ModelOptions:
        """The same, read: sizes as numbers, classes by name."""
        from ..models.contract import ModelOptions
        from .model_flags import class_names, input_size

        return ModelOptions(
            self.arch,
            self.weights,
            self.random_weights,
            self.mean,
            self.std,
            input_size(self.input_size),
            class_names(self.classes),
            self.layer,
            self.batch_size,
        )


NO_FLAGS = ModelFlags()
