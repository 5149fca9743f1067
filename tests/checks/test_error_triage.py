"""FAIL002 on made-up evidence whose truth is planted: each defect has its bucket, and noise has no lift."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from eyetest import stats
from eyetest.checks import _triage as triage
from eyetest.checks._triage import NO, UNKNOWN, VERDICTS, YES, Results
from eyetest.checks.error_triage import ErrorTriage
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Embed, OutOfSample, Predict, Resemble, Vote, from_mapping
from eyetest.types import Features, HumanVotes, Lookalikes, Predictions

CLASSES = ("ant", "bee", "cat", "dog")
CONTEXT = Context(CLASSES, "made up", "fingerprint", 0, out_of_sample="4 models by a recipe")
EACH, RIGHT = 40, 2000
KINDS = ("duplicate", "label_error", "ambiguous", "outlier", "model_error")
WRONG = EACH * len(KINDS)
N = WRONG + RIGHT
LABELS = (np.arange(N) % 4).astype(np.int64)
ROWS = np.arange(N, dtype=np.int64)


def kind(name: str) -> slice:
    """The errors that this defect was planted in."""
    return slice(KINDS.index(name) * EACH, (KINDS.index(name) + 1) * EACH)


def answers(chosen: np.ndarray, labels: np.ndarray, split: str = "test", sure: float = 6.0) -> Predictions:
    logits = np.zeros((len(labels), 4), dtype=np.float32)
    logits[np.arange(len(labels)), chosen] = sure + np.random.default_rng(0).random(len(labels)).astype(np.float32)
    return Predictions(split, np.arange(len(labels), dtype=np.int64), labels, logits)


def planted() -> dict:
    """All evidence: 200 confident errors, 40 with each defect and 40 with none, and 2,000 right answers."""
    random = np.random.default_rng(1)
    wrong = (LABELS + 1) % 4
    said = np.where(ROWS < WRONG, wrong, LABELS)
    truth = LABELS.copy()
    truth[kind("label_error")] = wrong[kind("label_error")]
    votes = np.zeros((N, 4), dtype=np.int64)
    votes[ROWS, truth] = 50
    votes[kind("ambiguous")] = 0
    votes[ROWS[kind("ambiguous")], LABELS[kind("ambiguous")]] = 26
    votes[ROWS[kind("ambiguous")], wrong[kind("ambiguous")]] = 24
    twins = ROWS[kind("duplicate")]
    pairs = Lookalikes(
        twins,
        twins,
        np.zeros(EACH, dtype=np.int64),
        np.ones(EACH, dtype=bool),
        np.ones(EACH),
        np.array([N]),
        np.zeros(1),
    )
    near = lambda n: (random.normal(0, 0.1, (n, 16)) + np.eye(16)[0]).astype(np.float32)  # noqa: E731
    features = near(N)
    features[kind("outlier")] *= -1
    train_labels = (np.arange(1000) % 4).astype(np.int64)
    return {
        Predict(): answers(said, LABELS),
        Predict(split="validation"): answers(
            np.where(np.arange(400) < 40, 1, 0), np.zeros(400, dtype=np.int64), "validation"
        ),
        Predict(split="train"): answers(train_labels, train_labels, "train"),
        Embed(): Features("test", ROWS, features),
        Embed("validation"): Features("validation", np.arange(400), near(400)),
        Embed("train"): Features("train", np.arange(1000), near(1000)),
        OutOfSample("test"): answers(truth, LABELS),
        Vote(): HumanVotes("test", ROWS, votes),
        Resemble(): pairs,
    }


def run(values: dict, check: ErrorTriage | None = None):
    check = check or ErrorTriage()
    return check.run(from_mapping("test", CONTEXT, values, check.needs()))


def without(*needs) -> dict:
    return {need: value for need, value in planted().items() if need not in needs}


def rows_of(outcome) -> dict[str, tuple]:
    table = next(b for b in outcome.finding.blocks if b.kind == "table" and b.title.startswith("Every error"))
    assert table.columns[0] == "image"
    return {row[0]: row for row in table.rows}


def buckets(outcome) -> dict[str, set[str]]:
    """By planted kind: the verdicts that its errors got."""
    known = [verdict for verdict in VERDICTS if verdict in outcome.columns]
    verdict = np.array(known)[np.argmax([outcome.columns[one] for one in known], axis=0)]
    return {name: set(verdict[kind(name)].tolist()) for name in KINDS}


def shares(outcome) -> dict[str, float]:
    return {e.name: e.value for e in outcome.finding.estimates if e.name in VERDICTS}


def test_every_planted_defect_gets_its_verdict():
    outcome = run(planted())
    found = outcome.finding
    # One in twenty images is an outlier by the choice of the threshold, also among the model's own errors.
    assert np.mean(outcome.columns["model_error"][kind("model_error")]) >= 0.8
    assert buckets(outcome) | {"model_error": {"model_error"}} == {name: {name} for name in KINDS}
    assert found.estimate("label_error").value == 0.2
    assert found.estimate("label_error").low == pytest.approx(stats.wilson(40, 200).low)
    assert found.status == "concern"
    assert found.params["not_tested"] == ""
    assert sum(shares(outcome).values()) == pytest.approx(1)


def test_every_error_has_a_row_with_its_evidence():
    rows = rows_of(run(planted()))
    assert len(rows) == WRONG
    first = rows["test-0"]
    assert first[5] == "train-0 (ant)"
    label = rows[f"test-{kind('label_error').start}"]
    assert label[4] == "label probably wrong"
    assert label[6] == "bee 100%, ant 0%"
    assert label[7] == "bee 50 of 50"
    assert rows[f"test-{kind('ambiguous').start}"][7] == "ant 26, bee 24 of 50"
    far = rows[f"test-{kind('outlier').start}"][8]
    assert float(far.split()[0]) > 1


def test_galleries_stand_one_a_verdict_surest_first():
    outcome = run(planted(), ErrorTriage(shown=5))
    galleries = [block for block in outcome.finding.blocks if block.kind == "gallery"]
    assert [g.title.partition(",")[0] for g in galleries] == [
        "Shows what another image shows",
        "Label probably wrong",
        "Ambiguous for people",
        "Unlike the training images",
        "The model's own",
    ]
    for gallery in galleries:
        assert len(gallery.cards) == 5
        sure = [card.confidence for card in gallery.cards]
        assert sure == sorted(sure, reverse=True)


def test_the_columns_give_every_estimate_again():
    outcome = run(planted())
    for estimate in outcome.finding.estimates:
        columns = [outcome.columns[name] for name in estimate.columns]
        assert stats.STATISTICS[estimate.statistic](*columns) == pytest.approx(estimate.value)


def test_the_models_own_is_said_only_if_every_test_was_made():
    for need in (Vote(), Resemble(), Embed("train"), Embed()):
        found = run(without(need)).finding
        assert "model_error" not in {e.name for e in found.estimates}
        assert found.estimate("cannot_tell").value > 0.1
        assert "Not tested" in found.headline


def test_without_a_second_opinion_a_label_is_only_suspected():
    outcome = run(without(Vote(), OutOfSample("test"), Resemble(), Embed("train")))
    assert shares(outcome)["label_suspect"] == 1
    assert "label_error" not in shares(outcome)
    table = next(b for b in outcome.finding.blocks if b.kind == "table" and b.title.startswith("Verdicts"))
    assert [row[1] for row in table.rows] == [None, None, None, None, 200, None, 0]
    names = [e.name for e in outcome.finding.estimates]
    assert "accuracy_set_aside" not in names
    assert "accuracy_errors_set_aside" in names
    assert outcome.finding.status == "inconclusive"


def test_independent_evidence_stands_before_the_models_own_suspicion():
    outcome = run(without(Vote(), OutOfSample("test"), Resemble()))
    assert buckets(outcome)["outlier"] == {"outlier"}
    assert "label_suspect" in buckets(outcome)["label_error"]


def test_people_decide_about_the_label_and_the_second_opinion_where_they_were_not_asked():
    fooled = planted()
    fooled[OutOfSample("test")] = fooled[Predict()]  # the second opinion makes the same mistakes
    outcome = run(fooled)
    assert "model_error" in buckets(outcome)["model_error"]
    assert "label_error" not in buckets(outcome)["model_error"]
    assert buckets(run({need: one for need, one in fooled.items() if need != Vote()}))["ambiguous"] == {"label_error"}
    few = planted()
    few[Vote()] = HumanVotes("test", ROWS, few[Vote()].counts // 10)
    assert "ambiguous" not in shares(run(few))


def test_a_second_opinion_that_contradicts_no_more_than_chance_is_not_believed():
    unsure = without(Vote())
    random = np.random.default_rng(5)
    logits = random.normal(0, 1, (N, 4)).astype(np.float32)
    told = Predictions("test", ROWS, LABELS, logits)
    p = told.probabilities
    drawn = (random.random((N, 1)) > p.cumsum(1)[:, :-1]).sum(1)
    state, contradicted, chance = triage.second_opinion(Predictions("test", ROWS, drawn, logits))
    assert chance > 0.025
    assert contradicted.any()
    assert not (state == YES).any()
    assert set(state[contradicted].tolist()) == {UNKNOWN}
    assert run(unsure).finding.estimate("label_error").value > 0


def test_precedence():
    order = {
        (YES, YES, YES, YES, True): "duplicate",
        (NO, YES, YES, YES, True): "label_error",
        (NO, NO, YES, YES, True): "ambiguous",
        (NO, NO, NO, YES, True): "outlier",
        (NO, UNKNOWN, NO, NO, True): "label_suspect",
        (NO, UNKNOWN, UNKNOWN, YES, True): "outlier",
        (NO, NO, NO, NO, True): "model_error",
        (NO, UNKNOWN, NO, NO, False): "cannot_tell",
        (UNKNOWN, NO, NO, NO, False): "cannot_tell",
        (NO, NO, UNKNOWN, NO, False): "cannot_tell",
        (NO, NO, NO, UNKNOWN, False): "cannot_tell",
    }
    duplicate, label, ambiguous, outlier, suspect = (np.array(column) for column in zip(*order, strict=True))
    found = Results(duplicate, label, suspect, ambiguous, outlier).verdicts
    assert [VERDICTS[one] for one in found] == list(order.values())


def test_votes_of_the_known_answer():
    counts = np.array(
        [[25, 20, 5, 0, 0, 0, 0, 0, 0, 0], [0, 48, 2, 0, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    )
    found = triage.people(counts, np.zeros(3, dtype=np.int64), 10)
    share = counts[0] / 50
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    assert (entropy, entropy / math.log(10)) == pytest.approx((0.943348, 0.409691), abs=1e-6)
    assert stats.wilson(25, 50)[1:] == pytest.approx((0.36645, 0.63355), abs=1e-5)
    assert found.ambiguous.tolist() == [True, True, False]
    assert found.wrong.tolist() == [False, True, False]
    assert found.asked.tolist() == [True, True, False]
    slow = [stats.wilson(int(k), 50).low for k in (0, 1, 25, 50)]
    assert triage._wilson_low(np.array([0, 1, 25, 50]), np.full(4, 50)) == pytest.approx(slow)


def test_people_permuted_over_images_have_no_lift():
    values = planted()
    order = np.random.default_rng(2).permutation(N)
    counts = values[Vote()].counts
    relabelled = np.zeros_like(counts)
    for k in range(4):  # votes move with their image's label, so that agreement stays as it was
        relabelled[ROWS, (k + LABELS) % 4] = counts[order, (k + LABELS[order]) % 4]
    values[Vote()] = HumanVotes("test", ROWS, relabelled)
    del values[Resemble()]
    table = next(b for b in run(values).finding.blocks if b.kind == "table" and b.title.startswith("Verdicts"))
    readings = {row[0]: row[-1] for row in table.rows}
    assert readings["ambiguous for people"].startswith("noise")
    assert readings["label probably wrong"].startswith("noise")


def test_distance_to_the_kth_neighbour_of_the_known_answer():
    train, query = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 0.0]])
    assert triage.neighbour_distance(train, query, 1)[0] == pytest.approx(0)
    assert triage.neighbour_distance(train, query, 2)[0] == pytest.approx(math.sqrt(2))


def test_distances_agree_with_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    random = np.random.default_rng(0)
    train, query = random.normal(size=(200, 5)), random.normal(size=(700, 5))
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (train, query)]
    slow = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(unit[0]).kneighbors(unit[1])[0][:, 6]
    assert triage.neighbour_distance(train, query, 7) == pytest.approx(slow, abs=1e-3)


def test_held_out_images_of_the_same_source_are_outliers_as_often_as_chosen():
    random = np.random.default_rng(4)
    features = [Features(one, np.arange(2000), random.normal(size=(2000, 8)).astype(np.float32)) for one in "abc"]
    known = Predictions("test", np.arange(2000), np.zeros(2000, dtype=np.int64), np.zeros((2000, 2), dtype=np.float32))
    found = triage.distances(known, *features, 0.95)
    assert found.k == 2
    low, high = scipy_stats.betabinom.ppf([0.0005, 0.9995], 2000, 101, 1900)
    assert low <= (found.states == YES).sum() <= high
    assert (triage.distances(known, *features, 0.8).states == YES).sum() > (found.states == YES).sum()


def test_twins_outside_of_train_count_only_with_another_label():
    known = Predictions("test", np.arange(4), np.array([0, 1, 0, 0]), np.zeros((4, 2), dtype=np.float32))
    pairs = Lookalikes(
        np.array([0, 0, 1, 2, 9]), np.array([1, 2, 0, 5, 0]), np.array([2, 2, 2, 1, 0]),
        np.ones(5, dtype=bool), np.ones(5), np.array([4]), np.zeros(1),
    )  # fmt: skip
    assert triage.twins(known, pairs, {"test": known}).tolist() == [YES, YES, UNKNOWN, NO]


def test_lift_weighs_the_deciles_like_the_errors():
    decile = np.repeat([0, 1], 100)
    error, right = np.arange(200) % 100 < 10, np.arange(200) % 100 >= 10
    error[:5], right[:5] = False, True
    hit = (decile == 0) & right | (error & (decile == 1))
    found = triage.lift(hit, error, right, decile, 0.95)
    assert found.base == pytest.approx(1 / 3)
    assert found.difference.value == pytest.approx(10 / 15 - 1 / 3)
    assert triage.lift(hit, error, np.zeros(200, dtype=bool), decile, 0.95) is None


def test_noise_has_lift_at_most_at_the_nominal_level():
    random, sets = np.random.default_rng(0), 2000
    above = 0
    for _ in range(sets):
        decile, error = random.integers(0, 10, 400), random.random(400) < 0.15
        found = triage.lift(random.random(400) < 0.1, error, ~error, decile, 0.95)
        above += found.difference.low > 0
    assert above <= scipy_stats.binom.ppf(0.999, sets, 0.05)


def test_setting_aside_by_the_answer_flatters():
    values = planted()
    counts = values[Vote()].counts.copy()
    flipped = np.arange(WRONG, WRONG + 100)  # right answers to wrong labels
    counts[flipped] = np.roll(counts[flipped], 1, axis=1)
    values[Vote()] = HumanVotes("test", ROWS, counts)
    outcome = run(values)
    accuracy, honest, flattering = (
        outcome.finding.estimate(name).value for name in ("accuracy", "accuracy_set_aside", "accuracy_errors_set_aside")
    )
    assert accuracy == pytest.approx(2000 / 2200)
    assert honest == pytest.approx(1900 / (2200 - 140))
    assert flattering == pytest.approx(2000 / (2200 - 40))
    assert flattering > honest


def test_few_confident_errors_sort_all_and_conclude_nothing_of_few():
    values = planted()
    test = values[Predict()]
    values[Predict()] = replace(test, logits=test.logits / 20)
    assert run(values).finding.params["sorted"].startswith("all errors")
    labels = test.predicted.copy()
    labels[:5] = LABELS[:5]
    values[Predict()] = replace(test, labels=labels)
    few = run(values).finding
    assert few.status == "inconclusive"
    assert "Too few" in few.headline


def test_no_errors_all_errors_probabilities_and_classes():
    values = planted()
    test = values[Predict()]
    none = run(values | {Predict(): replace(test, labels=test.predicted)}).finding
    assert none.status == "inconclusive"
    assert "no error" in none.headline
    every = run(values | {Predict(): replace(test, labels=(test.predicted + 1) % 4)}).finding
    assert every.estimate("accuracy").value == 0
    rest = {need: one for need, one in values.items() if need == Predict()}
    assert set(shares(run(rest))) == {"label_suspect", "cannot_tell"}
    assert run(values | {Predict(): replace(test, given="probabilities")}).finding.status == "concern"
    with pytest.raises(MissingEvidence, match="only the predicted classes"):
        run(values | {Predict(): replace(test, given="classes")})
