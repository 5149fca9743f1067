"""A sweep's TOML file: which recipes are trained, how often, and which of them are held against each other."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from ..errors import RecipeError, unknown_name
from .recipe import Recipe, changed, recipe

Setting = Literal["added to the base", "left out of all", "against the base"]
TABLES = ("base", "grid", "ablation", "ingredient", "seeds", "train_images")
BASE, ALL = "base", "all"
MOST = 500
"""Cells of one sweep; more is taken for a slip of the pen."""
_NAME = re.compile(r"[\w-]{1,40}")
Fields = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Cell:
    """One recipe of a sweep; it is trained once a seed."""

    name: str
    recipe: Recipe

    @property
    def key(self) -> str:
        """8 hex digits over every field of the recipe but its name."""
        fields = dataclasses.asdict(self.recipe) | {"name": ""}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def folder(self) -> str:
        """Name of its directories, but for the seed."""
        return f"{re.sub(r'[^A-Za-z0-9]+', '_', self.name.replace('−', 'without'))[:40].strip('_')}-{self.key}"


@final
@dataclass(frozen=True)
class Contrast:
    """What one ingredient bought: the cell that has it minus the cell that lacks it."""

    ingredient: str
    setting: Setting
    lacks: Cell
    has: Cell

    @property
    def name(self) -> str:
        """As estimates are named."""
        return f"gain[{self.ingredient}, {self.setting}]"


@final
@dataclass(frozen=True)
class Sweep:
    """All cells, the base first, and the contrasts among them."""

    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...]
    seeds: int = 1
    train_images: int | None = None
    """Training images that each cell learns from, a stratified sample; all if None."""

    @property
    def base(self) -> Cell:
        """The reference."""
        return self.cells[0]


def read_sweep(path: Path | str) -> Sweep:
    """The sweep in a TOML file.

    Raises RecipeError, or UnknownName with the nearest known one, at whatever makes no sense.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"The sweep {path} cannot be read ({error.strerror}); a TOML file was expected.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"The sweep {path} is no TOML: {error}. Expected tables such as [grid].") from error
    return sweep_of(raw)


def sweep_of(raw: Mapping[str, Any]) -> Sweep:
    """The sweep that these tables describe; raises as read_sweep() does."""
    for name in raw:
        if name not in TABLES:
            raise unknown_name("table of a sweep", name, TABLES)
    seeds, images = _count(raw, "seeds"), _count(raw, "train_images")
    given = [name for name in ("grid", "ablation", "ingredient") if name in raw]
    if len(given) != 1:
        raise RecipeError(
            f"The sweep has {' and '.join(f'[{name}]' for name in given) or 'nothing to vary'}; one was expected of [grid], "
            "[ablation] (from and to) and [ingredient.NAME] tables. Write another file for another question."
        )
    found = {"grid": _grid, "ablation": _ablation, "ingredient": _named}[given[0]]
    cells, contrasts = found(_table(raw, "base"), _table(raw, given[0]))
    return Sweep(cells, contrasts, seeds or 1, images)


def toml(chosen: Recipe) -> str:
    """A recipe as a TOML file that `train --recipe` reads: every field, so that later defaults change nothing."""
    fields = dataclasses.asdict(chosen)
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())


def _grid(base: Fields, axes: Fields) -> tuple[tuple[Cell, ...], tuple[Contrast, ...]]:
    """Every combination of the axes' values, each against the base."""
    start = _base(base)
    choices = [[(axis, value) for value in _values(axis, values)] for axis, values in axes.items()]
    if not choices:
        raise RecipeError('The table [grid] is empty; lists were expected, such as optimizer = ["sgd", "adamw"].')
    cells = {start.key: start}
    if (count := math.prod(len(values) for values in choices)) > MOST:
        raise RecipeError(f"The grid has {count:,} cells; at most {MOST} were expected. Take values or axes out.")
    for combination in itertools.product(*choices):
        fields: dict[str, Any] = {}
        for axis, value in combination:
            _join(fields, _fields(axis, value), axis)
        cell = _cell(", ".join(_label(axis, value) for axis, value in combination), start.recipe, fields)
        cells.setdefault(cell.key, cell)
    chosen = tuple(cells.values())
    return chosen, tuple(Contrast(cell.name, "against the base", start, cell) for cell in chosen[1:])


