"""LAB001 on made-up predictions: flipped labels come first, doubt alone is no label error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from eyetest import confident_learning as learning
from eyetest import stats
from eyetest.calibrated import Temperature
from eyetest.checks.label_errors import LabelErrors
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, OutOfSample, Predict, from_mapping
from eyetest.types import Predictions

CLASSES = ("ant", "bee", "cat", "dog")
CONTEXT = Context(CLASSES, "made up", "fingerprint", 0, out_of_sample="4 models by a recipe")


def drawn(
    n: int, seed: int, split: str = "test", *, k: int = 4, sharp: float = 4.0, stated: float = 1.0
) -> Predictions:
    """Labels drawn from softmax of the logits, which are then multiplied by `stated`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, sharp, (n, k))
    labels = learning.drawn_labels(Temperature(1.0, 1.0, 1.0, False).apply(logits), random, 1)[0]
    return Predictions(split, np.arange(n, dtype=np.int64), labels, (stated * logits).astype(np.float32))


def flipped(whole: Predictions, count: int) -> tuple[Predictions, np.ndarray]:
    """The labels of the surest right answers, changed to the next class."""
    sure = np.flatnonzero(whole.correct)[np.argsort(-whole.confidence[whole.correct], kind="stable")][:count]
    labels = whole.labels.copy()
    labels[sure] = (labels[sure] + 1) % whole.logits.shape[1]
    return Predictions(whole.split, whole.rows, labels, whole.logits, whole.given), sure


def finding(test: Predictions, validation: Predictions | None = None, **others):
    check = LabelErrors()
    values = {Predict(): test} | ({Predict(split="validation"): validation} if validation is not None else {})
    if "train" in others:
        values |= {OutOfSample(): others["train"], OutOfSample("validation"): others["tuning"]}
    return check.run(from_mapping("test", CONTEXT, values, check.needs()))


def table(outcome, title: str):
    return next(block for block in outcome.finding.blocks if block.kind == "table" and title in block.title)


def test_flipped_labels_are_ranked_first_and_exceed_chance():
    test, wrong = flipped(drawn(1000, 0), 60)
    outcome = finding(test, drawn(1000, 1, "validation"))
    found = outcome.finding
    assert found.status == "inconclusive"
    ranked = table(outcome, "Labels of test")
    assert len(ranked.rows) == 300
    assert ranked.columns[0] == "image"
    assert {row[0] for row in ranked.rows[:60]} == {f"test-{row}" for row in wrong}
    assert [card.id for card in found.blocks[0].cards] == [row[0] for row in ranked.rows[:24]]
    assert found.params["test_p"] == pytest.approx(1 / 201)
    assert "more than the model's own doubt explains" in found.headline


def test_the_columns_give_the_estimates_again():
    outcome = finding(
        flipped(drawn(400, 0), 40)[0],
        drawn(400, 1, "validation"),
        train=drawn(500, 2, "train"),
        tuning=drawn(400, 3, "validation"),
    )
    assert [e.name for e in outcome.finding.estimates] == ["label_error_rate", "train.label_error_rate"]
    assert len(outcome.ids) == len(set(outcome.ids)) == 900
    for estimate in outcome.finding.estimates:
        columns = [outcome.columns[name] for name in estimate.columns]
        assert stats.STATISTICS[estimate.statistic](*columns) == pytest.approx(estimate.value)


def test_train_is_examined_only_with_models_that_did_not_see_it():
    test, validation = drawn(300, 0), drawn(300, 1, "validation")
    alone = finding(test, validation)
    note = next(block for block in alone.finding.blocks if block.kind == "note")
    assert "--cross-validate" in note.text
    assert "train" not in alone.finding.headline
    train, wrong = flipped(drawn(600, 2, "train"), 50)
    both = finding(test, validation, train=train, tuning=validation)
    assert both.finding.status == "concern"
    assert {row[0] for row in table(both, "Labels of train").rows[:50]} == {f"train-{row}" for row in wrong}
    assert both.finding.params["test_level"] == 0.0125
    note = next(block for block in both.finding.blocks if block.kind == "note")
    assert "4 models by a recipe" in note.text


def test_doubt_alone_is_reported_at_most_at_the_nominal_level():
    sets, check = 200, LabelErrors(draws=99)
    alarms = 0
    for seed in range(sets):
        values = {Predict(): drawn(150, 2 * seed), Predict(split="validation"): drawn(300, 2 * seed + 1, "validation")}
        alarms += check.run(from_mapping("test", CONTEXT, values, check.needs())).finding.status == "inconclusive"
    assert alarms <= scipy_stats.binom.ppf(0.999, sets, 0.025)


def test_a_boastful_model_is_cooled_by_its_validation_images():
    test, validation = (drawn(1000, seed, split, stated=5.0) for seed, split in ((0, "test"), (1, "validation")))
    cooled = finding(test, validation)
    assert cooled.finding.status == "ok"
    assert cooled.finding.params["test_temperature"] == pytest.approx(5, rel=0.15)
    hot = learning.chance(test.probabilities, np.random.default_rng(0))
    assert hot.p_value(int(learning.candidates(test.probabilities, test.labels).sum())) == 1 / 201


def test_pairs_are_counted_as_shares_of_the_given_label():
    test, _ = flipped(drawn(1000, 0), 60)
    rows = table(finding(test, drawn(1000, 1, "validation")), "by pair").rows
    name, count, _, share, low, high = rows[0]
    given = CLASSES.index(name.partition(" ")[0])
    assert (share, low, high) == pytest.approx(stats.wilson(count, int((test.labels == given).sum())))
    assert (
        sum(row[1] for row in rows)
        == learning.candidates(
            learning.temperature_of(drawn(1000, 1, "validation")).apply(test.log_probabilities), test.labels
        ).sum()
    )


def test_all_right_all_wrong_and_a_class_without_images():
    sure = np.full((60, 4), -8.0, dtype=np.float32)
    labels = np.arange(60, dtype=np.int64) % 3
    sure[np.arange(60), labels] = 8.0
    right = Predictions("test", np.arange(60, dtype=np.int64), labels, sure)
    validation = drawn(300, 1, "validation")
    assert finding(right, validation).finding.estimate("label_error_rate").value == 0
    wrong = Predictions("test", right.rows, (labels + 1) % 3, sure)
    assert finding(wrong, validation).finding.estimates[0].n == 60
    few = finding(Predictions("test", right.rows[:9], labels[:9], sure[:9]), validation).finding
    assert few.status == "inconclusive"
    assert "too few" in few.headline


def test_without_a_temperature_it_cannot_tell_but_ranks():
    test, _ = flipped(drawn(400, 0), 40)
    for validation in (
        None,
        Predictions("validation", np.arange(2), np.array([0, 1]), np.eye(4, dtype=np.float32)[:2]),
    ):
        outcome = finding(test, validation)
        assert outcome.finding.status == "inconclusive"
        assert outcome.finding.params["test_temperature"] == 1
        assert len(table(outcome, "Labels of test").rows) == 300


def test_probabilities_will_do_and_classes_will_not():
    test, validation = drawn(300, 0), drawn(300, 1, "validation")
    given = [Predictions(one.split, one.rows, one.labels, np.log(one.probabilities).astype(np.float32), "probabilities")
             for one in (test, validation)]  # fmt: skip
    assert finding(*given).finding.estimates[0].value == finding(test, validation).finding.estimates[0].value
    with pytest.raises(MissingEvidence, match="only the predicted classes"):
        finding(Predictions("test", test.rows, test.labels, test.logits, "classes"), validation)
