"""Files that are programs or pickles: what is loaded, and what is refused before it could run."""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import NORMAL, small_net
from torch import nn

import eyetest
from eyetest.errors import ModelError
from eyetest.models.classifier import Classifier
from eyetest.models.contract import ModelOptions
from eyetest.models.load import load_model, open_model

CLASSES = ("a", "b", "c")
OPTIONS = ModelOptions(classes="data", **NORMAL)
SIZED = ModelOptions(classes="data", input_size=(16, 16), **NORMAL)
Entries = dict[str, bytes]


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "p.pt2"
    torch.export.save(torch.export.export(small_net(), (torch.rand(2, 3, 16, 16),)), path)
    return path


def rewritten(path: Path, change: Callable[[Entries], None]) -> Path:
    with zipfile.ZipFile(path) as archive:
        folder = archive.namelist()[0].partition("/")[0]
        entries = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{folder}/{name}", content)
    return path


def test_a_program_for_two_images_answers_any_number_with_its_own_answers(program):
    classifier = load_model(program, CLASSES, OPTIONS)
    assert classifier.input_size == (16, 16)
    assert classifier.sources["input_size"] == "the exported program p.pt2"
    images = torch.rand(5, 3, 16, 16)
    assert torch.allclose(classifier.predict(images), small_net()((images - 0.5) / 0.25), atol=1e-5)
    logits, features = classifier.predict_with_features(images)
    assert logits.shape == (5, 3)
    assert features is None


def test_a_program_that_takes_any_number_and_size_needs_the_size_from_the_user(tmp_path):
    n, h, w = (torch.export.Dim(name, min=2, max=512) for name in "nhw")
    exported = torch.export.export(small_net(), (torch.rand(2, 3, 16, 20),), dynamic_shapes=({0: n, 2: h, 3: w},))
    torch.export.save(exported, tmp_path / "any.pt2")
    with pytest.raises(ModelError, match="--input-size"):
        open_model(tmp_path / "any.pt2", OPTIONS)
    images = torch.rand(5, 3, 16, 16)
    classifier = load_model(tmp_path / "any.pt2", CLASSES, SIZED)
    assert torch.allclose(classifier.predict(images), small_net()((images - 0.5) / 0.25), atol=1e-5)


def test_a_module_that_refuses_eval_is_asked_all_the_same_and_left_alone():
    module = torch.export.export(small_net(), (torch.rand(2, 3, 16, 16),)).module()
    with pytest.raises(NotImplementedError):
        module.eval()
    before = [one.training for one in module.modules()], [p.requires_grad for p in module.parameters()]
    classifier = Classifier(module, classes=CLASSES)
    assert classifier.predict(torch.rand(2, 3, 16, 16)).shape == (2, 3)
    with pytest.raises(AssertionError):
        classifier.predict(torch.rand(3, 3, 16, 16))
    assert before == ([one.training for one in module.modules()], [p.requires_grad for p in module.parameters()])


def test_torchscript_is_evaluated_also_if_frozen_and_two_of_them_are_told_apart(tmp_path):
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 16 * 16, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(net.train())
        script.save(str(tmp_path / "a.pt"))
        torch.jit.freeze(script.eval()).save(str(tmp_path / "b.ts"))
    images = torch.rand(4, 3, 16, 16)
    wanted = net.eval()((images - 0.5) / 0.25)
    loaded = [load_model(tmp_path / name, CLASSES, SIZED) for name in ("a.pt", "b.ts")]
    for classifier in loaded:
        assert torch.allclose(classifier.predict(images), wanted, atol=1e-5)
    assert loaded[0].module.program.training
    assert len({classifier.record().fingerprint for classifier in loaded}) == 2


def test_programs_want_no_architecture_and_take_only_images(program, tmp_path):
    with pytest.raises(ModelError, match="Leave them out"):
        open_model(program, ModelOptions(arch="timm:convnext_atto"))
    torch.export.save(torch.export.export(nn.Linear(4, 3), (torch.rand(2, 4),)), tmp_path / "l.pt2")
    with pytest.raises(ModelError, match=r"an input of shape \(2, 4\)"):
        open_model(tmp_path / "l.pt2", OPTIONS)


