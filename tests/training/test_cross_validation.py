"""Out-of-sample predictions: nobody predicts what it learned from, groups stay together, a killed one goes on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyetest import flow
from eyetest.cli.app import app
from eyetest.data.base import Dataset
from eyetest.data.split import ArraySplit, Subset, deal
from eyetest.errors import DataError, RunError
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.store import RunDir
from eyetest.training import cross_validation
from eyetest.training.recipe import Recipe
from eyetest.types import Predictions

CHECKS = ["LAB001", "FAIL002"]


@pytest.fixture(scope="module")
def trained(tiny: Dataset, tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return flow.train(tiny, tiny_recipe, out=tmp_path_factory.mktemp("trained") / "run", device="cpu")


def grouped(data: Dataset, groups: np.ndarray) -> Dataset:
    train = ArraySplit(
        "train", data.train.labels, data.train.rows, data.train.images(data.train.rows), {"group": groups}
    )
    return Dataset(data.name, data.title, data.classes, data.image_size, "grouped", {**data.splits, "train": train})


def test_folds_are_even_in_size_and_class():
    labels = np.repeat([0, 1, 2], [100, 50, 31])
    fold = deal(labels, 5, 0)
    assert np.ptp(np.bincount(fold)) <= 1
    counts = np.array([np.bincount(labels[fold == k], minlength=3) for k in range(5)])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert fold.tolist() == deal(labels, 5, 0).tolist()
    assert fold.tolist() != deal(labels, 5, 1).tolist()


def test_a_group_stays_in_one_fold():
    random = np.random.default_rng(0)
    groups, labels = random.integers(0, 40, 600), random.integers(0, 3, 600)
    fold = deal(labels, 4, 0, groups)
    assert all(len(set(fold[groups == one].tolist())) == 1 for one in range(40))
    assert np.ptp(np.bincount(fold, minlength=4)) < 60


def test_a_subset_is_these_rows_of_the_whole(tiny: Dataset):
    chosen = np.array([5, 3, 40], dtype=np.int64)
    part = Subset(tiny.train, chosen)
    rows = np.array([2, 0], dtype=np.int64)
    assert np.array_equal(part.images(rows), tiny.train.images(chosen[rows]))
    assert np.array_equal(part.masks(rows), tiny.train.masks(chosen[rows]))
    assert part.labels.tolist() == tiny.train.labels[chosen].tolist()
    assert part.human_counts(rows) is None
    assert len(part) == 3


def test_no_model_predicts_an_image_that_it_learned_from(
    trained: RunDir, tiny: Dataset, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    learned = []
    train_model = cross_validation.train_model

    def spy(data: Dataset, *rest, **options):
        assert data.validation is tiny.validation
        learned.append(set(data.train.chosen.tolist()))
        return train_model(data, *rest, **options)

    monkeypatch.setattr(cross_validation, "train_model", spy)
    run = flow.audit(trained, tiny, checks=CHECKS, cross_validate=3, out=tmp_path / "run", device="cpu")
    whole = run.out_of_sample("train")
    assert whole.rows.tolist() == tiny.train.rows.tolist()
    assert whole.labels.tolist() == tiny.train.labels.tolist()
    assert len(learned) == 3
    for number, known in enumerate(learned):
        part = run.predictions(f"fold-{number}@train", "train")
        assert not known & set(part.rows.tolist())
        assert known | set(part.rows.tolist()) == set(tiny.train.rows.tolist())
        assert np.array_equal(whole.logits[part.rows], part.logits)
    mean = np.mean([run.predictions(f"fold-{k}@test", "test").probabilities for k in range(3)], axis=0)
    assert run.out_of_sample("test").probabilities == pytest.approx(mean, abs=1e-6)
    assert run.out_of_sample("validation").rows.tolist() == tiny.validation.rows.tolist()
    assert not list((run.path / "folds").glob("*"))
    assert "train labels" in run["LAB001"].headline
    notes = [block.text for block in run["LAB001"].blocks if block.kind == "note"]
    assert any("3 models by the audited model's own recipe (baseline, 2 epochs, width 4)" in text for text in notes)
    assert "label" not in run["FAIL002"].params["not_tested"].split(", ")
    cited = [card.image for block in run["LAB001"].blocks if block.kind == "gallery" for card in block.cards]
    assert all((run.path / name).is_file() for name in cited)


@pytest.mark.slow
def test_a_killed_one_does_no_fold_twice(trained: RunDir, tiny: Dataset, tmp_path, monkeypatch: pytest.MonkeyPatch):
    seen = []

    def stop(what: str, fraction: float, speed: float) -> None:
        if what.startswith("cross-validate"):
            seen.append((what, fraction))
            if what.startswith("cross-validate, fold 2 of 2, train baseline, epoch 2"):
                raise KeyboardInterrupt

    job = {"checks": CHECKS, "cross_validate": 2, "out": tmp_path / "run", "device": "cpu"}
    with pytest.raises(KeyboardInterrupt):
        flow.audit(trained, tiny, progress=stop, **job)
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    run = RunDir.open(tmp_path / "run")
    assert run.out_of_sample("test") is None
    first = run.predictions("fold-0@train", "train").logits
    train_model, trainings = cross_validation.train_model, []
    monkeypatch.setattr(cross_validation, "train_model", lambda *a, **o: trainings.append(a[2]) or train_model(*a, **o))
    with pytest.raises(RunError, match="config"):
        flow.audit(trained, tiny, **(job | {"cross_validate": 3}))
    flow.audit(trained, tiny, **job)
    assert [own.path.name for own in trainings] == ["1"]
    whole = flow.audit(trained, tiny, **(job | {"out": tmp_path / "whole"}))
    assert np.array_equal(run.out_of_sample("train").logits, whole.out_of_sample("train").logits)
    assert np.array_equal(run.predictions("fold-0@train", "train").logits, first)


@pytest.mark.slow
def test_a_foreign_model_is_judged_by_a_recipe_of_ours_and_the_finding_says_so(
    tiny: Dataset, tiny_recipe: Recipe, tmp_path
):
    torch.manual_seed(0)
    own = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    run = flow.audit(
        own, tiny, checks=CHECKS, cross_validate=2, fold_recipe=tiny_recipe, out=tmp_path / "run", device="cpu"
    )
    notes = [block.text for block in run["LAB001"].blocks if block.kind == "note"]
    assert any("a recipe of eyetest, not known to be the model's own" in text for text in notes)
    alone = flow.audit(own, tiny, checks=CHECKS, out=tmp_path / "alone", device="cpu")
    assert any("--cross-validate" in b.text for b in alone["LAB001"].blocks if b.kind == "note")


def test_the_plan_counts_the_trainings(trained: RunDir, tiny: Dataset):
    planned = flow.plan_audit(trained, tiny, checks=CHECKS, cross_validate=3, device="cpu")
    last = planned.passes[-1]
    assert last.what == "cross-validate: train 3 models by baseline"
    assert last.images == 2 * 120 * 2
    assert planned.seconds >= last.seconds > 0


@pytest.mark.parametrize("count", [1, 121])
def test_an_impossible_number_of_folds_is_refused(trained: RunDir, tiny: Dataset, tmp_path, count: int):
    with pytest.raises(DataError, match=f"in {count} folds was asked of 120 images"):
        flow.audit(trained, tiny, cross_validate=count, out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match="of 2 groups of images"):
        cross_validation.fold_of(grouped(tiny, np.arange(120) % 2).train, 3, 0)


def test_groups_of_the_data_are_kept_together(tiny: Dataset):
    groups = np.arange(120) // 3
    fold = cross_validation.fold_of(grouped(tiny, groups).train, 4, 0)
    assert all(len(set(fold[groups == one].tolist())) == 1 for one in range(40))


def test_the_mean_of_probabilities_is_finite_where_all_are_sure():
    logits = np.array([[200.0, 0.0], [0.0, 200.0]], dtype=np.float32)
    one = Predictions("test", np.arange(2), np.zeros(2, dtype=np.int64), logits)
    assert np.isfinite(cross_validation._mean([one, one]).logits).all()


def test_the_command_line_has_the_flags():
    for command in (
        "audit runs/a --data planted --cross-validate 5 --fold-recipe baseline",
        "study --data planted --cross-validate 5",
    ):
        _, bound, _ = app.parse_args(command.split(), exit_on_error=False, print_error=False)
        assert bound.arguments["cross_validate"] == 5
