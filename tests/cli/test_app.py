"""The command line: help, light starts, bad input, and how large a study becomes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from eyetest.__main__ import code
from eyetest.cli import sizing
from eyetest.cli.app import app
from eyetest.training.recipe import Recipe

COMMANDS = sorted(name for name in app if not name.startswith("-"))


def photos(folder: Path) -> Path:
    for label, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True)
        for k in range(10):
            Image.new("RGB", (32, 32), (20 * k, 100 * label, 50)).save(folder / name / f"{k}.png")
    return folder


def test_all_commands_are_there() -> None:
    assert {
        "audit",
        "card",
        "compare",
        "demo",
        "explain",
        "fetch",
        "gate",
        "list",
        "look",
        "report",
        "runs",
        "show",
        "study",
        "track",
        "train",
    } <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app[command].help
    assert code([command, "--help"]) == 0
    assert app[command].help.splitlines()[0][:60] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "study --help",
        "report nowhere",
        "show nowhere",
        "compare nowhere nowhere",
        "runs nowhere",
        "gate --help",
        "gate nowhere nothing.toml",
        "card nowhere",
        "track nowhere --tracker tensorboard",
    ],
)
def test_commands_that_only_read_start_without_torch(command: str) -> None:
    script = (
        "import sys; from eyetest.__main__ import code; done = code(sys.argv[1:]); "
        "sys.exit(99 if {'torch', 'lightning_fabric'} & set(sys.modules) else done)"
    )
    done = subprocess.run([sys.executable, "-c", script, *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == (
        2
        if "nowhere nowhere" in command or command.startswith(("report", "show", "gate nowhere", "card", "track"))
        else 0
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--device gpu", "No device is called 'gpu'"),
        ("--device mps", "no mps device here"),
        ("--threads 0", "--threads"),
        ("--seed -1", "--seed"),
        ("--epochs 3", "--epochs"),
        ("--recipe nowhere.toml", "no recipe file nowhere.toml"),
        ("--out taken", "no eyetest run"),
        ("--out taken/file", "no eyetest run"),
        ("--out taken/file/run", "cannot be written"),
    ],
)
def test_a_bad_option_is_one_paragraph_and_writes_nothing(
    options: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "photos")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    assert code(["train", "--data", "photos", "--set", "epochs=1", "width=4", *options.split()]) == 2
    told = capsys.readouterr()
    assert says in told.err + told.out
    assert "Traceback" not in told.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "bee" / "3.png").write_bytes(b"no picture"), "bee/3.png cannot be read"),
        (lambda folder: (folder / "bee").rename(folder.parent / "gone"), "at least two were expected"),
        (lambda folder: (folder / "bee").rename(folder / "test"), "not both train and test"),
    ],
)
def test_bad_folders_are_named_before_anything_is_written(
    spoil, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(photos(tmp_path / "photos"))
    assert code(["study", "--data", "photos", "--profile", "demo", "--out", "run"]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("speed", "chosen", "sentence"),
    [
        (1000.0, "full", "profile full: training takes about 108 min here (--profile small: about 33 min)"),
        (100.0, "small", "profile small: training takes about 333 min here (--profile full: about 1083 min)"),
    ],
)
def test_the_profile_is_chosen_from_the_measured_speed_and_said_aloud(
    speed: float, chosen: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def cost(recipes: list[Recipe], images: int, size: object, device: str) -> float:
        return sum(recipe.epochs * 100_000 / speed for recipe in recipes)

    monkeypatch.setattr(sizing, "estimate", cost)
    plan = ["study", "--data", str(photos(tmp_path / "photos")), "--device", "cpu", "--plan"]
    assert code(plan) == 0
    told = capsys.readouterr().out
    assert sentence in told
    assert code([*plan, "--json"]) == 0
    seconds = json.loads(capsys.readouterr().out)["training_seconds"]
    epochs = {"full": (20, 45), "small": (10, 10)}[chosen]
    assert seconds == {"baseline": epochs[0] * 1e5 / speed, "improved": epochs[1] * 1e5 / speed}
    assert code([*plan, "--profile", chosen, "--seeds", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training_seconds"] == {name: 3 * cost for name, cost in seconds.items()}
    assert code([*plan, "--profile", chosen, "--seeds", "3"]) == 0
    assert "train baseline 3 times: about" in capsys.readouterr().out


@pytest.mark.slow
def test_the_commands_of_a_day_on_two_class_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "photos")
    size = ["--set", "epochs=1", "width=4", "blocks=1", "batch_size=8", "--device", "cpu", "--quiet"]
    assert code(["train", "--data", "photos", "--out", "runs/a", *size]) == 0
    assert "next: eyetest audit runs/a --data photos" in capsys.readouterr().out
    assert code(["audit", "runs/a", "--data", "photos", "--plan"]) == 0
    assert "±69.3 points" in capsys.readouterr().out
    assert code(["audit", "runs/a", "--data", "photos", "--plan", "--stamp", "all"]) == 0
    assert "put rise maps to the test" in capsys.readouterr().out
    assert code(["audit", "runs/a", "--data", "photos", "--checks", "accuracy", "--stamp", "all"]) == 2
    assert "EXP001" in capsys.readouterr().err
    assert code(["look", "runs/a", "photos/ant/0.png", "--data", "photos", "--device", "cpu"]) == 0
    assert "no transplant_map map: it needs three classes" in " ".join(capsys.readouterr().out.split())
    assert Path("look-0.png").is_file()
    assert code(["audit", "runs/a", "--data", "photos", "--budget", "5m", "--out", "runs/b", "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "budget of 300 s: 2 test images" in told
    assert "report: runs/b/report.html" in told
    assert code(["audit", "runs/a", "--data", "photos", "--out", "runs/b", "--quiet"]) == 2
    assert "complete run" in capsys.readouterr().err
    assert code(["runs", "--json"]) == 0
    assert sorted(row["path"] for row in json.loads(capsys.readouterr().out)) == ["runs/a", "runs/b"]
    (tmp_path / "runs" / "b" / "run.json").write_text("{")
    assert code(["show", "runs/b"]) == 2
    assert "delete it" in capsys.readouterr().err
    assert code(["runs", "--delete", "runs/b"]) == 0
    assert not (tmp_path / "runs" / "b").exists()
