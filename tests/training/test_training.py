from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from eyetest import flow
from eyetest.errors import RecipeError, UnknownName
from eyetest.records import EpochMetrics
from eyetest.training import loop
from eyetest.training.augment import augment
from eyetest.training.loop import make_optimizer
from eyetest.training.profile import PROFILES, estimate
from eyetest.training.recipe import RECIPES, Recipe, changed, recipe
from eyetest.training.schedule import learning_rate
from eyetest.training.state import TrainingState


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


def epoch(number: int, accuracy: float) -> EpochMetrics:
    return EpochMetrics(
        epoch=number, train_loss=1, train_accuracy=1, validation_loss=1, validation_accuracy=accuracy,
        learning_rate=1, seconds=1, images_per_second=1,
    )  # fmt: skip


@pytest.mark.parametrize(("accuracies", "chosen"), [((), 0), ((0.5, 0.7, 0.7, 0.6), 2), ((0.0, 0.0), 1)])
def test_the_chosen_epoch_is_the_best_and_ties_go_to_the_earlier(accuracies, chosen):
    metrics = [epoch(number + 1, accuracy) for number, accuracy in enumerate(accuracies)]
    assert TrainingState(metrics).chosen_epoch == chosen


def test_a_diverging_training_is_said_and_not_a_bug(tiny, tiny_recipe, tmp_path):
    wild = dataclasses.replace(tiny_recipe, optimizer="sgd", learning_rate=1e38)
    with pytest.raises(RecipeError, match=r"diverged: in epoch 1.*learning_rate=1e\+37"):
        flow.train(tiny, wild, out=tmp_path / "wild", device="cpu")


def test_every_epoch_is_a_line_of_metrics(tiny, tiny_recipe, tmp_path):
    run = flow.train(tiny, tiny_recipe, out=tmp_path / "run", device="cpu")
    lines = [json.loads(line) for line in (run.path / "train" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    for line in lines:
        assert set(line) == {
            "epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate",
            "seconds", "images_per_second",
        }  # fmt: skip
    result = run.train_result()
    assert result.train_images == 120
    # The sample of 5,000 is all of so few images, so the last epoch's own figure is the one on all of them.
    assert result.last_train_accuracy == lines[-1]["train_accuracy"]
    assert result.chosen_train_accuracy == lines[result.chosen_epoch - 1]["train_accuracy"]


def test_clean_train_accuracy_is_measured_on_a_stratified_sample(tiny, tiny_recipe, tmp_path, monkeypatch):
    sizes = []
    evaluate = loop.Trainer._evaluate

    def counted(self, split):
        sizes.append(np.bincount(split.labels.numpy()).tolist())
        return evaluate(self, split)

    monkeypatch.setattr(loop.Trainer, "_evaluate", counted)
    flow.train(tiny, dataclasses.replace(tiny_recipe, watched=30), out=tmp_path / "run", device="cpu")
    sample, validation, whole = [10] * 3, [20] * 3, [40] * 3
    assert sizes == [sample, validation, sample, validation, whole, whole]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_full_profiles_steps_run_at_tiny_size_and_resume(name, tiny, tmp_path):
    """All of a recipe but its size, in the memory order of wide networks; killed after the first epoch."""
    full = PROFILES["full"].apply(RECIPES[name])
    small = dataclasses.replace(full, width=16, epochs=2, batch_size=40)
    whole = flow.train(tiny, small, out=tmp_path / "whole", device="cpu")

    def stop(what, fraction, speed):
        if "epoch 2" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flow.train(tiny, small, out=tmp_path / "cut", device="cpu", progress=stop)
    resumed = flow.train(tiny, small, out=tmp_path / "cut", device="cpu")
    assert resumed.model.read_bytes() == whole.model.read_bytes()
