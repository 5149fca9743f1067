from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyetest.data import load_data
from eyetest.data.planted import PlantedSpec, planted
from eyetest.data.split import carve_validation, stratified_sample
from eyetest.errors import DataError, UnknownName

CIFAR10 = Path(__file__).parents[3] / "shared" / "cifar10"


def test_stratified_sample_keeps_proportions():
    labels = np.repeat(np.arange(3), [50, 30, 20])
    rows = stratified_sample(labels, 10, 0)
    assert np.bincount(labels[rows]).tolist() == [5, 3, 2]
    assert (stratified_sample(labels, 10, 0) == rows).all()
    assert len(stratified_sample(labels, 1000, 0)) == 100


def test_validation_is_disjoint_and_stratified():
    labels = np.tile(np.arange(10), 100)
    train, validation = carve_validation(labels, 0.1, 0)
    assert sorted([*train, *validation]) == list(range(1000))
    assert (np.bincount(labels[validation]) == 10).all()


def test_planted_images_depend_on_seed_split_and_row_alone():
    data, again = planted(PlantedSpec(test=20)), planted(PlantedSpec(test=40))
    some = np.array([3, 17])
    assert (data.test.images(some) == again.test.images(np.arange(20))[some]).all()
    assert (data.test.images(some) != planted(PlantedSpec(test=20, seed=1)).test.images(some)).any()
    assert data.fingerprint == planted(PlantedSpec(test=20)).fingerprint != again.fingerprint


def test_the_planted_cue_has_its_strength():
    test = planted(PlantedSpec(train=1, validation=1, test=3000, strength=0.8)).test
    assert (test.metadata["cue_colour"] == test.labels).mean() == pytest.approx(0.8, abs=0.03)


def test_arrangements_move_the_cue_and_not_the_object():
    test = planted(PlantedSpec(cues=("background",), train=1, validation=1, test=30, noise=0.0)).test
    inside = test.masks(test.rows)[:, None]
    natural, moved = test.images(test.rows), test.arranged("conflicting").images(test.rows)
    core = np.broadcast_to(inside, natural.shape)
    assert np.abs(natural.astype(int) - moved)[core].mean() < np.abs(natural.astype(int) - moved)[~core].mean() / 3


@pytest.mark.parametrize("name", ["planted:nothing", "planted:backgroun-0.5"])
def test_an_unknown_cue_is_named(name):
    with pytest.raises(UnknownName, match="background"):
        load_data(name)


def test_missing_data_and_bad_strength(tmp_path):
    with pytest.raises(DataError, match="no data"):
        load_data(tmp_path / "nothing")
    with pytest.raises(DataError, match="no number"):
        load_data("planted:patch-much")


@pytest.mark.slow
def test_cifar10_jpeg_copy():
    data = load_data(CIFAR10)
    assert data.title == "CIFAR-10 (JPEG copy)"
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 45000,
        "validation": 5000,
        "test": 10000,
    }
    assert data.classes[data.test.labels[0]] == "cat"
