"""Every constant of training, with its unit."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final, get_args, get_type_hints

from ..errors import RecipeError, unknown_name

Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine", "one_cycle"]


@final
@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Any field can be set on the command line (`--set epochs=3`) or in a TOML file."""

    name: str = "baseline"
    epochs: int = 20
    batch_size: int = 128
    """Images a step, over all devices."""
    watched: int = 5000
    """Training images whose clean accuracy is measured after every epoch; a fixed stratified sample."""
    width: int = 64
    """Channels of the first stage; 64 is ResNet-18."""
    blocks: int = 2
    """Blocks a stage; 2 is ResNet-18."""
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    """The maximum of the schedule, per step."""
    schedule: Schedule = "constant"
    weight_decay: float = 0.0
    """On weights of convolutions and the linear layer, not on biases and batch-norm."""
    momentum: float = 0.9
    """Used by sgd."""
    label_smoothing: float = 0.0
    """Fraction of the target that is spread over all classes."""
    dropout: float = 0.0
    """Probability, before the last layer."""
    crop: int = 0
    """Pixels of reflected padding before a random crop."""
    flip: bool = False
    """Mirror left and right with probability one half."""
    rotation: float = 0.0
    """Degrees, uniform between minus and plus."""
    jitter: float = 0.0
    """Brightness, contrast and saturation factors, uniform in 1 ± jitter."""
    hue: float = 0.0
    """Turn of the colour circle, uniform between minus and plus; 0.5 is all the way round."""
    erasing: float = 0.0
    """Probability of a random erased rectangle, 2 to 40 % of the area (Zhong et al. 2020)."""

    def __post_init__(self) -> None:
        """Raise RecipeError at a value that makes no sense."""
        for name, ok, expected in self._rules():
            if not ok:
                raise RecipeError(
                    f"The recipe field {name} is {getattr(self, name)!r}; expected {expected}. Change it with --set {name}=… ."
                )

    def _rules(self) -> list[tuple[str, bool, str]]:
        whole = [(name, getattr(self, name) >= 1, "a whole number of at least 1") for name in _WHOLE]
        fractions = [(name, 0 <= getattr(self, name) < 1, "a fraction from 0 to below 1") for name in _FRACTIONS]
        positive = [("learning_rate", self.learning_rate > 0, "a number above 0")]
        natural = [(name, getattr(self, name) >= 0, "a number of at least 0") for name in _NATURAL]
        names = [
            ("optimizer", self.optimizer in get_args(Optimizer), f"one of {', '.join(get_args(Optimizer))}"),
            ("schedule", self.schedule in get_args(Schedule), f"one of {', '.join(get_args(Schedule))}"),
            ("erasing", 0 <= self.erasing <= 1, "a probability"),
            ("hue", 0 <= self.hue <= 0.5, "a turn from 0 to 0.5"),
        ]
        return whole + fractions + positive + natural + names

    @staticmethod
    def baseline(*, epochs: int = 20, width: int = 64) -> Recipe:
        """Adam at 1e-3, no augmentation, no regularisation: it is allowed to overfit."""
        return dataclasses.replace(RECIPES["baseline"], epochs=epochs, width=width)

    @staticmethod
    def improved(*, epochs: int = 45, width: int = 64) -> Recipe:
        """AdamW with OneCycle, label smoothing, dropout and augmentation."""
        return dataclasses.replace(RECIPES["improved"], epochs=epochs, width=width)


_WHOLE = ("epochs", "batch_size", "watched", "width", "blocks")
_FRACTIONS = ("momentum", "label_smoothing", "dropout", "jitter")
_NATURAL = ("weight_decay", "crop", "rotation")

RECIPES: dict[str, Recipe] = {
    "baseline": Recipe(),
    "improved": Recipe(
        name="improved",
        epochs=45,
        optimizer="adamw",
        learning_rate=4e-3,
        schedule="one_cycle",
        weight_decay=5e-3,
        label_smoothing=0.1,
        dropout=0.3,
        crop=4,
        flip=True,
        rotation=10.0,
        jitter=0.2,
        erasing=0.5,
    ),
    "plain_sgd": Recipe(
        name="plain_sgd",
        epochs=45,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="cosine",
        weight_decay=5e-4,
        crop=4,
        flip=True,
    ),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name, or the one in a TOML file of that path.

    Raises UnknownName, or RecipeError at a field that no recipe has.
    """
    if not name.endswith(".toml"):
        if name not in RECIPES:
            raise unknown_name("recipe", name, RECIPES)
        return RECIPES[name]
    path = Path(name)
    if not path.is_file():
        raise RecipeError(
            f"There is no recipe file {path}. Expected a TOML file with recipe fields, or one of {', '.join(RECIPES)}."
        )
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is no TOML: {error}. Expected lines such as `epochs = 20`.") from error
    base = recipe(str(fields.pop("base", "baseline")))
    return changed(base, {"name": path.stem} | fields)


def changed(base: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some fields changed; text values are read as the field's type.

    Raises UnknownName at a field that does not exist, RecipeError at a value of the wrong kind.
    """
    hints = get_type_hints(Recipe)
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in changes:
        if name not in known:
            raise unknown_name("recipe field", name, known)
    return dataclasses.replace(base, **{name: _read(name, value, hints[name]) for name, value in changes.items()})


def _read(name: str, value: Any, kind: Any) -> Any:
    if kind is bool and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if kind in (int, float) and not isinstance(value, bool):
        try:
            return kind(value)
        except ValueError:
            pass
    elif kind not in (int, float, bool):
        return str(value)
    raise RecipeError(
        f"The recipe field {name} is {value!r}; expected {'true or false' if kind is bool else kind.__name__}."
    )
