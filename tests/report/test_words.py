"""The words of the page for what the checks name by keys."""

from __future__ import annotations

import pytest

from eyetest.checks import checks
from eyetest.checks._cue import CueCheck
from eyetest.report.words import TAKEN, cell, minus, taken

CUES = {name: kind for name in checks.names() if issubclass(kind := checks.get(name), CueCheck)}
REMOVALS = {view.key: view for kind in CUES.values() for view in [one.view for one in kind().removals()]}


def test_every_removal_of_a_check_has_words_of_its_own() -> None:
    assert set(TAKEN) == set(REMOVALS)
    assert len(set(TAKEN.values())) == len(TAKEN)


@pytest.mark.parametrize(
    ("view", "words"),
    [("patch_shuffle-8", "layout of tiles"), ("hide_centre", "centre"), ("own_view-2", "own view")],
)
def test_parameters_are_left_out_and_other_views_keep_their_name(view: str, words: str) -> None:
    assert taken(view) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("by -0.15 points (-0.43 to -.1)", "by −0.15 points (−0.43 to −.1)"),
        ("r=-1", "r=−1"),
        ("test-12, 2019-2020, --seed 3, a - b, x(-y)", "test-12, 2019-2020, --seed 3, a - b, x(-y)"),
    ],
)
def test_a_number_below_0_has_a_minus_sign_and_nothing_else(text: str, shown: str) -> None:
    assert minus(text) == shown


def test_cells_have_minus_signs_where_they_are_numbers() -> None:
    assert [cell(-1.5), cell(-2000), cell("test-12"), cell(None)] == ["−1.500", "−2,000", "test-12", "–"]
