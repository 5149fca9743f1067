"""Auditing answers that were given elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import eyetest as et
from eyetest.__main__ import code
from eyetest.data.base import Dataset
from eyetest.errors import DataError, RunError
from eyetest.store import RunDir


def answers(data: Dataset, seed: int, strength: float = 2.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(len(data.test), len(data.classes))).astype(np.float32)
    logits[data.test.rows, data.test.labels] += strength
    return logits


def audited(data: Dataset, tmp_path: Path, name: str, **arrays: np.ndarray) -> RunDir:
    np.savez(tmp_path / f"{name}.npz", **arrays)
    return et.audit_predictions(tmp_path / f"{name}.npz", data, out=tmp_path / f"run-{name}")


def test_every_check_answers_or_says_what_is_missing(tiny: Dataset, tmp_path: Path) -> None:
    logits = answers(tiny, 0)
    run = audited(tiny, tmp_path, "mine", logits=logits)
    assert run.record.status == "complete"
    assert run.record.models[0].name == "mine"
    assert len(run.record.models[0].fingerprint) == 16
    assert run["ACC001"].estimate("accuracy").value == (logits.argmax(1) == tiny.test.labels).mean()
    assert {run[c].status for c in ("ACC001", "ACC002", "CAL001", "FAIL001")} <= {"ok", "concern", "inconclusive"}
    for one in ("CUE001", "CUE003", "CUE005", "FAIL003", "FIT001"):
        assert run[one].status == "not_applicable"
        assert "audit the model itself" in run[one].headline
    assert not [finding.code for finding in run.findings.values() if finding.status == "error"]
    page = run.report().read_text(encoding="utf-8")
    assert "FAIL001" in page
    assert "parameters)" not in page
    cards = [card for block in run["FAIL001"].blocks if block.kind == "gallery" for card in block.cards]
    assert cards
    assert all((run.path / card.image).is_file() for card in cards)


def test_a_subset_is_said_in_n(tiny: Dataset, tmp_path: Path) -> None:
    run = audited(tiny, tmp_path, "some", logits=answers(tiny, 0)[10:50], ids=np.arange(10, 50))
    assert run["ACC001"].estimate("accuracy").n == 40
    with pytest.raises(RunError, match="different images"):
        et.compare(run, audited(tiny, tmp_path, "all", logits=answers(tiny, 0)), out=tmp_path / "c")


def test_two_files_are_compared_and_one_against_itself_differs_in_nothing(tiny: Dataset, tmp_path: Path) -> None:
    good, bad = (audited(tiny, tmp_path, n, logits=answers(tiny, 0, s)) for n, s in (("good", 4.0), ("bad", 0.5)))
    found = et.compare(bad, good, out=tmp_path / "c", data=tiny)
    assert found["CMP001"].status == "ok"
    assert found["CMP012"].status == "not_applicable"
    same = et.compare(good, good, out=tmp_path / "same")
    assert all(one.value == 0 for finding in same.findings.values() for one in finding.estimates)


def test_bare_classes_are_audited_compared_and_drawn(tiny: Dataset, tmp_path: Path) -> None:
    first, second = (audited(tiny, tmp_path, f"m{k}", predicted=answers(tiny, k).argmax(1)) for k in (0, 1))
    assert first["ACC001"].status == "ok"
    assert first["CAL001"].status == first["FAIL001"].status == "not_applicable"
    assert "only the predicted classes were given" in first["CAL001"].headline
    found = et.compare(first, second, out=tmp_path / "c", data=tiny)
    cards = [card for block in found["CMP090"].blocks if block.kind == "gallery" for card in block.cards]
    assert cards
    assert {card.confidence for card in cards} == {None}
    assert "None" not in found.report().read_text(encoding="utf-8")


def test_scores_of_probabilities_are_those_of_logits(tiny: Dataset, tmp_path: Path) -> None:
    logits = answers(tiny, 0)
    wide = np.exp(logits.astype(float))
    both = [
        audited(tiny, tmp_path, "logits", logits=logits),
        audited(tiny, tmp_path, "p", probabilities=wide / wide.sum(1, keepdims=True)),
    ]
    for name in ("ece", "nll", "brier"):
        values = [run["CAL001"].estimate(name).value for run in both]
        assert values[0] == pytest.approx(values[1], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--data planted", "Neither a model nor predictions"),
        ("runs/x --predictions p.csv --data planted", "one of both was expected"),
        ("--predictions p.csv --data planted --budget 5m", "saved predictions need none"),
        ("--predictions p.csv --data planted --plan", "saved predictions need none"),
        ("--predictions none.csv --data planted", "There is no file none.csv"),
        ("--predictions p.csv --data planted", "p.csv holds"),
        ("--predictions p.csv --data planted --group patient", "no column 'patient'"),
    ],
)
def test_a_mistake_is_one_paragraph_and_writes_nothing(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("score\n1\n")
    assert code(["audit", *arguments.split()]) == 2
    assert says in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["p.csv"]


def test_the_command_prints_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = et.load_data("planted")
    np.savez("model.npz", logits=answers(data, 0))
    command = [
        "audit",
        "--predictions",
        "model.npz",
        "--data",
        "planted",
        "--checks",
        "accuracy",
        "colour_cue",
        "--json",
    ]
    assert code([*command, "--quiet", "--out", "run"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["status"] for one in found] == ["ok", "not_applicable"]


def test_a_file_about_one_group_only_is_refused(tmp_path: Path) -> None:
    from tests.data.test_groups import grouped_folder

    data = et.load_data(grouped_folder(tmp_path / "p"), group="patient")
    one = np.flatnonzero(data.groups("test") == 0)
    np.savez(tmp_path / "a.npz", predicted=np.zeros(len(one), dtype=int), ids=one)
    with pytest.raises(DataError, match="one patient only"):
        et.audit_predictions(tmp_path / "a.npz", data, out=tmp_path / "run")