def bombs(mark: Path) -> dict[str, Callable[[Path], None]]:
    def legacy(path: Path) -> None:
        path.write_bytes(pickle.dumps(Bomb(mark)))

    return {
        "zip": lambda path: torch.save({"state_dict": Bomb(mark)}, path),
        "legacy": legacy,
        "old": lambda path: torch.save(Bomb(mark), path, _use_new_zipfile_serialization=False),
        "arguments": lambda path: torch.save({"args": argparse.Namespace(lr=1), "model": {}}, path),
    }


@pytest.mark.parametrize("kind", ["zip", "legacy", "old", "arguments"])
def test_a_pickle_is_refused_unread_and_the_way_out_is_told(kind, tmp_path):
    bombs(tmp_path / "boom")[kind](tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"never does.*save_file"):
        open_model(tmp_path / "w.pt", ModelOptions(arch="resnet18_cifar", weights=None))
    assert not (tmp_path / "boom").exists()


def spoil_json(path: str, change: Callable[[dict[str, object]], None]) -> Callable[[Entries], None]:
    def spoiled(entries: Entries) -> None:
        content = json.loads(entries[path])
        change(content)
        entries[path] = json.dumps(content).encode()

    return spoiled


MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"


def a_target(content: dict) -> None:
    content["graph_module"]["graph"]["nodes"][0]["target"] = "torch.os.system"


def a_symbol(content: dict) -> None:
    content["range_constraints"]["x"] = {"expr_str": "__import__('os').system('true')"}


def a_guard(content: dict) -> None:
    content["guards_code"] = ["print('hello')"]


def a_pickled_weight(content: dict) -> None:
    next(iter(content["config"].values()))["use_pickle"] = True


@pytest.mark.parametrize(
    ("path", "change", "says"),
    [
        (MODEL, a_target, "it would run 'torch.os.system'"),
        (MODEL, a_symbol, "it would run"),
        (MODEL, a_guard, "it would run"),
        (WEIGHTS, a_pickled_weight, "is a pickle"),
    ],
)
def test_a_program_that_would_run_something_else_is_refused(path, change, says, program):
    with pytest.raises(ModelError, match=says):
        open_model(rewritten(program, spoil_json(path, change)), OPTIONS)


def test_a_program_with_pickles_beside_its_tensors_is_refused_unread(program, tmp_path):
    bomb = io.BytesIO()
    torch.save((Bomb(tmp_path / "boom"),), bomb)

    for name in ("data/sample_inputs/model.pt", "data/weights/model.pt", "data/constants/model.pt"):
        path = tmp_path / "copy.pt2"
        path.write_bytes(program.read_bytes())
        with pytest.raises(ModelError, match="pickle"):
            open_model(rewritten(path, lambda entries, name=name: entries.update({name: bomb.getvalue()})), OPTIONS)
    assert not (tmp_path / "boom").exists()


def test_damaged_files_are_named(tmp_path, program):
    (tmp_path / "cut.pt2").write_bytes(program.read_bytes()[:-200])
    (tmp_path / "no.pt").write_bytes(b"no")
    torch.save({"epoch": 3, "optimizer": {"lr": 0.1}}, tmp_path / "none.pt")
    torch.save({"wrong.weight": torch.zeros(2)}, tmp_path / "other.pt")
    flags = ModelOptions(arch="resnet18_cifar", classes="data", input_size=(32, 32), **NORMAL)
    for name, says in (
        ("cut.pt2", "cut.pt2"),
        ("no.pt", "no.pt"),
        ("none.pt", "a dict with epoch, optimizer"),
        ("other.pt", "unknown: wrong.weight"),
        ("nowhere.pt", "no model at"),
    ):
        with pytest.raises(ModelError, match=says):
            load_model(tmp_path / name, CLASSES, flags)
    with pytest.raises(ModelError, match="without an architecture"):
        open_model(tmp_path / "other.pt")


def test_nothing_in_the_package_asks_torch_for_a_full_unpickling():
    package = Path(eyetest.__file__).parent
    assert [path for path in package.rglob("*.py") if "weights_only=False" in path.read_text(encoding="utf-8")] == []
