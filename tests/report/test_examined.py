"""The page of the exam, from scores as they are written."""

from __future__ import annotations

import json
import re

import pytest
from hand_made import exam_scores

from eyetest.errors import RunError
from eyetest.report.examined import findings, is_exam, rewrite_exam, write_exam
from eyetest.report.options import PageOptions


@pytest.fixture
def scores():
    return exam_scores()


@pytest.fixture
def folder(scores, tmp_path):
    """What `eyetest validate` leaves, without its page."""
    (tmp_path / "exam").mkdir()
    (tmp_path / "exam" / "validation.json").write_text(json.dumps(scores), encoding="utf-8")
    return tmp_path / "exam"


def test_the_exam_is_a_page_with_its_verdict_picture_and_tables(scores, tmp_path):
    text = write_exam(scores, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The audit passed in the exam of 30 models." in text
    assert "Saw the cue in 19 of 20 (75.0% to 99.0%) models" in text
    assert text.count("data:image/svg+xml") == 1
    for title in ("Operators", "Share of models in which an operator reacted", "Coverage", "Where the maps point"):
        assert title in text
    assert "&lt;b&gt;m" in text


def test_all_of_a_good_exam_is_ok(scores):
    assert {one.status for one in findings(scores)} == {"ok"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"passed": False}, "EXM000"),
        ({"slope": 0.5}, "EXM003"),
        ({"trusted_controls": 1}, "EXM007"),
        ({"coverage": {"colour": exam_scores()["coverage"]["colour"] | {"held": 150}}}, "EXM006"),
    ],
)
def test_a_missed_target_is_a_concern(scores, change, code):
    assert [one.code for one in findings(scores | change) if one.status == "concern"] == [code]


def test_the_quick_exam_has_no_coverage(scores):
    codes = [one.code for one in findings(scores | {"coverage": {}, "slope": None, "correlation": None})]
    assert "EXM006" not in codes


def test_the_page_is_written_again_as_it_was(scores, folder, tmp_path):
    first = write_exam(scores, tmp_path / "exam" / "first.html").read_bytes()
    assert is_exam(folder)
    assert rewrite_exam(folder) == folder / "report.html"
    assert (folder / "report.html").read_bytes() == first
    page = rewrite_exam(folder, tmp_path / "p.html", PageOptions("dark")).read_text(encoding="utf-8")
    assert 'data-theme="dark"' in page
    for part in ("id", "created", "command"):
        assert scores["record"][part] in page


def test_an_exam_that_does_not_say_when_it_was_made_is_not_told_as_if_made_now(scores, folder):
    del scores["record"]
    (folder / "validation.json").write_text(json.dumps(scores), encoding="utf-8")
    (folder / "report.html").write_text("old", encoding="utf-8")
    with pytest.raises(RunError, match="does not say when") as told:
        rewrite_exam(folder)
    assert f"Open {folder / 'report.html'}, or give `eyetest validate --out {folder}` again" in str(told.value)
    assert (folder / "report.html").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("text", ["{", "[]", '{"record": {}}', '{"record": {"schema_version": 99}}'])
def test_scores_that_cannot_be_read_are_refused(folder, text):
    (folder / "validation.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=re.escape(str(folder / "validation.json"))) as told:
        rewrite_exam(folder)
    assert f"Give `eyetest validate --out {folder}` again" in str(told.value)
    assert not (folder / "report.html").exists()


def test_an_unfinished_exam_is_told_how_to_go_on(tmp_path):
    (tmp_path / "models").mkdir()
    for name in ("a", "b"):
        (tmp_path / "models" / f"{name}.json").write_text("{}", encoding="utf-8")
    assert is_exam(tmp_path)
    with pytest.raises(RunError, match=rf"not ended \(2 answers.*eyetest validate --out {re.escape(str(tmp_path))}"):
        rewrite_exam(tmp_path)


def test_other_folders_are_no_exams(folder, tmp_path):
    assert not is_exam(tmp_path)
    (folder / "run.json").write_text("{}", encoding="utf-8")
    assert not is_exam(folder)
