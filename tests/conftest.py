from __future__ import annotations

import pytest
import torch

from eyetest.data.base import Dataset
from eyetest.data.planted import PlantedSpec, planted
from eyetest.training.recipe import Recipe


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny() -> Dataset:
    return planted(PlantedSpec(classes=3, train=120, validation=60, test=60))


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    return Recipe(epochs=2, width=4, blocks=1, batch_size=32)
