"""From a sweep's TOML to its cells and contrasts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from eyetest.errors import UserError
from eyetest.training.grid import Sweep, read_sweep, sweep_of, toml
from eyetest.training.recipe import RECIPES, recipe

NAMED: dict[str, Any] = {"a": {"flip": True}, "b": {"crop": 4, "dropout": 0.1}, "c": {"epochs": 3}}


def changes(sweep: Sweep, name: str) -> dict[str, Any]:
    """What a cell sets otherwise than the base."""
    base = dataclasses.asdict(sweep.base.recipe)
    (cell,) = [one for one in sweep.cells if one.name == name]
    own = dataclasses.asdict(cell.recipe)
    return {field: own[field] for field in own if field != "name" and own[field] != base[field]}


def test_a_grid_is_every_combination_after_the_base():
    axes = {"optimizer": ["sgd", "adamw"], "augmentation": [{}, {"crop": 4, "flip": True}], "weight_decay": [0.0, 0.1]}
    sweep = sweep_of({"base": {"epochs": 2}, "grid": axes, "seeds": 3, "train_images": 100})
    assert (len(sweep.cells), sweep.seeds, sweep.train_images) == (9, 3, 100)
    assert sweep.base.recipe.epochs == 2
    assert changes(sweep, "optimizer=sgd, no augmentation, weight_decay=0.0") == {"optimizer": "sgd"}
    last = changes(sweep, "optimizer=adamw, crop=4 flip=true, weight_decay=0.1")
    assert last == {"optimizer": "adamw", "crop": 4, "flip": True, "weight_decay": 0.1}
    assert [one.lacks for one in sweep.contrasts] == [sweep.base] * 8
    assert len({cell.folder for cell in sweep.cells}) == 9


def test_a_combination_that_equals_the_base_is_trained_once():
    sweep = sweep_of({"grid": {"optimizer": ["adam", "sgd"]}})
    assert [cell.name for cell in sweep.cells] == ["base", "optimizer=sgd"]


def test_ingredients_are_added_alone_and_left_out_of_all():
    sweep = sweep_of({"ingredient": NAMED})
    names = ["base", "base + a", "base + b", "base + c", "all", "all − a", "all − b", "all − c"]
    assert [cell.name for cell in sweep.cells] == names
    assert changes(sweep, "base + b") == NAMED["b"]
    assert changes(sweep, "all − b") == NAMED["a"] | NAMED["c"]
    assert changes(sweep, "all") == NAMED["a"] | NAMED["b"] | NAMED["c"]
    told = {(one.ingredient, one.setting): (one.lacks.name, one.has.name) for one in sweep.contrasts}
    assert told["b", "added to the base"] == ("base", "base + b")
    assert told["b", "left out of all"] == ("all − b", "all")
    assert len(told) == 6


def test_of_two_ingredients_each_is_what_the_other_left_out_leaves():
    sweep = sweep_of({"ingredient": {"a": NAMED["a"], "b": NAMED["b"]}})
    assert [cell.name for cell in sweep.cells] == ["base", "base + a", "base + b", "all"]
    assert {(one.lacks.name, one.has.name) for one in sweep.contrasts} == {
        ("base", "base + a"),
        ("base", "base + b"),
        ("base + b", "all"),
        ("base + a", "all"),
    }
    assert len(sweep_of({"ingredient": {"a": NAMED["a"]}}).cells) == 2


def test_an_ablation_of_two_recipes_takes_their_differing_fields():
    sweep = sweep_of({"base": {"epochs": 3}, "ablation": {"from": "baseline", "to": "improved"}})
    before, after = RECIPES["baseline"], RECIPES["improved"]
    fields = [one.name for one in dataclasses.fields(before) if getattr(before, one.name) != getattr(after, one.name)]
    expected = [name for name in fields if name not in ("name", "epochs")]
    assert list(dict.fromkeys(one.ingredient for one in sweep.contrasts)) == expected
    assert {cell.recipe.epochs for cell in sweep.cells} == {3}
    assert changes(sweep, "all") == {name: getattr(after, name) for name in expected}


def test_a_cell_keeps_its_directory_while_the_sweep_grows():
    small, large = (sweep_of({"grid": {"dropout": values}}) for values in ([0.1], [0.1, 0.2]))
    assert [cell.folder for cell in small.cells] == [cell.folder for cell in large.cells[:2]]
    longer = sweep_of({"base": {"epochs": 5}, "grid": {"dropout": [0.1]}})
    assert not {cell.folder for cell in longer.cells} & {cell.folder for cell in small.cells}


def test_the_chosen_recipe_is_read_by_train(tmp_path: Path):
    chosen = dataclasses.replace(RECIPES["improved"], name="all", weight_decay=5e-5)
    (tmp_path / "all.toml").write_text(toml(chosen), encoding="utf-8")
    assert recipe(str(tmp_path / "all.toml")) == chosen


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "nothing to vary"),
        ({"grid": {"crop": [1]}, "ingredient": NAMED}, r"\[grid\] and \[ingredient\]"),
        ({"gird": {}}, "Did you mean 'grid'"),
        ({"grid": {"optimiser": ["sgd"]}}, "Did you mean 'optimizer'"),
        ({"base": {"epoch": 3}, "grid": {"crop": [1]}}, "Did you mean 'epochs'"),
        ({"ingredient": {"a": {"flop": True}}}, "Did you mean 'flip'"),
        ({"ablation": {"from": "baseline", "too": "improved"}}, "Did you mean 'to'"),
        ({"ablation": {"from": "baseline", "to": "improve"}}, "Did you mean 'improved'"),
        ({"ablation": {"from": "baseline"}}, "names two recipes"),
        ({"ablation": {"from": "baseline", "to": "baseline"}}, "differ in nothing"),
        ({"grid": {}}, "empty"),
        ({"grid": {"crop": 4}}, r"crop = \[1, 2\]"),
        ({"grid": {"crop": ["far"]}}, "'far'"),
        ({"grid": {"dropout": [2.0]}}, "dropout is 2.0"),
        ({"grid": {"crop": list(range(30)), "dropout": [k / 30 for k in range(30)]}}, "900 cells"),
        ({"grid": {"crop": [1], "x": [{"crop": 2}]}}, "which something else sets too"),
        ({"ingredient": {"a": {"crop": 1}, "b": {"crop": 2}}}, "which something else sets too"),
        ({"ingredient": {"a": {"crop": 0}}}, "changes nothing"),
        ({"ingredient": {"a": {"name": "x"}}}, "changes nothing|name of a recipe"),
        ({"ingredient": {"<script>": {"crop": 1}}}, "no usable name"),
        ({"grid": {"crop": [1]}, "seeds": 0}, "seeds = 0"),
        ({"grid": {"crop": [1]}, "train_images": True}, "train_images = True"),
        ({"grid": 3}, "a table"),
    ],
)
def test_what_makes_no_sense_is_refused(raw: dict[str, Any], said: str):
    with pytest.raises(UserError, match=said):
        sweep_of(raw)


def test_a_file_that_is_missing_or_no_toml_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        read_sweep(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[grid", encoding="utf-8")
    with pytest.raises(UserError, match="no TOML"):
        read_sweep(tmp_path / "bad.toml")
