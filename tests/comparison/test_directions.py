"""Which confusions came and which went, and the images behind that."""

from __future__ import annotations

import numpy as np
import pytest
from compared_sides import CHECKS, CLASSES, answering, labels, side

from eyetest import stats
from eyetest.comparison import compare_findings
from eyetest.comparison.directions import LEAST, directions
from eyetest.records import DataRecord, Gallery, ModelRecord, RunRecord, Table
from eyetest.report.render import Section, render

EVIL = ('<script>alert("ant")</script>', "نملة'\"", "🐈" + "x" * 200)


def taken(pair: tuple[int, int], count: int, start: int = 0) -> np.ndarray:
    """Right answers, but for `count` images of the first class that are taken for the second."""
    answers = labels().copy()
    own = np.flatnonzero(answers == pair[0])[start : start + count]
    answers[own] = pair[1]
    return answers


def compared(a, b, classes=CLASSES):
    return {one.finding.code: one.finding for one in compare_findings(a, b, classes=classes)}


def test_one_came_and_another_went():
    finding = compared(answering("first", taken((0, 1), 30)), answering("second", taken((1, 2), 40)))["CMP002"]
    assert finding.status == "concern"
    assert "came: bee → cat (0 → 40 images); went: ant → bee (30 → 0 images)" in finding.headline
    table = finding.blocks[0]
    assert isinstance(table, Table)
    assert [(row[0], row[1], row[2], row[-1]) for row in table.rows] == [
        ("bee → cat", 0, 40, "came"),
        ("ant → bee", 30, 0, "went"),
    ]
    estimate, size = finding.estimate("taken[bee → cat]"), int((labels() == 1).sum())
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(stats.tango(0, 40, 0, size - 40))
    assert estimate.n == size


def test_p_is_adjusted_over_the_directions_that_are_shown():
    a, b = side("a", 0.5, CHECKS), side("b", 0.8, CHECKS, noise=3)
    found = directions(a, b, CLASSES)
    assert len(found) == 6
    assert [one.judge.adjusted for one in found] == pytest.approx(list(stats.holm([one.judge.p for one in found])))
    own = a.predictions.labels == CLASSES.index(found[0].name[:3])
    answer = CLASSES.index(found[0].name[-3:])
    before, after = ((one.predictions.predicted == answer)[own] for one in (a, b))
    only = int((before & ~after).sum()), int((after & ~before).sum())
    assert found[0].judge.p == stats.mcnemar(*only)[1]


def test_going_alone_is_ok_and_the_same_model_moves_nothing():
    first = answering("first", taken((0, 1), 30))
    gone = compared(first, answering("second", labels()))["CMP002"]
    assert (gone.status, "went: ant → bee" in gone.headline) == ("ok", True)
    same = compared(first, first)["CMP002"]
    assert same.status == "inconclusive"
    assert "cannot be told" in same.headline
    assert "came:" not in same.headline


def test_too_few_errors_are_not_tested():
    a, b = answering("first", taken((0, 1), LEAST - 1)), answering("second", labels())
    assert directions(a, b, CLASSES) == []
    finding = compared(a, b)["CMP002"]
    assert finding.status == "not_applicable"
    assert "no direction can be told" in finding.headline


def test_fixed_broken_and_still_wrong_are_shown_with_their_counts():
    first, second = taken((0, 1), 30), taken((0, 2), 20, start=20)
    finding = compared(answering("first", first), answering("second", second))["CMP090"]
    galleries = [block for block in finding.blocks if isinstance(block, Gallery)]
    assert [(one.total, {card.group for card in one.cards}) for one in galleries] == [
        (20, {"fixed"}),
        (10, {"broken"}),
        (10, {"still wrong"}),
    ]
    assert all(len(one.cards) <= 12 for one in galleries)
    still = galleries[2].cards[0]
    assert (still.truth, still.predicted, still.other_predicted) == ("ant", "bee", "cat")
    assert "newly right on 20 and newly wrong on 10 of 500 test images; on 10 both are wrong" in finding.headline
    assert "Error consistency" in finding.headline


def test_hostile_names_are_text_on_the_page(tmp_path):
    a, b = answering(EVIL[0], taken((0, 1), 30)), answering(EVIL[1], taken((1, 2), 40))
    findings = tuple(compared(a, b, EVIL).values())
    data = DataRecord(name="d", title="d", fingerprint="f", classes=EVIL, images={"test": 500})
    models = tuple(ModelRecord(name=one.name, fingerprint="f", parameters=0, source="s") for one in (a, b))
    record = RunRecord(
        kind="compare", status="complete", id="1", command="c", created="2026-01-01T00:00:00Z", seed=0, data=data,
        models=models, device="cpu", versions={},
    )  # fmt: skip
    render("t", record, [Section("c", EVIL[0], record, findings, tmp_path)], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "Newly broken, the surest mistake of" in page
