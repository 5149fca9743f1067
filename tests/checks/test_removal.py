"""Removal effects on made-up answers whose effect is known."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import stats
from eyetest.checks._removal import TITLE, Removal, removal_evidence, removal_needs
from eyetest.checks.colour_cue import ColourCue
from eyetest.evidence import Context, Predict, Swap, from_mapping
from eyetest.transplants.colour import Colour
from eyetest.types import DonorTable, Predictions, Swaps
from eyetest.views.grayscale import Grayscale
from eyetest.views.high_pass import HighPass
from eyetest.views.low_pass import LowPass
from eyetest.views.luma_noise import LumaNoise
from eyetest.views.luma_shift import LumaShift
from eyetest.views.matched_low_pass import MatchedLowPass

CONTEXT = Context(("ant", "bee"), "made up", "fingerprint", 0)
COLOUR = Removal(Grayscale(), (LumaShift(), LumaNoise()))
COARSE = Removal(HighPass(), (MatchedLowPass(),))


def answers(right) -> Predictions:
    """All images are ants; a wrong answer is bee."""
    right = np.asarray(right, dtype=np.float32)
    logits = np.stack([right, 1 - right], 1)
    n = len(right)
    return Predictions("test", np.arange(n, dtype=np.int64), np.zeros(n, dtype=np.int64), logits)


def answered(one_right: int, other_right: int, both: int = 500, n: int = 1000):
    """Answers of which so many are right only in the first, only in the second, and in both."""
    first, second = np.zeros(n), np.zeros(n)
    first[: both + one_right] = 1
    second[:both] = 1
    second[both + one_right : both + one_right + other_right] = 1
    return first, second


def removed(removals, rights, rows=None):
    values = {Predict(view, swapped=True): answers(right) for view, right in rights.items()}
    rows = np.arange(1000, dtype=np.int64) if rows is None else rows
    return removal_evidence(from_mapping("test", CONTEXT, values, removal_needs(removals)), removals, rows)


def test_the_effect_is_the_paired_difference_with_the_interval_of_tango():
    control, without = answered(140, 20)
    found = removed([COARSE], {HighPass(): without, MatchedLowPass(): control})
    effect = found.estimates[0]
    assert effect.name == "high_pass.removal_effect"
    assert (effect.value, effect.low, effect.high) == pytest.approx((0.12, 0.09709, 0.14461), abs=1e-5)
    assert effect.n == 1000
    assert found.blocks[0].rows[0][-2:] == (pytest.approx(1.3e-23, rel=0.05), "costs more")


def test_with_two_controls_the_smaller_effect_is_shown_and_both_are_needed():
    strong, without = answered(140, 20)
    rights = {Grayscale(): without, LumaShift(): strong, LumaNoise(): without}
    found = removed([COLOUR], rights)
    assert found.estimates[0].value == 0
    assert {row[-1] for row in found.blocks[0].rows} == {"no difference seen"}
    rights[LumaNoise()] = 1 - strong
    opposite = removed([COLOUR], rights)
    assert opposite.estimates[0].value < 0
    assert {row[-2:] for row in opposite.blocks[0].rows} == {(1.0, "no difference seen")}
    rights[LumaNoise()] = strong
    assert {row[-1] for row in removed([COLOUR], rights).blocks[0].rows} == {"costs more"}


def test_the_estimate_is_the_named_statistic_of_its_columns():
    strong, without = answered(140, 20)
    weaker, _ = answered(60, 20)
    found = removed([COLOUR], {Grayscale(): without, LumaShift(): strong, LumaNoise(): weaker})
    effect = found.estimates[0]
    columns = [found.columns[name] for name in effect.columns]
    assert stats.STATISTICS[effect.statistic](*columns) == pytest.approx(effect.value)
    assert effect.value == pytest.approx((weaker - without).mean())


def test_a_control_that_is_the_intervention_has_no_effect():
    _, without = answered(140, 20)
    itself = Removal(HighPass(), (HighPass(),))
    effect = removed([itself], {HighPass(): without}).estimates[0]
    assert effect.value == 0
    assert effect.low < 0 < effect.high


def test_p_values_are_adjusted_over_the_removals_of_the_check():
    control, without = answered(30, 12)
    fine = Removal(LowPass(), (MatchedLowPass(LowPass()),))
    rights = {HighPass(): without, MatchedLowPass(): control, LowPass(): without, fine.controls[0]: control}
    alone = removed([COARSE], rights).blocks[0].rows[0][-2]
    assert [row[-2] for row in removed([COARSE, fine], rights).blocks[0].rows] == pytest.approx([2 * alone] * 2)


def test_what_was_not_asked_is_left_out_and_rows_are_those_of_the_swaps():
    control, without = answered(140, 20)
    rights = {HighPass(): without, MatchedLowPass(): control}
    assert [e.name for e in removed([COLOUR, COARSE], rights).estimates] == ["high_pass.removal_effect"]
    assert removed([COLOUR], rights).blocks == ()
    half = removed([COARSE], rights, np.arange(0, 1000, 2, dtype=np.int64))
    assert half.estimates[0].n == len(half.columns["right.high_pass"]) == 500


def colour_evidence(check, **rights):
    n, random = 60, np.random.default_rng(0)
    labels = np.arange(n, dtype=np.int64) % 2
    rows = np.arange(n, dtype=np.int64)
    logits = np.eye(2, dtype=np.float32)[labels]
    plain = Predictions("test", rows, labels, logits)
    classes = np.stack([labels, 1 - labels])[None]
    donors = random.integers(0, 40, (1, 2, n))
    swaps = Swaps(
        DonorTable(rows, donors, classes, 0), labels, np.tile(logits, (1, 2, 1, 1)), np.ones((1, 2, n), np.float32)
    )
    views = {"grayscale": Grayscale(), "luma_shift": LumaShift(), "luma_noise": LumaNoise()}
    values = {Predict(): plain, Swap(Colour()): swaps}
    values |= {
        Predict(views[key], swapped=True): Predictions(
            "test", rows, labels, logits if right else logits[:, ::-1].copy()
        )
        for key, right in rights.items()
    }
    return from_mapping("colour_cue", CONTEXT, values, check.needs())


def test_removals_are_shown_last_and_move_neither_status_nor_headline():
    check = ColourCue()
    without = check.run(colour_evidence(check)).finding
    outcome = check.run(colour_evidence(check, grayscale=False, luma_shift=True, luma_noise=True))
    finding = outcome.finding
    assert (finding.status, finding.headline) == (without.status, without.headline)
    assert finding.blocks[:-1] == without.blocks
    assert finding.blocks[-1].title == TITLE
    assert finding.estimate("grayscale.removal_effect").value == 1
    assert set(finding.estimate("grayscale.removal_effect").columns) <= set(outcome.columns)
    assert len(finding.limits) > len(without.limits)


def test_a_check_without_removal_asks_for_none():
    needs = set(ColourCue(removal=False).needs())
    assert Predict() in needs
    assert not any(isinstance(need, Predict) and need.swapped for need in needs)
    assert sum(isinstance(need, Predict) and need.swapped for need in ColourCue().needs()) == 3
