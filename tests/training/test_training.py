from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from eyetest.errors import RecipeError, UnknownName
from eyetest.training.augment import augment
from eyetest.training.loop import make_optimizer
from eyetest.training.profile import PROFILES, estimate
from eyetest.training.recipe import RECIPES, Recipe, changed, recipe
from eyetest.training.schedule import learning_rate


def test_cosine_known_answers():
    cosine = Recipe(schedule="cosine", learning_rate=0.1)
    assert [learning_rate(cosine, t, 200) for t in (0, 50, 100, 150)] == pytest.approx(
        [0.1, 0.0853553391, 0.05, 0.0146446609]
    )


def test_one_cycle_is_that_of_torch():
    one_cycle = Recipe(schedule="one_cycle", learning_rate=0.004)
    scheduler = OneCycleLR(SGD([torch.nn.Parameter(torch.zeros(1))], lr=1), max_lr=0.004, total_steps=100)
    for step in range(99):
        assert learning_rate(one_cycle, step, 100) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-6)
        scheduler.optimizer.step()
        scheduler.step()


def test_any_field_can_be_changed_and_nonsense_is_refused(tmp_path):
    assert changed(Recipe(), {"epochs": "3", "flip": "true", "learning_rate": "1e-2"}) == Recipe(
        epochs=3, flip=True, learning_rate=0.01
    )
    file = tmp_path / "mine.toml"
    file.write_text('base = "improved"\nepochs = 2\n', encoding="utf-8")
    assert recipe(str(file)) == dataclasses.replace(RECIPES["improved"], name="mine", epochs=2)
    for fields, error in (({"epoch": 3}, UnknownName), ({"epochs": 0}, RecipeError), ({"flip": "maybe"}, RecipeError)):
        with pytest.raises(error):
            changed(Recipe(), fields)


def test_augmentation_is_seeded_stays_in_range_and_does_nothing_when_off():
    images = torch.rand(16, 3, 32, 32)
    strong = RECIPES["improved"]
    first, again = (augment(images, strong, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, images)
    assert first.min() >= 0
    assert first.max() <= 1
    assert augment(images, RECIPES["baseline"], torch.Generator()) is images


def test_a_flip_alone_is_the_mirrored_image():
    images = torch.rand(64, 3, 8, 8)
    out = augment(images, Recipe(flip=True), torch.Generator().manual_seed(0))
    mirrored = [torch.allclose(one, image.flip(-1), atol=1e-5) for one, image in zip(out, images, strict=True)]
    same = [torch.allclose(one, image, atol=1e-5) for one, image in zip(out, images, strict=True)]
    assert all(np.logical_xor(mirrored, same))
    assert 15 < sum(mirrored) < 49


def test_weight_decay_spares_biases_and_norms():
    groups = make_optimizer(
        torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)), RECIPES["improved"]
    ).param_groups
    assert [len(group["params"]) for group in groups] == [1, 3]
    assert [group["weight_decay"] for group in groups] == [5e-3, 0.0]


def test_the_full_profile_is_resnet18_at_the_recipes_own_length():
    assert PROFILES["full"].apply(RECIPES["improved"]) == dataclasses.replace(RECIPES["improved"], width=64, epochs=45)
    assert PROFILES["small"].apply(RECIPES["baseline"]).epochs == 10
    assert estimate([Recipe(width=4, epochs=1, batch_size=8)], 100, (32, 32), "cpu") > 0
