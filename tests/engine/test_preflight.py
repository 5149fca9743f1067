"""Every fault, injected into a model that was really trained, is named; the unharmed model goes through."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eyetest import flow
from eyetest.__main__ import code
from eyetest.checks._input_faults import FEEDINGS, faults
from eyetest.data.base import Dataset
from eyetest.data.hashes import pixel_hashes, split_hashes
from eyetest.data.split import ArraySplit
from eyetest.engine import preflight as engine
from eyetest.engine.preflight import feedings, try_inputs
from eyetest.errors import DataError, ModelError
from eyetest.models.classifier import Classifier
from eyetest.store import TRAINED_ON, RunDir
from eyetest.training.recipe import Recipe
from eyetest.types import InputTrials, PixelHashes, silent

FILE = Path(__file__).parents[2] / "benchmarks" / "input_contract.py"
SPEC = importlib.util.spec_from_file_location("input_contract_benchmark", FILE)
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)

NAMES = [
    "nothing", "not normalised", "normalised twice", "ImageNet's statistics not applied",
    "CIFAR-10's statistics not applied", "(x - .5) / .5 not applied", "wants 0 to 255, gets 0 to 1",
    "wants 0 to 1, gets 0 to 255", "wants BGR, gets RGB", "wants Caffe's input, gets 0 to 1", "wants inverted colours",
    "height and width exchanged", "classes in another order", "softmax inside", "dropout stays on",
    "batch norm stays in training", "random inside", "looks at its batch", "never trained", "trained on the test images",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classifier, Dataset]:
    return bench.model(tmp_path_factory.mktemp("model") / "run")


@pytest.fixture(scope="module")
def cases(trained):
    return {case.name: case for case in bench.cases(*trained)}


def tried(model, data) -> InputTrials:
    return try_inputs(model, data, seed=0, trained=(None, "data"), progress=silent)


def test_all_cases_are_named(cases):
    assert list(cases) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_named_and_the_unharmed_model_has_none(name, cases):
    case = cases[name]
    found = faults(tried(case.model, case.data), case.data.classes)
    assert [fault.kind for fault in found] == ([case.kind] if case.kind else [])
    if case.feeding:
        assert case.feeding in found[0].feedings
    assert all(fault.refused for fault in found)


@pytest.mark.parametrize("seed", range(5))
def test_the_unharmed_model_goes_through_whatever_images_are_drawn(seed, trained):
    model, data = trained
    smaller = ArraySplit("validation", *(getattr(data.validation, one) for one in ("labels", "source", "pixels")))
    rows = np.random.default_rng(seed).permutation(512)[:300].astype(np.int64)
    smaller = ArraySplit("validation", data.validation.labels[rows], rows, data.validation.pixels)
    other = Dataset("x", "x", data.classes, (32, 32), "x", {**data.splits, "validation": smaller})
    assert not faults(tried(model, other), data.classes)


def test_every_way_of_feeding_has_its_words(trained):
    images = torch.rand(2, 3, 32, 32)
    model = Classifier(trained[0].module, classes=trained[1].classes, mean=(0.2,) * 3, std=(0.4,) * 3)
    assert list(feedings(model, images)) == list(FEEDINGS)
    assert "turned" not in feedings(model, images[..., :20])


def test_the_module_is_fed_what_the_way_says(trained):
    images = torch.rand(2, 3, 32, 32)
    model = Classifier(trained[0].module, classes=trained[1].classes, mean=(0.2, 0.3, 0.4), std=(0.4, 0.5, 0.6))
    fed = {name: model.normalise(one) for name, one in feedings(model, images).items()}
    assert torch.allclose(fed["none"], images, atol=1e-6)
    assert torch.allclose(fed["half"], (images - 0.5) / 0.5, atol=1e-5)
    assert torch.allclose(fed["twice"], model.normalise(model.normalise(images)), atol=1e-5)
    assert torch.allclose(fed["bgr"], model.normalise(images[:, [2, 1, 0]]), atol=1e-5)
    assert torch.allclose(fed["bytes"], 255 * images, atol=1e-3)
    plain = Classifier(trained[0].module, classes=trained[1].classes)
    assert not {"none", "twice"} & set(feedings(plain, images))


@pytest.mark.parametrize("name", ["batch norm stays in training", "dropout stays on", "nothing"])
def test_the_module_is_left_as_it_was(name, cases):
    module = cases[name].model.module
    before, modes = copy.deepcopy(module.state_dict()), [one.training for one in module.modules()]
    tried(cases[name].model, cases[name].data)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert [one.training for one in module.modules()] == modes
    assert not any(one._forward_pre_hooks for one in module.modules())


def test_a_way_that_overflows_is_no_way(trained):
    class Brittle(torch.nn.Module):
        def forward(self, x):
            answer = x.mean((2, 3)) @ torch.ones(3, 8)
            return answer / (answer.abs().max() < 100)

    found = tried(Classifier(Brittle(), classes=trained[1].classes), trained[1])
    assert (found.answers["bytes"] == -1).all()


def test_the_test_split_has_no_say(trained):
    model, data = trained
    noise = np.random.default_rng(0).integers(0, 256, (200, 3, 32, 32), dtype=np.uint8)
    scrambled = ArraySplit("test", data.test.labels[::-1].copy(), data.test.rows, noise)
    other = Dataset("x", "x", data.classes, (32, 32), "x", {**data.splits, "test": scrambled})
    first, second = tried(model, data), tried(model, other)
    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(first.logits, second.logits)
    assert all(np.array_equal(first.answers[name], second.answers[name]) for name in first.answers)


def test_a_refused_audit_writes_nothing_and_goes_on_anyway(cases, tmp_path):
    case = cases["wants BGR, gets RGB"]
    with pytest.raises(ModelError, match=r"not begun.*BGR instead of RGB.*x\[:, \[2, 1, 0\]\].*--anyway"):
        flow.audit(case.model, case.data, checks=["DAT001", "ACC001"], out=tmp_path / "a", device="cpu")
    assert not list(tmp_path.iterdir())
    run = flow.audit(case.model, case.data, checks=["DAT001", "ACC001"], out=tmp_path / "a", anyway=True, device="cpu")
    assert run["DAT001"].status == "concern"
    assert run["DAT001"].params["fed"] == "bgr"
    assert run["ACC001"].estimate("accuracy").n == 200
    assert "BGR instead of RGB" in run.report().read_text(encoding="utf-8")
    ids, columns = run.scores("DAT001")
    assert len(ids) == len(columns["stated"]) == 512
    assert columns["bgr"].mean() - columns["stated"].mean() == pytest.approx(run["DAT001"].estimate("gain[bgr]").value)


def test_without_the_check_nothing_is_tried(cases, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "try_inputs", lambda *_, **__: pytest.fail("it was tried"))
    case = cases["wants BGR, gets RGB"]
    flow.audit(case.model, case.data, checks=["ACC001"], out=tmp_path / "a", device="cpu")


def test_a_training_keeps_the_hashes_of_its_images(tiny, tiny_recipe, tmp_path):
    run = flow.train(tiny, Recipe(epochs=1, width=4, blocks=1), out=tmp_path / "t", device="cpu")
    kept = run.annotation(TRAINED_ON, PixelHashes)
    assert np.array_equal(kept.hashes, split_hashes(tiny.train, tiny.train.rows))
    assert len(set(kept.hashes.tolist())) == 120


def test_equal_pixels_of_another_shape_are_another_image():
    images = np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4)
    assert pixel_hashes(images) == pixel_hashes(images.copy())
    assert pixel_hashes(images) != pixel_hashes(images.reshape(1, 3, 2, 8))
    assert pixel_hashes(np.asfortranarray(images)) == pixel_hashes(images)


def test_a_refused_study_keeps_its_training_and_goes_on_anyway(tiny, tiny_recipe, tmp_path):
    leaking = ArraySplit("train", tiny.test.labels, tiny.test.rows, tiny.test.images(tiny.test.rows))
    data = Dataset("x", "x", tiny.classes, (32, 32), "x", {**tiny.splits, "train": leaking})
    asked = {"checks": ["DAT001"], "out": tmp_path / "s", "device": "cpu"}
    with pytest.raises(DataError, match="60 of 60 test images"):
        flow.study(data, [tiny_recipe], **asked)
    child = RunDir(tmp_path / "s" / f"{tiny_recipe.name}-0")
    assert not (child.path / "findings").exists()
    assert not child.has_annotation("preflight")
    weights = child.model.read_bytes()
    flow.study(data, [tiny_recipe], anyway=True, **asked)
    assert child["DAT001"].status == "concern"
    assert child.model.read_bytes() == weights


@pytest.mark.slow
def test_our_run_on_the_same_pictures_split_with_another_seed_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for label, name in enumerate(("ant", "bee")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(60):
            pixels = random.integers(0, 100, (32, 32, 3)) + 100 * np.array([label, 0, 1 - label])
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{k}.png")
    size = ["--set", "epochs=3", "width=4", "blocks=1", "batch_size=16", "--device", "cpu", "--quiet"]
    assert code(["train", "--data", "photos", "--out", "runs/a", *size]) == 0
    ask = ["--data", "photos", "--checks", "DAT001", "ACC001", "--device", "cpu", "--quiet", "--json"]
    assert code(["audit", "runs/a", "--out", "runs/same", *ask]) == 0
    assert code(["audit", "runs/a", "--out", "runs/other", "--seed", "1", *ask]) == 2
    told = capsys.readouterr().err
    assert "are among the images that it was trained on" in told
    assert "--anyway" in told
    assert not (tmp_path / "runs" / "other").exists()
    assert code(["audit", "runs/a/train/model.safetensors", "--out", "runs/file", "--seed", "1", *ask]) == 2
    capsys.readouterr()
    assert code(["audit", "runs/a", "--out", "runs/other", "--seed", "1", "--anyway", *ask]) == 0
    findings = {one["code"]: one for one in json.loads(capsys.readouterr().out)}
    assert findings["DAT001"]["status"] == "concern"
    assert findings["DAT001"]["params"]["faults"] == "leak"
