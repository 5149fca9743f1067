"""Causes on made-up experiments whose answer is known, and on models that do not look at the cue."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from eyetest import stats
from eyetest.checks.error_causes import CUES, ErrorCauses
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Explain, Predict, Probe, Select, from_mapping
from eyetest.types import MapSet, Predictions, Probes

CLASSES = ("ant", "bee", "cat", "dog")
CONTEXT = Context(CLASSES, "made up", "fingerprint", 0)
KEYS = tuple(cue.key for cue in CUES)
DRAWS = 8


def predictions(n: int, wrong: int) -> Predictions:
    """Label 0; the first `wrong` images are answered 1, all with 2 as the third best."""
    logits = np.tile(np.array([3.0, 2.0, 1.0, 0.0], dtype=np.float32), (n, 1))
    logits[:wrong] = [2.0, 3.0, 1.0, 0.0]
    return Predictions("test", np.arange(n, dtype=np.int64), np.zeros(n, dtype=np.int64), logits)


def experiment(rows, won: np.ndarray, answer: int, contender: int, arms=("predicted", "third")) -> Probes:
    """`won` c a n: draws of each cue, arm and image in which the contender was answered, the first ones."""
    n, a = len(rows), len(arms)
    answers = np.where(np.arange(DRAWS)[:, None] < won[:, :, None, :], contender, answer)
    lent = {"predicted": answer, "third": 3, "contender": contender}
    classes = np.broadcast_to(np.array([lent[arm] for arm in arms])[:, None, None], (a, DRAWS, n)).copy()
    return Probes(
        np.asarray(rows, dtype=np.int64),
        np.full(n, answer, dtype=np.int64),
        np.full(n, contender, dtype=np.int64),
        arms,
        np.arange(a * DRAWS * n, dtype=np.int64).reshape(a, DRAWS, n),
        classes,
        KEYS,
        answers.astype(np.int64),
        np.full(answers.shape, 0.7, dtype=np.float32),
        0,
    )


def wins(n: int, third: int = 0, cue: int = 0, images: int = 0, arms: int = 2) -> np.ndarray:
    """In the first `images` images, the third arm of one cue wins `third` times; nothing else ever wins."""
    found = np.zeros((len(KEYS), arms, n), dtype=np.int64)
    found[cue, 1, :images] = third
    return found


def finding(errors: Probes, matches: Probes, surest: Probes | None = None, maps=None):
    check = ErrorCauses()
    sampled, matched, confident = check._probes()
    values = {Predict(): predictions(40, 20), sampled: errors, matched: matches}
    values[confident] = surest or experiment(range(20), wins(20, arms=3), 1, 0, confident.arms)
    values |= maps or {}
    return check.run(from_mapping("test", CONTEXT, values, check.needs()))


def test_a_cue_that_gives_the_right_answer_back_is_the_cause():
    errors = experiment(range(20), wins(20, third=8, cue=3, images=5), 1, 0)
    outcome = finding(errors, experiment(range(20, 40), wins(20), 0, 1))
    found = outcome.finding
    assert found.estimate("explained").value == 0.25
    assert found.estimate(f"explained[{KEYS[3]}]").value == 0.25
    assert found.estimate(f"explained[{KEYS[0]}]").value == 0
    assert found.estimate("base_rate").value == 0
    assert found.estimate("excess").low == pytest.approx(stats.newcombe(5, 20, 0, 20).low)
    assert found.status == "inconclusive"
    assert "25.0% of 20 sampled errors" in found.headline
    assert found.limits


def test_the_columns_give_every_estimate_again():
    errors = experiment(range(20), wins(20, third=8, images=5), 1, 0)
    outcome = finding(errors, experiment(range(20, 40), wins(20, third=8, images=2), 0, 1))
    for estimate in outcome.finding.estimates:
        columns = [outcome.columns[name] for name in estimate.columns]
        assert stats.STATISTICS[estimate.statistic](*columns) == pytest.approx(estimate.value)
    assert all(len(column) == 40 for column in outcome.columns.values())


@pytest.mark.parametrize(
    ("third", "kept", "cause"), [(6, 0, True), (5, 0, False), (7, 1, True), (6, 1, False), (8, 8, False)]
)
def test_it_must_come_back_often_and_oftener(third, kept, cause):
    won = wins(20, third=third, images=20)
    won[0, 0] = kept
    found = finding(experiment(range(20), won, 1, 0), experiment(range(20, 40), wins(20), 0, 1)).finding
    assert found.estimate("explained").value == float(cause)


@pytest.mark.parametrize(
    ("changed", "explained"), [({"least": 1.0}, 0.0), ({"level": 0.001}, 0.0), ({"least": 0.5}, 1.0), ({}, 1.0)]
)
def test_each_rule_has_its_parameter(changed, explained):
    tested = ErrorCauses(**changed).tested(experiment(range(20), wins(20, third=7, images=20), 1, 0))
    assert tested.causes.any(0).mean() == explained


def test_the_gallery_shows_the_clearest_cause_with_every_arm():
    won = wins(20, third=6, images=2, arms=3)
    won[4, 1, 1], won[0, 2, 1] = 8, 3
    arms = ("predicted", "third", "contender")
    row = np.array([1], dtype=np.int64)
    drawn = MapSet("test", row, row, np.full((1, 4, 4), 2.0, dtype=np.float32), np.array([0.8]))
    maps = {Explain("transplant_map", "predicted", Select.errors(64)): drawn}
    surest = experiment(range(20), won, 1, 0, arms)
    found = finding(experiment(range(20), wins(20), 1, 0), experiment(range(20, 40), wins(20), 0, 1), surest, maps)
    gallery = found.finding.blocks[0]
    assert gallery.total == 2
    assert [card.id for card in gallery.cards] == ["test-1", "test-0"]
    first = gallery.cards[0]
    assert [swap.donor_class for swap in first.swaps] == ["ant", "dog", "bee"]
    assert [swap.predicted for swap in first.swaps] == ["bee", "ant", "bee"]
    assert {swap.transplant for swap in first.swaps} == {KEYS[4]}
    assert "8 of 8 third-class donors" in first.note
    assert [picture.method for picture in first.maps] == ["transplant_map"]
    assert found.finding.params["median_map_reliability"] == 0.8


@pytest.mark.parametrize(
    ("images", "false", "status"), [(20, 0, "concern"), (0, 0, "inconclusive"), (20, 20, "inconclusive")]
)
def test_the_status_is_about_the_excess(images, false, status):
    errors = experiment(range(20), wins(20, third=8, images=images), 1, 0)
    matches = experiment(range(20, 40), wins(20, third=8, images=false), 0, 1)
    assert finding(errors, matches).finding.status == status


def test_many_images_without_excess_are_ok():
    check = ErrorCauses()
    sampled, matched, confident = check._probes()
    values = {
        Predict(): predictions(400, 200),
        sampled: experiment(range(200), wins(200), 1, 0),
        matched: experiment(range(200, 400), wins(200), 0, 1),
        confident: experiment(range(64), wins(64, arms=3), 1, 0, confident.arms),
    }
    assert check.run(from_mapping("test", CONTEXT, values, check.needs())).finding.status == "ok"


def test_without_right_answers_there_is_no_base_rate():
    none = experiment([], np.zeros((len(KEYS), 2, 0), dtype=np.int64), 0, 1)
    found = finding(experiment(range(20), wins(20), 1, 0), none).finding
    assert found.status == "inconclusive"
    assert "no right answers" in found.headline
    with pytest.raises(MissingEvidence, match="no wrong answer"):
        finding(none, none)


def test_two_classes_have_no_third():
    values = {Predict(): predictions(4, 2)}
    two = Context(("ant", "bee"), "made up", "fingerprint", 0)
    with pytest.raises(MissingEvidence, match="no third class"):
        ErrorCauses().run(from_mapping("test", two, values, ErrorCauses().needs()))


@pytest.mark.parametrize("chance", [0.3, 0.6, 0.75])
def test_a_model_that_ignores_the_donors_has_causes_at_most_at_the_nominal_level(chance):
    random, check, sets, n = np.random.default_rng(0), ErrorCauses(), 200, 64
    rates = []
    for _ in range(sets):
        won = random.binomial(DRAWS, chance, size=(len(KEYS), 2, n))
        rates.append(int(check.tested(experiment(range(n), won, 1, 0)).causes.any(0).sum()))
    assert sum(rates) <= scipy_stats.binom.ppf(0.999, sets * n, check.level)


def test_fisher_agrees_with_scipy():
    first, second = np.indices((9, 9))
    found = stats.fisher_greater(first, second, 8)
    slow = [
        [scipy_stats.fisher_exact([[i, 8 - i], [j, 8 - j]], alternative="greater").pvalue for j in range(9)]
        for i in range(9)
    ]
    assert np.allclose(found, slow)


def test_matched_right_answers_are_the_nearest_in_margin_and_none_is_taken_twice():
    random = np.random.default_rng(1)
    logits = random.normal(size=(200, 4)).astype(np.float32)
    labels = np.where(random.random(200) < 0.6, logits.argmax(1), random.integers(0, 4, 200)).astype(np.int64)
    known = Predictions("test", np.arange(200, dtype=np.int64), labels, logits)
    errors, matches = (select.rows(known, 3) for select in (Select.error_sample(20), Select.matched(20)))
    assert len(errors) == len(matches) == len(set(matches.tolist())) == 20
    assert not known.correct[errors].any()
    assert known.correct[matches].all()
    free = set(np.flatnonzero(known.correct).tolist())
    for error, match in zip(errors.tolist(), matches.tolist(), strict=True):
        assert match == min(free, key=lambda row: (abs(known.margin[row] - known.margin[error]), row))
        free.remove(match)
    assert Select.error_sample(10).rows(known, 3).tolist() == errors[:10].tolist()
    assert Select.error_sample(20).rows(known, 4).tolist() != errors.tolist()


def test_the_contender_is_the_label_or_the_runner_up():
    known = predictions(4, 2)
    assert known.contender.tolist() == [0, 0, 1, 1]
    assert known.margin.tolist() == [1, 1, 1, 1]


def test_probes_that_ask_for_other_things_are_other_needs():
    assert len(set(ErrorCauses()._probes())) == 3
    assert Probe(CUES, Select.errors(4)) != Probe(CUES[:2], Select.errors(4))
