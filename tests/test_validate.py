"""What `eyetest validate` leaves in its folder, without sitting the exam."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hand_made import exam_scores

from eyetest import validate as exam
from eyetest.__main__ import code


def test_report_writes_the_page_of_validate_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = exam_scores()
    del scores["record"]
    monkeypatch.setattr(exam, "candidates", lambda **_: [])
    monkeypatch.setattr(exam.maps, "map_candidates", lambda **_: [])
    monkeypatch.setattr(exam.cues, "score", lambda _: scores)
    monkeypatch.setattr(exam.maps, "score", lambda _: {})
    out = tmp_path / "exam"
    assert code(["validate", "--quick", "--seed", "7", "--out", str(out), "--quiet"]) == 0
    written = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    assert (written["record"]["kind"], written["record"]["seed"], written["record"]["config"]) == (
        "validate", 7, {"quick": True},
    )  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == [
        "models", "report.html", "validation.json", "validation.md", "validation.svg",
    ]  # fmt: skip
    page = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    capsys.readouterr()
    assert code(["report", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out / "report.html")
    assert (out / "report.html").read_bytes() == page
