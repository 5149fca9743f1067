"""More than two models: each against a reference, and all pairs from resamples that are drawn once a model."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from compared_sides import CHECKS, CLASSES, answering, labels, side

from eyetest import stats
from eyetest.comparison import compare_findings, compare_with_reference, pairwise
from eyetest.comparison.many import PAIRED
from eyetest.errors import RunError
from eyetest.records import Table


@pytest.fixture(scope="module")
def sides():
    return [
        side(name, right, CHECKS, noise=k) for k, (name, right) in enumerate({"a": 1.0, "b": 2.0, "c": 0.3}.items())
    ]


@pytest.fixture(scope="module")
def found(sides):
    return {one.finding.code: one.finding for one in compare_with_reference(sides)}


def test_pairs_are_exactly_the_comparisons_of_two_runs(sides):
    pairs = pairwise(sides)
    assert len(pairs) == 3 * len(PAIRED)
    for i, j in combinations(range(3), 2):
        compared = {one.finding.code: one.finding for one in compare_findings(sides[i], sides[j], classes=CLASSES)}
        of_code = {"ACC001": "CMP001", "CAL001": "CMP007", "CAL002": "CMP008", "FAIL001": "CMP004"}
        own = [one for one in pairs if (one.first, one.second) == (i, j)]
        for one in own:
            assert compared[of_code[one.code]].estimate(one.difference.estimate.name) == one.difference.estimate
        assert {(one.code, one.difference.estimate.name) for one in own} == set(PAIRED)
    adjusted = stats.holm([one.difference.p for one in pairs])
    assert [one.judge.adjusted for one in pairs] == pytest.approx(list(adjusted))


def test_each_model_is_resampled_once(sides, monkeypatch):
    asked = []
    monkeypatch.setattr(stats, "resampled", lambda *a, **k: asked.append(a) or np.random.default_rng(0).random(1000))
    pairwise(sides, (("CAL002", "augrc"), ("CAL002", "aurc")))
    assert len(asked) == 2 * len(sides)


def test_each_model_stands_against_the_reference_with_one_correction(sides, found):
    main = found["CMP001"]
    assert main.status == "concern"
    assert main.headline.startswith("Against a (accuracy ")
    assert "better: b (+" in main.headline
    assert "worse: c (−" in main.headline
    one = {one.finding.code: one.finding for one in compare_findings(sides[0], sides[1], classes=CLASSES)}["CMP001"]
    alone, here = one.estimate("accuracy"), main.estimate("accuracy[b]")
    assert (here.value, here.low, here.high) == (alone.value, alone.low, alone.high)
    table = main.blocks[0]
    assert isinstance(table, Table)
    assert [(row[0], row[-1]) for row in table.rows] == [("a", "reference"), ("b", "better"), ("c", "worse")]
    told = [code for code in ("CMP001", "CMP004", "CMP007", "CMP008") if found[code].status != "not_applicable"]
    assert main.params["family"] == 2 * len(told) == 8
    assert found["CMP012"].status == "not_applicable"
    images = found["CMP090"].blocks[0]
    assert isinstance(images, Table)
    fixed = (sides[1].predictions.correct & ~sides[0].predictions.correct).sum()
    assert images.rows[0][:2] == ("b", fixed)
    assert found["CMP090"].status == "concern"
    assert {one.name for one in found["CMP090"].estimates} == {"error_consistency[b]", "error_consistency[c]"}


def test_equal_models_are_told_from_nothing(sides):
    same = [sides[0], replace(sides[0], name="again"), replace(sides[0], name="twice")]
    for one in compare_with_reference(same):
        assert "better" not in one.finding.headline
        assert "worse" not in one.finding.headline
        assert one.finding.status in ("inconclusive", "ok", "not_applicable")


def test_what_does_not_survive_is_named_and_not_told():
    truth = labels()
    answers = [truth.copy() for _ in range(3)]
    for answer, wrong in zip(answers, (20, 14, 20), strict=True):
        answer[20 - wrong : 20] = (truth[20 - wrong : 20] + 1) % 3
    # a errs on 20 images, of which b has 6 right: mid-p 1/64, and in a family of two 2/64; of 4 with a fourth model 4/64
    a, b, c = (answering(name, answer) for name, answer in zip("abc", answers, strict=True))
    two = compare_with_reference([a, b, c])[0].finding
    assert two.params["family"] == 2
    assert "better: b" in two.headline
    four = compare_with_reference([a, b, c, replace(c, name="d"), replace(c, name="e")])[0].finding
    assert four.status == "inconclusive"
    assert "Of b the difference alone leaves out 0, but does not survive the correction." in four.headline


def test_a_model_without_the_number_is_shown_without_one(sides):
    bare = replace(sides[2], findings={"ACC001": sides[2].findings["ACC001"]})
    found = {one.finding.code: one.finding for one in compare_with_reference([*sides[:2], bare])}
    table = found["CMP008"].blocks[0]
    assert isinstance(table, Table)
    assert table.rows[2] == ("c", *[None] * 6, "no number")
    with pytest.raises(RunError, match=r"c has no number CAL001\.ece"):
        pairwise([*sides[:2], bare])


def test_other_images_and_other_groups_are_refused(sides):
    with pytest.raises(RunError, match="a and c were audited on different images"):
        compare_with_reference([*sides[:2], replace(sides[2], fingerprint="other")])
    ids = sides[0].predictions.ids
    first, second = ({one: str(k // size) for k, one in enumerate(ids)} for size in (2, 5))
    grouped = [sides[0], replace(sides[1], groups=first), replace(sides[2], groups=second)]
    with pytest.raises(RunError, match="other groups"):
        pairwise(grouped)
