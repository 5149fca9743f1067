"""Runs that are compared: two, many against a reference, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_made import begin, rated

import eyetest as et
from eyetest.__main__ import code
from eyetest.errors import RunError, UserError
from eyetest.store import RunDir
from eyetest.types import Predictions

N = 400


def audited(path: Path, wrong: range, fingerprint: str = "f0") -> RunDir:
    """An audit of a model that errs on these images."""
    run, labels = begin(path, fingerprint=fingerprint), np.arange(N) % 2
    right = ~np.isin(np.arange(N), wrong)
    logits = 3 * np.eye(2)[np.where(right, labels, 1 - labels)]
    run.write_predictions("identity", Predictions("test", np.arange(N), labels, logits.astype(np.float32)))
    data = run.record.data.model_copy(update={"images": {"test": N}})
    run.write_record(run.record.model_copy(update={"data": data}))
    rated(run, "ACC001", "accuracy", right.astype(float))
    return run


@pytest.fixture
def runs(tmp_path: Path) -> list[RunDir]:
    kinds = {"base": range(80), "good": range(20), "bad": range(160), "like": range(2, 82)}
    return [audited(tmp_path / name, wrong) for name, wrong in kinds.items()]


def test_many_runs_are_one_run_against_the_first(runs, tmp_path):
    run = et.compare(*runs, out=tmp_path / "c")
    assert run.record.kind == "compare"
    assert [child.path.name for child in run.children] == ["base", "good", "bad", "like"]
    main = run["CMP001"]
    assert main.headline == (
        "Against base (accuracy 80.0%), better: good (+15.0 points (+11.8 to +18.8), n = 400); "
        "worse: bad (−20.0 points (−24.2 to −16.4), n = 400); cannot be told: like."
    )
    assert main.status == "concern"
    assert main.params["family"] == 3
    page = run.report().read_text(encoding="utf-8")
    assert "good, bad, like against base" in page
    assert "cannot tell" in page


def test_the_command_takes_a_reference(runs, tmp_path, capsys):
    paths = [str(run.path) for run in runs]
    assert code(["compare", *paths[1:], "--reference", paths[0], "--out", str(tmp_path / "c")]) == 0
    assert "better: good" in " ".join(capsys.readouterr().out.split())
    assert code(["compare", *paths, "--reference", paths[2], "--out", str(tmp_path / "d")]) == 0
    assert "Against bad (accuracy 60.0%), better: " in RunDir.open(tmp_path / "d")["CMP001"].headline
    assert code(["compare", paths[1], "--reference", paths[0], "--out", str(tmp_path / "e")]) == 0
    assert RunDir.open(tmp_path / "e")["CMP001"].headline.startswith("good is better than base")


def test_models_of_one_name_are_told_apart_by_their_directories(runs, tmp_path):
    (tmp_path / "x").mkdir()
    again = audited(tmp_path / "x" / "good", range(40))
    found = et.compare(runs[0], runs[1], again, out=tmp_path / "c")["CMP001"]
    assert {one.name for one in found.estimates} == {
        f"accuracy[good ({run.path.as_posix()})]" for run in (runs[1], again)
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "0 runs to compare: at least two audits of the same images, or one study"),
        (["base"], "1 run to compare: at least two audits"),
        (["base", "base"], "was given twice"),
        (["base", "good", "./base"], "was given twice"),
    ],
)
def test_too_few_runs_and_the_same_run_twice_are_refused(runs, tmp_path, arguments, says, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert code(["compare", *arguments, "--out", "c"]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "c").exists()


def test_other_data_and_the_same_run_twice_are_refused_in_python_too(runs, tmp_path):
    other = audited(tmp_path / "other", range(3), "f1")
    with pytest.raises(RunError, match=r"base and other were audited on different images \(data f0 and f1\)"):
        et.compare(runs[0], runs[1], other, out=tmp_path / "c")
    with pytest.raises(UserError, match="given twice"):
        et.compare(runs[0], runs[1], runs[0], out=tmp_path / "c")
