"""What the command line says of a model, and the contract that --plan prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from eyetest.__main__ import code
from eyetest.cli.model_flags import class_names, input_size
from eyetest.errors import ModelError

NET = """
from torch import nn
def make():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    for label, name in enumerate(("ant", "bee")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(10):
            Image.new("RGB", (60, 60), (20 * k, 100 * label, 50)).save(tmp_path / "photos" / name / f"{k}.png")
    return tmp_path


PLAN = ["audit", "net.py:make", "--data", "photos", "--plan", "--checks", "accuracy", "--device", "cpu"]
NUMBERS = ["--mean", "0.5", "0.4", "0.3", "--std", "0.2", "0.2", "0.2"]


def test_the_plan_prints_what_the_model_is_fed_and_where_that_is_known_from(here, capsys):
    (here / "names.txt").write_text("bee\nant\n", encoding="utf-8")
    flags = [*NUMBERS, "--input-size", "24", "--classes", "names.txt", "--batch-size", "4"]
    assert code([*PLAN, *flags]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "24×24 pixels" in told
    assert "0.5 0.4 0.3" in told
    assert "2: ant, bee" in told
    assert "--mean" in told
    assert "minus mean, divided by std" in told
    assert code([*PLAN, *flags, "--json"]) == 0
    contract = json.loads(capsys.readouterr().out)["contract"]
    assert contract["input_size"] == [24, 24]
    assert contract["mean"] == [0.5, 0.4, 0.3]
    assert contract["sources"] == {
        "mean": "--mean",
        "std": "--std",
        "input_size": "--input-size",
        "classes": "--classes",
    }


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "Nothing says the mean, std, input size, classes"),
        ([*NUMBERS, "--input-size", "24"], "Nothing says the classes"),
        ([*NUMBERS, "--input-size", "24", "--classes", "ant", "wasp"], "the data has 2"),
        ([*NUMBERS, "--input-size", "0", "--classes", "data"], "is no size"),
        ([*NUMBERS, "--input-size", "24", "--classes", "nowhere.txt"], "is no file"),
        (["--mean", "124", "116", "104"], "Divide"),
        (["--random-weights", "--weights", "net.py"], "one of them was expected"),
        (["--batch-size", "0"], "--batch-size"),
        (["--layer", "5", *NUMBERS, "--input-size", "24", "--classes", "data"], "No layer of the model"),
    ],
)
def test_what_is_missing_or_wrong_is_one_paragraph(flags, says, here, capsys):
    assert code([*PLAN, *flags]) == 2
    told = capsys.readouterr()
    assert says in " ".join((told.err + told.out).split())
    assert "Traceback" not in told.err


def test_sizes_and_class_names_are_read(tmp_path):
    assert [input_size(one) for one in (None, ["data"], ["224"], ["192", "256"])] == [
        None,
        "data",
        (224, 224),
        (192, 256),
    ]
    (tmp_path / "list.json").write_text('["a", "b"]', encoding="utf-8")
    (tmp_path / "index.json").write_text('{"10": "c", "2": "b", "0": "a"}', encoding="utf-8")
    (tmp_path / "lines.txt").write_text("a\n\n b \r\n", encoding="utf-8")
    assert class_names(None) is None
    assert class_names(["data"]) == "data"
    assert class_names(["x", "y"]) == ("x", "y")
    assert class_names([str(tmp_path / "list.json")]) == ("a", "b")
    assert class_names([str(tmp_path / "index.json")]) == ("a", "b", "c")
    assert class_names([str(tmp_path / "lines.txt")]) == ("a", "b")
    (tmp_path / "one.txt").write_text("a\n", encoding="utf-8")
    (tmp_path / "bad.json").write_text('{"x": "a"}', encoding="utf-8")
    for name in ("one.txt", "bad.json"):
        with pytest.raises(ModelError, match=name):
            class_names([str(tmp_path / name)])
