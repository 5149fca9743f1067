"""The how-to pages do what they say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import eyetest as et
from eyetest.data.base import Dataset, SplitData
from eyetest.data.planted import PlantedSpec, planted
from eyetest.data.split import ArraySplit
from eyetest.errors import UserError

OWN_MODEL = Path(__file__).parents[1] / "docs" / "how-to" / "own_model.py"
OWN_CUE = Path(__file__).parents[1] / "docs" / "how-to" / "watermark_cue.py"


class ReadsTheCorner(nn.Module):
    """Answers with the colour of the lower right corner."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 20 * x[:, :, -6:, -6:].mean((2, 3))


def watermarked(split: SplitData) -> ArraySplit:
    pixels = split.images(split.rows)
    pixels[:, :, -6:, -6:] = 255 * np.eye(3, dtype=np.uint8)[split.labels][:, :, None, None]
    return ArraySplit(split.name, split.labels, split.rows, pixels)


@pytest.fixture
def marked(tiny: Dataset) -> Dataset:
    return dataclasses.replace(tiny, splits={name: watermarked(split) for name, split in tiny.splits.items()})


def test_a_cue_of_ones_own_is_measured(marked: Dataset, tmp_path: Path) -> None:
    model = et.Classifier(ReadsTheCorner(), classes=marked.classes)
    run = et.audit(model, marked, checks=["accuracy", str(OWN_CUE)], out=tmp_path / "run", device="cpu")
    finding = run["WMK001"]
    assert finding.name == "watermark_cue"
    assert finding.estimate("watermark.reliance").value == 1
    assert finding.status == "concern"
    assert "It uses the watermark as evidence for the class" in finding.headline
    assert "Reliance" in run.report().read_text(encoding="utf-8")


def test_a_file_without_a_check_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("", encoding="utf-8")
    model = et.Classifier(ReadsTheCorner(), classes=tiny.classes)
    for path in (empty, tmp_path / "missing.py"):
        with pytest.raises(UserError, match=path.name):
            et.audit(model, tiny, checks=[str(path)], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_code_that_is_taken_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    twin = tmp_path / "twin.py"
    twin.write_text(OWN_CUE.read_text(encoding="utf-8").replace("WMK001", "ACC001"), encoding="utf-8")
    model = et.Classifier(ReadsTheCorner(), classes=tiny.classes)
    with pytest.raises(UserError, match="ACC001"):
        et.audit(model, tiny, checks=["accuracy", str(twin)], out=tmp_path / "run")


def test_a_model_of_ones_own_is_audited(tmp_path: Path) -> None:
    data = planted(PlantedSpec(train=30, validation=12, test=12))
    run = et.audit(f"{OWN_MODEL}:make", data, checks=["accuracy"], out=tmp_path / "run", device="cpu")
    assert run["ACC001"].estimate("accuracy").n == 12
    assert run.record.models[0].name == "make"
    contract = run.plan().contract
    assert contract is not None
    assert contract.sources["mean"].startswith("the Classifier of")
