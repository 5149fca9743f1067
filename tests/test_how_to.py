"""The how-to pages do what they say."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import eyetest as et
from eyetest.data.base import Dataset, SplitData
from eyetest.data.image_folder import FILES, METADATA
from eyetest.data.planted import PlantedSpec, planted
from eyetest.data.predictions_file import ARRAYS, SCORES
from eyetest.data.split import ArraySplit
from eyetest.errors import UserError
from eyetest.training.grid import Contrast, read_sweep, sweep_of
from eyetest.training.recipe import RECIPES

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
OWN_MODEL = HOW_TO / "own_model.py"
OWN_CUE = HOW_TO / "watermark_cue.py"


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


def test_the_pages_name_every_column_and_every_place_of_groups() -> None:
    pages = {name: (HOW_TO / f"{name}.md").read_text(encoding="utf-8") for name in ("saved-predictions", "groups")}
    for word in (*SCORES, *ARRAYS, "`predicted`", "`id`", "`ids`", "`label`"):
        assert word in pages["saved-predictions"]
    for word in (METADATA, *FILES):
        assert word in pages["groups"]


def test_the_metadata_of_the_page_groups_images(tmp_path: Path) -> None:
    text = re.search(r"file,patient\n((?:  \w.+\n)+)", (HOW_TO / "groups.md").read_text(encoding="utf-8"))[0]
    rows = [line.strip().split(",") for line in text.splitlines()]
    for name, _ in rows[1:]:
        (tmp_path / name).parent.mkdir()
    more = [(f"{kind}/{k}.png", f"{kind}{k}") for kind in ("benign", "malignant") for k in range(20)]
    for number, (name, _) in enumerate(more):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / name)
    listed = "\n".join([",".join(rows[0]), *(",".join(one) for one in more)])
    (tmp_path / "metadata.csv").write_text(listed, encoding="utf-8")
    assert et.load_data(tmp_path, group=rows[0][1]).group == "patient"


def test_a_model_of_ones_own_is_audited(tmp_path: Path) -> None:
    data = planted(PlantedSpec(train=30, validation=12, test=12))
    run = et.audit(f"{OWN_MODEL}:make", data, checks=["accuracy"], out=tmp_path / "run", device="cpu")
    assert run["ACC001"].estimate("accuracy").n == 12
    assert run.record.models[0].name == "make"
    contract = run.plan().contract
    assert contract is not None
    assert contract.sources["mean"].startswith("the Classifier of")


@pytest.mark.slow
def test_the_sweep_of_the_page_runs(tmp_path: Path) -> None:
    data = planted(PlantedSpec(classes=3, train=120, validation=60, test=60))
    plan = read_sweep(HOW_TO / "sweep.toml")
    small = [dataclasses.replace(cell.recipe, epochs=1, width=4, batch_size=64) for cell in plan.cells]
    cells = tuple(dataclasses.replace(cell, recipe=one) for cell, one in zip(plan.cells, small, strict=True))
    contrasts = tuple(Contrast(one.name, "against the base", cells[0], one) for one in cells[1:])
    run = et.sweep(
        dataclasses.replace(plan, cells=cells, contrasts=contrasts), data, out=tmp_path / "run", device="cpu"
    )
    assert len(run.children) == 9
    assert run["SWP001"].params["cells"] == 9
    assert run.chosen_recipe.is_file()


def test_every_toml_of_the_sweep_page_is_one() -> None:
    blocks = re.findall(r"```toml\n(.+?)```", (HOW_TO / "sweep.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [len(sweep_of(tomllib.loads(block)).cells) for block in blocks] == [17, 4, 24]


def test_the_ablation_of_cifar10_ends_at_the_improved_recipe() -> None:
    plan = read_sweep(HOW_TO / "cifar10-ablation.toml")
    size = {name: getattr(plan.base.recipe, name) for name in ("name", "epochs", "width", "blocks", "watched")}
    assert dataclasses.replace(plan.base.recipe, **size) == dataclasses.replace(RECIPES["baseline"], **size)
    whole = next(cell.recipe for cell in plan.cells if cell.name == "all")
    assert dataclasses.replace(whole, **size) == dataclasses.replace(RECIPES["improved"], **size)
