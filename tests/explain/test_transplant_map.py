"""The transplant map against models whose reasons are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyetest.checks.error_causes import ErrorCauses
from eyetest.data.base import Dataset
from eyetest.engine.execute import explain_all, selected
from eyetest.engine.plan import gather
from eyetest.evidence import Explain, Predict, Select
from eyetest.explain.base import Lenders, pooled, spread
from eyetest.explain.transplant_map import TransplantMap, side_of
from eyetest.models.classifier import Classifier
from eyetest.provenance import new_record
from eyetest.store import RunDir
from eyetest.tensors import LogitTarget
from eyetest.types import Predictions


class Corner(nn.Module):
    """Logits are ten times the mean colour of one 8 × 8 cell: row 0, column 3."""

    def forward(self, images: Tensor) -> Tensor:
        return 10 * images[:, :, :8, 24:].mean((2, 3))


def lent(n: int, seed: int = 0) -> Lenders:
    random = torch.Generator().manual_seed(seed)
    return Lenders(*(torch.rand(4, n, 3, 32, 32, generator=random) for _ in range(2)))


@pytest.fixture
def corner() -> Classifier:
    return Classifier(Corner(), classes=("red", "green", "blue"))


def coloured(classes: Tensor, draws: int = 4) -> Tensor:
    """Donors whose every pixel has the colour of the class."""
    return torch.eye(3)[classes].expand(draws, -1, -1)[..., None, None].expand(-1, -1, -1, 32, 32).contiguous()


def test_a_model_that_reads_one_cell_has_its_map_there(corner: Classifier) -> None:
    classes, third = torch.tensor([0, 1]), torch.tensor([2, 0])
    explainer = TransplantMap(Lenders(coloured(classes), coloured(third)))
    grids = pooled(explainer(corner, torch.rand(2, 3, 32, 32), LogitTarget(classes)), 4)
    assert (grids[:, 0, 3] > 5).all()
    grids[:, 0, 3] = 0
    assert not grids.any()


def test_it_agrees_with_a_slow_obvious_one(corner: Classifier) -> None:
    images, classes, donors = torch.rand(1, 3, 32, 32), torch.tensor([2]), lent(1)
    fast = TransplantMap(donors)(corner, images, LogitTarget(classes))
    slow = np.zeros((32, 32))
    for i in range(4):
        for j in range(4):
            total = 0.0
            for draw in range(4):
                for sign, kind in ((1, donors.own), (-1, donors.third)):
                    changed = images.clone()
                    changed[0, :, 8 * i : 8 * i + 8, 8 * j : 8 * j + 8] = kind[
                        draw, 0, :, 8 * i : 8 * i + 8, 8 * j : 8 * j + 8
                    ]
                    total += sign * float(torch.log_softmax(corner.predict(changed), 1)[0, 2]) / 4
            slow[8 * i : 8 * i + 8, 8 * j : 8 * j + 8] = total
    assert np.allclose(fast[0].numpy(), slow, atol=1e-5)


def test_the_grid_can_be_had_again() -> None:
    for height, width, side in ((32, 32, 4), (70, 66, 8), (33, 47, 4)):
        grids = torch.rand(2, side, side)
        assert torch.allclose(pooled(spread(grids, height, width), side), grids, atol=1e-6)
    assert (side_of(64, 64), side_of(65, 32)) == (4, 8)
    assert (TransplantMap.forwards(32, 32), TransplantMap.forwards(224, 224)) == (128, 512)


def test_it_wants_donors_for_exactly_these_images(corner: Classifier) -> None:
    for explainer in (TransplantMap(), TransplantMap(lent(3))):
        with pytest.raises(ValueError, match="donors for exactly"):
            explainer(corner, torch.rand(2, 3, 32, 32), LogitTarget(torch.tensor([0, 1])))


def test_the_engine_lends_by_seed_and_image_alone_and_says_how_reliable_the_maps_are(
    tiny: Dataset, corner: Classifier, tmp_path: Path
) -> None:
    corner = Classifier(corner.module, classes=tiny.classes)
    images = torch.from_numpy(tiny.test.images(tiny.test.rows)).float() / 255
    known = Predictions("test", tiny.test.rows, tiny.test.labels, corner.predict(images).numpy())
    found = []
    for limit, seed in ((10, 0), (4, 0), (10, 1)):
        record = new_record("audit", tiny.record(), (), seed=seed, device="cpu", config={})
        run = RunDir.begin(tmp_path / f"{limit}-{seed}", record)
        run.write_predictions("identity", known)
        need = Explain("transplant_map", "predicted", Select.errors(limit))
        work = dataclasses.replace(gather([]), predicts=(Predict(),), explains=(need,))
        rows = np.arange(60, dtype=np.int64)
        explain_all(run, work, corner, tiny, rows, seed=seed, progress=lambda what, done, speed: None)
        assert not len(selected(run, work, seed))
        maps = run.maps("transplant_map-predicted")
        assert maps is not None
        assert len(maps.rows) == limit
        found.append(maps)
    whole, few, other = found
    shared = np.isin(whole.rows, few.rows)
    assert np.array_equal(whole.values[shared], few.values)
    assert not np.array_equal(whole.values, other.values)
    assert whole.reliability is not None
    assert (np.abs(whole.reliability) <= 1 + 1e-9).all()
    assert [need.method for need in gather([ErrorCauses()]).explains] == ["grad_cam", "transplant_map"]
