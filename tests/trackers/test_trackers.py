"""What trackers are told of a run, and that their failures lose nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from tracked_run import HOSTILE, tracked_run

from eyetest.__main__ import code
from eyetest.errors import TrackerError, UnknownName, UserError
from eyetest.store import RunDir
from eyetest.trackers import find_trackers, track, trackers
from eyetest.trackers.base import LONGEST_NAME, LONGEST_VALUE, Told, Tracker, told


class Broken(Tracker):
    library = "json"

    def log(self, told: Told) -> str:
        raise OSError("the server is away")


class Kept(Tracker):
    library = "json"
    seen: list[Told] = []  # noqa: RUF012

    def log(self, told: Told) -> str:
        self.seen.append(told)
        return told.name


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> type[Kept]:
    known = {"broken": Broken, "kept": Kept}
    monkeypatch.setattr(type(trackers), "names", lambda self: sorted(known))
    monkeypatch.setattr(type(trackers), "get", lambda self, name: known[name])
    Kept.seen.clear()
    return Kept


def test_our_trackers_are_known() -> None:
    assert trackers.names() == ["mlflow", "tensorboard", "wandb"]
    for name in trackers.names():
        assert trackers.get(name).library == name
    with pytest.raises(UnknownName, match="Did you mean 'mlflow'"):
        find_trackers(["mlflo"])


def test_a_run_is_told_with_intervals_settings_and_curves(tmp_path: Path) -> None:
    found = told(tracked_run(tmp_path / "net"), "group")
    assert (found.name, found.group) == ("net", "group")
    assert [found.metrics[f"ACC001.accuracy{end}"] for end in ("", ".low", ".high")] == [0.91, 0.9, 0.92]
    assert found.params["seed"] == "0"
    assert found.params["data.fingerprint"] == "f0"
    assert found.params["config.recipes.0.epochs"] == "2"
    assert found.params["config.checks"] == "ACC001, CAL001"
    assert found.curves["validation_accuracy"] == ((1, 0.5), (2, 0.6))
    assert found.headlines["ACC001"] == "What ACC001 says."
    assert [file.name for file in found.files] == ["report.html", "ACC001.json"]


def test_names_are_plain_different_and_short(tmp_path: Path) -> None:
    found = told(tracked_run(tmp_path / "net"), "group")
    odd = [name for name in found.metrics if name.startswith("ACC001.accuracy_")]
    assert len(odd) == 9
    assert "ACC001.accuracy_a_b_" in odd
    assert "ACC001.accuracy_a_b__2" in odd
    for name in odd:
        assert not set(name) & set("[]<>\"'|\n\x1b\x00@`")
        assert len(name) <= LONGEST_NAME + len("_2.high")
    assert found.params["config.note"] == HOSTILE[:LONGEST_VALUE]


def test_a_missing_library_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'eyetest\[trackers\]'"):
        find_trackers(["wandb"])
    command = ["train", "--data", "planted", "--tracker", "mlflow", "--out", str(tmp_path / "out")]
    assert code(command) == 2
    assert not (tmp_path / "out").exists()
    assert "needs the library mlflow" in capsys.readouterr().err


def test_a_study_is_told_run_by_run(tmp_path: Path, fakes: type[Kept]) -> None:
    for name in ("plain", "better"):
        tracked_run(tmp_path / "study" / name)
    study = tracked_run(tmp_path / "study" / "all")
    changes = {"kind": "study", "children": ("../plain", "../better")}
    study.write_record(study.record.model_copy(update=changes))
    track(study, Kept())
    assert [(one.name, one.group) for one in fakes.seen] == [("plain", "all"), ("better", "all"), ("all", "all")]


def test_a_tracker_that_fails_loses_nothing(tmp_path: Path, fakes: type[Kept], capsys) -> None:
    run = tracked_run(tmp_path / "net")
    with pytest.raises(TrackerError, match="the server is away"):
        track(run, Broken())
    assert code(["report", str(run.path), "--tracker", "broken", "--tracker", "kept"]) == 3
    said = capsys.readouterr()
    assert f"eyetest track {run.path} --tracker broken" in said.err
    assert "tracked: net" in said.out
    assert [one.name for one in fakes.seen] == ["net"]
    assert RunDir.open(run.path).record.status == "complete"
    assert code(["track", str(run.path), "--tracker", "kept"]) == 0
    assert code(["track", str(run.path)]) == 2


def test_a_training_is_told_when_it_is_done(tmp_path: Path, fakes: type[Kept], capsys) -> None:
    small = ["--set", "epochs=1", "width=4", "blocks=1", "--quiet", "--json", "--out", str(tmp_path / "net")]
    assert code(["train", "--data", "planted", *small, "--tracker", "broken", "kept"]) == 3
    assert fakes.seen[0].curves["train_loss"][0][0] == 1
    assert capsys.readouterr().out.startswith("{")
    assert RunDir.open(tmp_path / "net").record.status == "complete"


def test_reading_commands_import_no_tracker_and_no_torch(tmp_path: Path) -> None:
    run = tracked_run(tmp_path / "net")
    script = (
        "import sys; from eyetest.__main__ import code; done = code(sys.argv[1:]); "
        "sys.exit(99 if {'torch', 'mlflow', 'tensorboard', 'wandb'} & set(sys.modules) else done)"
    )
    for command in (["show", str(run.path)], ["track", str(run.path), "--tracker", "nothing"]):
        done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, check=False)
        assert done.returncode == (0 if command[0] == "show" else 2)
