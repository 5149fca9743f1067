"""CAL002 on made-up answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eyetest import stats
from eyetest.checks.selective_risk import SelectiveRisk, sureness
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.types import Predictions

CLASSES = ("ant", "bee", "cat")


def answers(logits, labels, given="logits") -> Predictions:
    rows = np.arange(len(labels), dtype=np.int64)
    return Predictions("test", rows, np.asarray(labels, dtype=np.int64), np.asarray(logits, dtype=np.float32), given)


def some(n: int = 400, seed: int = 0, given: str = "logits", useful: bool = True) -> Predictions:
    """Answers that are right as often as they say, or a third of the time whatever they say."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(n, 3))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (random.random((n, 1)) > p.cumsum(1)).sum(1).clip(max=2) if useful else random.integers(0, 3, n)
    return answers(logits, labels, given)


def run(predictions: Predictions, groups=None):
    context = Context(CLASSES, "made up", "fingerprint", 0, groups)
    return SelectiveRisk().run(from_mapping("test", context, {Predict(): predictions}))


def scores(finding) -> list[str]:
    return [row[0] for row in finding.blocks[3].rows]


def test_estimates_are_their_statistics_of_the_columns():
    predictions = some()
    outcome = run(predictions)
    for one in outcome.finding.estimates:
        read = [outcome.columns[name] for name in one.columns]
        assert one.value == pytest.approx(stats.STATISTICS[one.statistic](*read))
        assert one.low <= one.value <= one.high
    assert outcome.finding.estimate("auroc").value == pytest.approx(
        roc_auc_score(predictions.correct, predictions.confidence)
    )
    assert {"aurc", "e_aurc", "augrc", "error_rate_at_80"} <= {one.name for one in outcome.finding.estimates}


def test_the_headline_says_what_abstaining_buys():
    finding = run(some()).finding
    before, after = finding.estimate("error_rate"), finding.estimate("error_rate_at_80")
    assert finding.status == "ok"
    assert f"least sure 20 %, errors fall from {before.value:.1%} to {after.value:.1%}" in finding.headline


def test_a_confidence_that_says_nothing_is_a_concern_and_no_fall_is_claimed():
    finding = run(some(4000, useful=False)).finding
    assert finding.status == "concern"
    assert "not seen to help" in finding.headline


def test_saturated_probabilities_are_still_told_apart():
    predictions = answers([[50.0, 0, 0], [60, 0, 0], [70, 0, -20]], [0, 0, 0])
    assert len(set(predictions.confidence)) == 1
    assert (np.diff(sureness(predictions)) > 0).all()
    certain = answers([[0.0, -np.inf, -np.inf]], [0], "probabilities")
    assert np.isfinite(sureness(certain)).all()


def test_sureness_ranks_as_the_probability_does():
    predictions = some()
    assert (np.argsort(sureness(predictions)) == np.argsort(predictions.confidence)).all()


def test_scores_of_logits_need_logits():
    assert {"energy", "largest logit"} <= set(scores(run(some()).finding))
    assert scores(run(some(given="probabilities")).finding) == [
        "probability of the answer",
        "negative entropy",
        "margin of probabilities",
    ]
    with pytest.raises(MissingEvidence, match="only the predicted classes"):
        run(some(given="classes"))


def test_errors_kept_with_the_right_answers():
    predictions = some(2000)
    row = run(predictions).finding.blocks[3].rows[0]
    confidence, right = predictions.confidence, predictions.correct
    threshold = np.sort(confidence[right])[int(0.05 * (right.sum() - 1))]
    assert row[4] == pytest.approx((confidence[~right] >= threshold).mean())


@pytest.mark.parametrize(("label", "said"), [(0, "No error"), (1, "No right answer")])
def test_without_errors_or_without_right_answers_there_is_nothing_to_tell_apart(label, said):
    finding = run(answers([[2.0, 0, 0]] * 40, [label] * 40)).finding
    assert finding.status == "inconclusive"
    assert said in finding.headline
    assert [one.name for one in finding.estimates] == ["error_rate"]
    assert finding.estimate("error_rate").high > finding.estimate("error_rate").low


def test_few_errors_have_the_wilson_interval_and_a_warning():
    logits = np.zeros((300, 3))
    logits[:, 0] = np.linspace(9, 1, 300)
    finding = run(answers(logits, [0] * 295 + [1] * 5)).finding
    surest = finding.estimate("error_rate_at_50")
    assert surest.value == 0
    assert (surest.low, surest.high) == pytest.approx(stats.wilson(0, 150)[1:])
    assert "few errors" in finding.estimate("aurc").method


def test_few_images_conclude_nothing():
    assert run(some(25)).finding.status == "inconclusive"


def test_images_of_one_group_are_resampled_together():
    predictions = some(300)
    plain = run(predictions).finding.estimate("augrc")
    groups = np.arange(300) // 60
    grouped = run(predictions, groups).finding.estimate("augrc")
    assert grouped.value == plain.value
    assert "5 groups" in grouped.method
    assert (grouped.low, grouped.high) != (plain.low, plain.high)


def test_one_error_only():
    finding = run(answers([[2.0 + k / 50, 0, 0] for k in range(50)], [0] * 49 + [2])).finding
    assert finding.estimate("auroc").value == 0
    assert finding.blocks[3].rows[0][2] is None
