"""A model card section: what any YAML reader takes from it, and that names of others stay text."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hand_made import add, begin, estimate

from eyetest.__main__ import code
from eyetest.errors import RunError, UnknownName, UserError
from eyetest.export.card import card, write_card
from eyetest.records import ModelRecord
from eyetest.store import RunDir

yaml = pytest.importorskip("yaml")
HOSTILE = (
    'a<script>alert("1")</script>: {b}\n- | @all [x](http://y) `*_~ # & \x1b[31m\x00 \u202eright אב 🐸 ' + "é" * 200
)


def audited(path: Path, name: str = "") -> RunDir:
    run = begin(path)
    add(run, "ACC001", estimate("accuracy", 0.91, 0.9, 0.92), estimate("accuracy[ant]", 0.5, 0.4, 0.6))
    add(run, "CAL001", estimate("ece", 0.1, 0, 0.2), estimate("ece_debiased", 0.000012, 0, 0.2), status="concern")
    add(run, "CUE001", status="not_applicable")
    add(run, "DAT001", estimate("accuracy", 0.91, 0.9, 0.92))
    if name:
        model = ModelRecord(name=name, fingerprint="x", parameters=1, source="")
        run.write_record(run.record.model_copy(update={"models": (model,)}))
    return run


def front(text: str) -> list[dict]:
    _, matter, _ = text.split("---\n", 2)
    return yaml.safe_load(matter)["model-index"]


def test_numbers_stand_in_the_index_with_their_interval_in_words(tmp_path: Path) -> None:
    (model,) = front(card(audited(tmp_path / "net")))
    (result,) = model["results"]
    assert model["name"] == "net"
    assert result["dataset"] == {"name": "pond animals", "type": "pond", "split": "test"}
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [
        ("accuracy", 0.91),
        ("ece_debiased", 0.000012),
    ]
    assert result["metrics"][0]["name"] == "ACC001: accuracy (95 % interval 0.9 to 0.92, n = 100)"


def test_the_body_has_headlines_limits_and_what_was_not_measured(tmp_path: Path) -> None:
    body = card(audited(tmp_path / "net"))
    assert "✔ What ACC001 says." in body
    assert "▲ concern: What CAL001 says." in body
    assert body.count("- Made by hand.") == 3
    assert "- CUE001 (CUE001): What CUE001 says." in body.split("#### Not measured")[1]


def test_names_of_others_are_text(tmp_path: Path) -> None:
    run = audited(tmp_path / "net", HOSTILE)
    add(run, "FAIL001", estimate(HOSTILE, 0.1, 0, 0.2))
    text = card(run)
    (model,) = front(text)
    assert model["name"] == "".join(one if one.isprintable() else " " for one in HOSTILE)
    body = text.split("---\n", 2)[2]
    assert not re.search(r"<|\]\(|@|`|\x1b|\x00|\u202e", body)
    assert {row.count("|") for row in body.splitlines() if row.startswith("|")} == {6}


def test_a_study_has_a_section_a_model_or_the_one_that_is_asked_for(tmp_path: Path) -> None:
    for name in ("plain", "better"):
        audited(tmp_path / "study" / name)
    study = begin(tmp_path / "study2", children=("../study/plain", "../study/better"))
    study.write_record(study.record.model_copy(update={"kind": "study", "models": ()}))
    assert [one["name"] for one in front(card(study))] == ["plain", "better"]
    assert [one["name"] for one in front(card(study, "better"))] == ["better"]
    with pytest.raises(UnknownName, match="Did you mean 'better'"):
        card(study, "beter")


def test_models_of_one_name_go_by_their_directories(tmp_path: Path) -> None:
    for name in ("net-0", "net-1"):
        audited(tmp_path / name, "net")
    study = begin(tmp_path / "study", children=("../net-0", "../net-1"))
    study.write_record(study.record.model_copy(update={"kind": "study", "models": ()}))
    assert [one["name"] for one in front(card(study))] == ["net-0", "net-1"]


def test_a_run_without_an_audit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="without an audited model"):
        card(begin(tmp_path / "empty"))


def test_an_older_file_stays(tmp_path: Path) -> None:
    run, out = audited(tmp_path / "net"), tmp_path / "README.md"
    write_card(run, out)
    assert out.read_text(encoding="utf-8") == card(run)
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="is there already"):
        write_card(run, out)
    assert out.read_text(encoding="utf-8") == "mine"


def test_the_command_prints_the_section(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = audited(tmp_path / "net")
    assert code(["card", str(run.path)]) == 0
    assert capsys.readouterr().out == card(run)
    assert code(["card", str(run.path), "--model", "nte"]) == 2


def test_a_card_needs_no_torch(tmp_path: Path) -> None:
    script = "import sys; from eyetest.__main__ import code; done = code(sys.argv[1:]); sys.exit(9 if 'torch' in sys.modules else done)"
    command = [sys.executable, "-c", script, "card", str(audited(tmp_path / "net").path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.extras
def test_hugging_face_reads_it(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(card(audited(tmp_path / "net"))).data
    assert [(one.metric_type, one.metric_value) for one in data.eval_results] == [
        ("accuracy", 0.91),
        ("ece_debiased", 0.000012),
    ]
    assert data.model_name == "net"
