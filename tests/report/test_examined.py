"""The page of the exam, from scores as they are written."""

from __future__ import annotations

import pytest

from eyetest.report.examined import findings, write_exam

RATE = {"k": 19, "n": 20, "value": 0.95, "low": 0.75, "high": 0.99, "method": "Clopper–Pearson"}
NONE = {"k": 0, "n": 0, "value": None, "low": None, "high": None, "method": "Clopper–Pearson"}
SILENT = RATE | {"k": 0, "value": 0.0, "low": 0.0, "high": 0.17}
POINT = {
    "model": "<b>m", "cue": "colour", "operator": "colour", "target": [0.3, 0.28, 0.32], "used": [0.3, 0.28, 0.32],
    "measured": [0.31, 0.29, 0.33], "detected": True, "alone": True,
}  # fmt: skip
MAP = {
    "kind": "patch", "method": "grad_cam", "stamps": {"trust": 2, "cannot tell": 1, "do not trust": 0}, "reasons": [],
    "mass": [0.5, 0.4, 0.6], "mass_dot": [0.1, 0.1, 0.2], "hit": [0.5, 0.4, 0.6], "hit_dot": [0.1, 0.1, 0.2],
}  # fmt: skip
COVERED = {
    "held": 190, "audits": 200, "low": 0.91, "high": 0.98, "mean": 0.2, "true_deviation": 0.01, "mean_half_width": 0.02
}  # fmt: skip


@pytest.fixture
def scores():
    return {
        "models": 30, "quick": False, "seed": 0, "passed": True, "slope": 1.0, "intercept": 0.001, "correlation": 0.99,
        "rates": {
            "sensitivity": RATE, "false_alarm_rate": SILENT, "table_held": RATE,
            "alarms_where_planted_and_not_used": NONE,
        },
        "smallest_detected": 0.12,
        "operators": {"colour": {"sensitivity": RATE, "false_alarms_clean": SILENT, "false_alarms_other_cue": NONE}},
        "table": {"clean": {"colour": 0.0}, "colour": {"colour": 1.0}},
        "points": [POINT], "fixes": {"fix": RATE, "no_fix": RATE, "no_fix_without_change": SILENT, "rows": []},
        "coverage": {"colour": COVERED}, "maps": [MAP], "trusted_maps_above_the_dot": True, "trusted_controls": 0,
    }  # fmt: skip


def test_the_exam_is_a_page_with_its_verdict_picture_and_tables(scores, tmp_path):
    text = write_exam(scores, "<svg></svg>", tmp_path / "report.html").read_text(encoding="utf-8")
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
        ({"coverage": {"colour": COVERED | {"held": 150}}}, "EXM006"),
    ],
)
def test_a_missed_target_is_a_concern(scores, change, code):
    assert [one.code for one in findings(scores | change) if one.status == "concern"] == [code]


def test_the_quick_exam_has_no_coverage(scores):
    codes = [one.code for one in findings(scores | {"coverage": {}, "slope": None, "correlation": None})]
    assert "EXM006" not in codes
