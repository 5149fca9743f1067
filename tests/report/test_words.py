"""The words of the page for what the checks name by keys."""

from __future__ import annotations

import pytest

from eyetest.checks import checks
from eyetest.checks._cue import CueCheck
from eyetest.report.words import TAKEN, taken

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