def _ablation(base: Fields, ends: Fields) -> tuple[tuple[Cell, ...], tuple[Contrast, ...]]:
    """Every field in which two recipes differ is an ingredient; what [base] sets is set in both."""
    for name in ends:
        if name not in ("from", "to"):
            raise unknown_name("key of [ablation]", name, ("from", "to"))
    if "recipe" in base or len(ends) < 2:
        raise RecipeError(
            'The table [ablation] names two recipes, from = "baseline" and to = "improved"; then [base] holds only fields that '
            "are the same in both, such as epochs = 8, and no recipe."
        )
    start, end = (changed(recipe(str(ends[name])), base) for name in ("from", "to"))
    before, after = dataclasses.asdict(start), dataclasses.asdict(end)
    differing = {name: {name: after[name]} for name in before if name != "name" and before[name] != after[name]}
    if not differing:
        raise RecipeError(
            f"The recipes {ends['from']} and {ends['to']} differ in nothing that [base] does not set; two that differ were "
            "expected."
        )
    return _added_and_left_out(start, differing)


def _named(base: Fields, ingredients: Fields) -> tuple[tuple[Cell, ...], tuple[Contrast, ...]]:
    """Ingredients with the fields that each sets."""
    start = _base(base).recipe
    found = {name: _table(ingredients, name, "ingredient.") for name in ingredients}
    for name, fields in found.items():
        if not _NAME.fullmatch(name):
            raise RecipeError(
                f"The ingredient {name!r} has no usable name; up to 40 letters, digits, - and _ were expected."
            )
        if changed(start, fields) == start:
            raise RecipeError(f"The ingredient {name!r} changes nothing of the base; other values were expected.")
    return _added_and_left_out(start, found)


def _added_and_left_out(
    start: Recipe, ingredients: Mapping[str, Fields]
) -> tuple[tuple[Cell, ...], tuple[Contrast, ...]]:
    """The base, the base with each ingredient, all of them, and all but each."""
    union: dict[str, Any] = {}
    for name, fields in ingredients.items():
        _join(union, fields, name)
    base, whole = _cell(BASE, start, {}), _cell(ALL, start, union)
    cells = {base.key: base}
    contrasts = []
    for name, fields in ingredients.items():
        one = _cell(f"{BASE} + {name}", start, fields)
        one = cells.setdefault(one.key, one)
        contrasts.append(Contrast(name, "added to the base", base, one))
    whole = cells.setdefault(whole.key, whole)
    for name, fields in ingredients.items():
        if len(ingredients) > 1:
            one = _cell(f"{ALL} − {name}", start, {key: union[key] for key in union if key not in fields})
            contrasts.append(Contrast(name, "left out of all", cells.setdefault(one.key, one), whole))
    return tuple(cells.values()), tuple(contrasts)


def _base(fields: Fields) -> Cell:
    own = {name: value for name, value in fields.items() if name != "recipe"}
    return _cell(BASE, changed(recipe(str(fields.get("recipe", "baseline"))), own), {})


def _cell(name: str, start: Recipe, fields: Fields) -> Cell:
    cell = Cell(name, changed(start, fields))
    return Cell(name, dataclasses.replace(cell.recipe, name=cell.folder.rpartition("-")[0]))


def _values(axis: str, values: Any) -> Sequence[Any]:
    if not isinstance(values, list) or not values:
        raise RecipeError(f"The axis {axis} is {values!r}; a list of values was expected, such as {axis} = [1, 2].")
    return values


def _fields(axis: str, value: Any) -> Fields:
    """A table sets several fields together; anything else is the value of the field that the axis is named after."""
    return value if isinstance(value, dict) else {axis: value}


def _label(axis: str, value: Any) -> str:
    parts = [f"{name}={_shown(one)}" for name, one in _fields(axis, value).items()]
    return " ".join(parts) or f"no {axis}"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _join(fields: dict[str, Any], more: Fields, owner: str) -> None:
    """Put fields together; a recipe's name is no part of a sweep, and no field may be set twice."""
    for name, value in more.items():
        if name == "name":
            raise RecipeError(f"{owner} sets the name of a recipe; cells are named by what they change. Leave it out.")
        if name in fields:
            raise RecipeError(f"{owner} sets {name}, which something else sets too; one place was expected.")
        fields[name] = value


def _count(raw: Mapping[str, Any], name: str) -> int | None:
    value = raw.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise RecipeError(f"The sweep has {name} = {value!r}; a whole number of at least 1 was expected.")
    return value


def _table(raw: Mapping[str, Any], name: str, prefix: str = "") -> Fields:
    value = raw.get(name, {})
    if not isinstance(value, dict):
        raise RecipeError(f"The sweep has {name} = {value!r}; a table [{prefix}{name}] was expected.")
    return value
