"""Who sits the exam, how it is scored, and what the truth is, on made-up answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from eyetest.data.planted import CUES, PlantedSpec, _hue, planted
from eyetest.data.split import ArraySplit
from eyetest.exam.candidates import CHANCE, Candidate, candidates
from eyetest.exam.coverage import coverage, scored
from eyetest.exam.cues import OPERATOR, QUIET, detected, score
from eyetest.exam.truth import correct, planted_truth
from eyetest.models.classifier import Classifier
from eyetest.report.examined import picture
from eyetest.stats import Interval, clopper_pearson, tango
from eyetest.transplants.cell import Cell
from eyetest.validate import markdown, passed

OPERATORS = (
    "colour", "object_colour", "fine", "middle", "coarse", "patch_statistics", "background", "border", "centre",
    "object", "cell_0_0", "cell_0_3", "cell_3_0", "cell_3_3", "amplitude",
)  # fmt: skip

# candidates


def test_the_full_exam_has_the_models_that_the_design_names():
    found = candidates(quick=False)
    assert Counter(one.role for one in found) == {"clean": 72, "planted": 80}
    assert Counter(one.cues for one in found if one.paired) == {(cue,): 4 for cue in CUES}
    planted_ones = [one for one in found if one.role == "planted"]
    counts = Counter((one.cues, one.strength) for one in planted_ones)
    assert {key: n for key, n in counts.items() if len(key[0]) == 1} == {
        ((cue,), strength): 5 for cue in CUES for strength in (0.5, 0.8, 0.95)
    }
    assert {key: n for key, n in counts.items() if len(key[0]) > 1} == {(("background", "patch"), 0.8): 5}
    assert all(one.strength == CHANCE for one in found if one.role == "clean")
    assert len({one.name for one in found}) == len(found)


def test_the_quick_exam_has_five_clean_and_six_planted():
    assert Counter(one.role for one in candidates(quick=True)) == {"clean": 5, "planted": 6}


def test_another_seed_makes_other_models():
    first, second = ({one.spec for one in candidates(quick=False, seed=s)} for s in (0, 1000))
    assert not first & second


def test_a_fix_takes_the_information_away_and_keeps_the_objects():
    paired = Candidate("planted", ("patch",), 0.95, 7, paired=True)
    cured, seed = paired.seconds["fix"]
    assert (cured.cues, cured.strength, cured.seed, seed) == (("patch",), CHANCE, 7, 7)
    same, other = paired.seconds["no_fix"]
    assert same == paired.spec
    assert other != paired.seed
    assert not Candidate("planted", ("patch",), 0.95, 7).seconds


# score


MAPS = {"maps": [], "trusted_maps_above_the_dot": True, "trusted_controls": 0}


def answer(role="clean", cues=(), target=None, seed=0, **reliances):
    """Every operator at .00 ± .01, but for those that are given; truth ± .02."""
    found = dict.fromkeys(OPERATORS, 0.0) | reliances
    truth = {} if target is None else dict.fromkeys(cues, (target - 0.02, target + 0.02))
    return {
        "name": f"{role}-{'+'.join(cues)}-{seed}",
        "role": role,
        "cues": list(cues),
        "strength": 0.8,
        "seed": seed,
        "reliance": {name: [v, v - 0.01, v + 0.01] for name, v in found.items()},
        "truth": {c: {"used": [target, low, high], "target": [target, low, high]} for c, (low, high) in truth.items()},
        "pairs": {},
    }


def test_detection_is_simultaneous_over_the_operators():
    interval = (0.065, 0.054, 0.076)
    assert detected(interval, 1)
    assert not detected(interval, 15)
    assert not detected((0.065, 0.049, 0.081), 1)


def test_sensitivity_counts_users_only_and_the_rest_is_excluded_or_free():
    seen = [answer("planted", ("patch",), 0.3, k, cell_0_0=0.3) for k in range(3)]
    missed = answer("planted", ("patch",), 0.3, 3, cell_0_0=0.04)
    between = answer("planted", ("patch",), 0.08, 4, cell_0_0=0.2)
    unused = answer("planted", ("patch",), 0.0, 5, cell_0_0=0.2)
    scores = score([*seen, missed, between, unused])
    assert scores["sensitivity"] == 0.75
    rate = scores["rates"]["sensitivity"]
    assert (rate["k"], rate["n"]) == (3, 4)
    assert rate["low"] == pytest.approx(clopper_pearson(3, 4).low)
    assert scores["excluded"] == 1
    assert scores["operators"]["cell_0_0"]["sensitivity"]["n"] == 4
    assert scores["smallest_detected"] == pytest.approx(0.3)


def test_false_alarms_are_counted_where_nothing_may_react():
    scores = score([answer(seed=0), answer(seed=1, colour=0.2, coarse=0.5, cell_3_3=0.2)])
    assert (scores["rates"]["false_alarm_rate"]["k"], scores["rates"]["false_alarm_rate"]["n"]) == (
        2,
        2 * len(QUIET["none"]),
    )
    assert scores["operators"]["colour"]["false_alarms_clean"]["k"] == 1
    assert scores["operators"]["background"]["false_alarms_clean"]["k"] == 0
    assert scores["rates"]["table_held"]["k"] == 1


@pytest.mark.parametrize("cue", CUES)
def test_a_planted_cue_must_move_its_operator_and_leave_the_quiet_ones_alone(cue):
    good = answer("planted", (cue,), 0.4, **{OPERATOR[cue]: 0.4, "coarse": 0.4})
    assert score([good])["table_held"] == 1
    bad = answer("planted", (cue,), 0.4, **{OPERATOR[cue]: 0.4, QUIET[cue][0]: 0.2})
    scores = score([bad])
    assert scores["table_held"] == 0
    assert scores["operators"][QUIET[cue][0]]["false_alarms_other_cue"]["k"] == 1
    assert scores["rates"]["false_alarm_rate"]["n"] == 0
    assert score([answer("planted", (cue,), 0.4)])["table_held"] == 0
    assert scores["table"][cue][OPERATOR[cue]] == 1


def test_the_line_through_measured_and_true():
    targets = (0.0, 0.2, 0.5, 0.9)
    scores = score([answer("planted", ("colour",), t, k, colour=0.95 * t + 0.01) for k, t in enumerate(targets)])
    assert (scores["slope"], scores["intercept"], scores["correlation"]) == pytest.approx((0.95, 0.01, 1))
    assert score([answer("planted", ("colour",), 0.3)])["slope"] is None


def test_a_cast_that_the_model_uses_on_the_object_entitles_its_operator_to_react():
    one = answer("planted", ("colour",), 0.4, colour=0.4, object_colour=0.2)
    inside = {"used": [0.2, 0.18, 0.22], "target": [0.2, 0.18, 0.22]}
    used = one | {"truth": one["truth"] | {"colour_in_object": inside}}
    assert score([used])["table_held"] == 1
    unused = one | {
        "truth": one["truth"] | {"colour_in_object": {"used": [0.0, -0.01, 0.01], "target": [0.0, -0.01, 0.01]}}
    }
    assert score([unused])["table_held"] == 0


def test_a_fix_is_seen_below_minus_five_points_only():
    def paired(name, high, true):
        pair = {
            "difference": {"cell_0_0": [high - 0.1, high - 0.2, high]},
            "truth": {"patch": {"target": [true, 0, 0]}},
        }
        return answer("planted", ("patch",), 0.5, cell_0_0=0.5) | {"pairs": {name: pair}}

    pairs = [paired("fix", -0.06, 0), paired("fix", -0.04, 0), paired("no_fix", 0.01, 0.5), paired("no_fix", -0.3, 0.2)]
    fixes = score(pairs)["fixes"]
    assert fixes["fix"]["value"] == 0.5
    assert fixes["no_fix"]["value"] == 0.5
    assert (fixes["no_fix_without_change"]["k"], fixes["no_fix_without_change"]["n"]) == (0, 1)


def test_the_exam_is_passed_only_if_every_target_is_met():
    def exam(*more, factor=1.0):
        users = [
            answer("planted", (cue,), 0.2 + 0.1 * k, k, **{OPERATOR[cue]: factor * (0.2 + 0.1 * k)})
            for cue in CUES
            for k in range(4)
        ]
        return score([*(answer(seed=k) for k in range(5)), *users, *more]) | {"coverage": {}} | MAPS

    assert passed(exam())
    assert not passed(exam(factor=0.8))
    assert not passed(exam(answer(seed=9, colour=0.2)))
    assert not passed(exam(*(answer("planted", ("patch",), 0.5, 20 + k) for k in range(2))))
    assert not passed(score([answer()]) | {"coverage": {}} | MAPS)
    assert not passed(exam() | {"trusted_controls": 1})
    assert not passed(exam() | {"trusted_maps_above_the_dot": False})
    assert not passed(exam() | {"coverage": {"colour": {"held": 90, "audits": 100}}})
    assert "| sensitivity (users seen) | 20 of 20 (" in markdown(exam())
    assert picture(exam()).count("object colour") > 0


# truth


class ReadsThePatch(nn.Module):
    """Answers the class whose colour the corner has, and nothing else."""

    def forward(self, images):
        colours = torch.stack([torch.from_numpy(_hue(c / 6)).float() for c in range(6)])
        return -(images[:, :, :4, :4].mean((2, 3))[:, None] - colours).square().sum(2)


class AlwaysTheFirst(nn.Module):
    def forward(self, images):
        return images.new_tensor([1.0, 0, 0, 0, 0, 0]).repeat(len(images), 1)


DATA = planted(PlantedSpec(cues=("patch", "colour"), strength=0.7, train=1, validation=90, test=90))


def test_the_truth_of_a_model_that_reads_the_patch():
    data = planted(PlantedSpec(cues=("patch",), strength=0.7, train=1, validation=90, test=90))
    truth = planted_truth(Classifier(ReadsThePatch(), classes=data.classes), data, "patch")
    assert (truth.aligned, truth.conflicting, truth.n) == (1, 0, 90)
    assert truth.used == tango(0, 90, 0, 0)
    q = np.mean(data.validation.metadata["cue_patch"] == data.validation.labels)
    assert q != np.mean(data.test.metadata["cue_patch"] == data.test.labels)
    assert truth.target.value == pytest.approx(q - (1 - q) / 5)
    assert truth.target.low == pytest.approx(truth.used.low * truth.target.value)


def test_the_truth_of_a_model_that_reads_nothing():
    truth = planted_truth(Classifier(AlwaysTheFirst(), classes=DATA.classes), DATA, "colour")
    assert truth.aligned == truth.conflicting == pytest.approx(1 / 6)
    assert truth.used.value == truth.target.value == 0


def test_right_answers_are_counted_image_by_image():
    images = DATA.test.arranged("aligned", "colour").images(DATA.test.rows)
    found = correct(Classifier(ReadsThePatch(), classes=DATA.classes), images, DATA.test.labels)
    assert (found == (DATA.test.metadata["cue_patch"] == DATA.test.labels)).mean() > 0.95  # a cast lies on the rest


def test_the_truth_of_data_that_is_not_planted_is_not_known():
    other = ArraySplit("test", DATA.test.labels, DATA.test.source, np.empty(0))
    with pytest.raises(TypeError, match="not planted"):
        planted_truth(
            Classifier(AlwaysTheFirst(), classes=DATA.classes),
            replace(DATA, splits={**DATA.splits, "test": other}),
            "patch",
        )


def test_inside_the_object_the_truth_leaves_the_rest_of_the_image_alone():
    truth = planted_truth(Classifier(ReadsThePatch(), classes=DATA.classes), DATA, "colour", in_object=True)
    assert truth.used.value == 0  # the patch lies outside of every object
    whole = planted_truth(Classifier(ReadsThePatch(), classes=DATA.classes), DATA, "patch")
    assert whole.used.value > 0.9


# coverage


def test_intervals_that_hold_are_counted():
    found = scored(
        [Interval(0.1, 0.0, 0.2), Interval(0.3, 0.25, 0.35), Interval(0.2, 0.15, 0.25), Interval(0.2, 0.1, 0.3)]
    )
    assert (found["held"], found["audits"], found["mean"]) == (3, 4, pytest.approx(0.2))
    assert found["true_deviation"] == pytest.approx(np.std([0.1, 0.3, 0.2, 0.2], ddof=1))


def test_each_audit_sees_other_images():
    data = planted(PlantedSpec(cues=("patch",), strength=0.7, train=1, validation=480, test=480))
    classifier = Classifier(ReadsThePatch(), classes=data.classes)
    found = coverage(classifier, data, [Cell(0, 0), Cell(3, 3)], audits=5, seed=0)
    assert found["cell_0_0"]["true_deviation"] > 0
    assert found["cell_0_0"]["mean"] > 0.2
    assert (found["cell_3_3"]["mean"], found["cell_3_3"]["held"]) == (0, 5)
