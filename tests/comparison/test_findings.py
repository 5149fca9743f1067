"""What a comparison of two makes of the estimates of accuracy and selective risk, and of many differences at once."""

from __future__ import annotations

import numpy as np
import pytest
from compared_sides import ANSWERS, CHECKS, CLASSES, answering, labels, side
from scipy import stats as distributions

from eyetest import comparison, stats
from eyetest.comparison.family import judged
from eyetest.records import Table


def compared(a: comparison.Side, b: comparison.Side):
    return {one.finding.code: one.finding for one in comparison.compare_findings(a, b, classes=CLASSES)}


def table(finding) -> Table:
    return next(block for block in finding.blocks if isinstance(block, Table))


def test_accuracy_per_class_is_paired_without_resampling():
    a, b = side("first", 1.0), side("second", 2.0)
    found = compared(a, b)["CMP001"].estimate("accuracy[bee]")
    own = a.predictions.labels == 1
    first, second = a.predictions.correct[own], b.predictions.correct[own]
    counts = [int(part.sum()) for part in (first & second, second & ~first, first & ~second, ~first & ~second)]
    assert (found.value, found.low, found.high) == pytest.approx(stats.tango(*counts))
    assert found.n == own.sum()


def test_selective_risk_is_compared_by_augrc():
    finding = compared(side("first", 1.0), side("second", 2.5))["CMP008"]
    assert finding.status == "ok"
    assert "second is better than first: average risk of silent failures (AUGRC)" in finding.headline
    assert {"augrc", "aurc", "error_rate_at_80", "auroc"} <= {one.name for one in finding.estimates}


def test_a_model_against_itself_shows_no_difference():
    finding = compared(side("same", 1.5), side("same", 1.5))["CMP008"]
    assert {(one.value, one.low, one.high) for one in finding.estimates if one.name[:10] != "error_rate"} == {(0, 0, 0)}
    assert {row[6:8] for row in table(finding).rows} == {("1", "1")}


def test_main_differences_are_one_family_and_all_others_a_second_one():
    found = compared(side("first", 1.0, CHECKS), side("second", 1.2, CHECKS, noise=5))
    main = {code: one.params["p"] for code, one in found.items() if "p" in one.params and code != "CMP090"}
    assert set(main) == {"CMP001", "CMP002", "CMP004", "CMP007", "CMP008"}
    adjusted = stats.holm(list(main.values()))
    assert [found[code].params["p_adjusted"] for code in main] == pytest.approx(list(adjusted))
    assert found["CMP090"].params["p_adjusted"] == found["CMP001"].params["p_adjusted"]  # one question, counted once
    rows = [row for code in ("CMP001", "CMP004", "CMP007", "CMP008") for row in table(found[code]).rows]
    families = [row[8] for row in rows]
    assert families.count(5) == 4
    assert set(families) == {5, len(rows) - 4}
    assert f"The {len(rows) - 4} other differences are a second family" in " ".join(found["CMP001"].limits)


def few_better(discordant: int) -> np.ndarray:
    """Answers that are wrong on 20 images, of which the first `discordant` are right instead."""
    truth = labels()
    answers = truth.copy()
    answers[discordant:20] = (truth[discordant:20] + 1) % 3
    return answers


def test_what_does_not_survive_the_correction_is_inconclusive_and_says_so():
    first, second = (answering(name, few_better(count), CHECKS) for name, count in (("first", 0), ("second", 6)))
    finding = compared(first, second)["CMP001"]
    # 6 to 0 discordant images: mid-p 2 / 64 - 1 / 64, which alone is below .05 and with four others is not.
    assert finding.params["p_mid"] == finding.params["p"] == pytest.approx(1 / 64)
    assert finding.estimate("accuracy").low > 0
    assert finding.params["family"] == 5
    assert finding.params["p_adjusted"] == pytest.approx(5 / 64)
    assert finding.status == "inconclusive"
    assert "does not survive the correction for 5 differences (adjusted p = 0.078)" in finding.headline
    clear = compared(first, answering("second", few_better(20), CHECKS))["CMP001"]
    assert (clear.status, "second is better than first" in clear.headline) == ("ok", True)


def test_a_family_of_one_is_not_corrected():
    assert judged({"a": 0.03})["a"].adjusted == 0.03
    assert judged({}) == {}


@pytest.mark.slow
def test_false_alarms_over_all_conclusions_stay_below_five_percent():
    alarms, rounds = 0, 150
    for number in range(rounds):
        pair = [side(name, 1.0, ANSWERS, noise=2 * number + k) for k, name in enumerate("ab")]
        found = compared(*pair)
        alarms += any(found[code].status in ("ok", "concern") for code in ("CMP001", "CMP002"))
    assert alarms <= distributions.binom.ppf(0.999, rounds, 0.05)


def test_a_resampled_difference_has_the_p_of_its_spread():
    a, b = side("first", 1.0), side("second", 1.1, noise=3)
    name = "augrc"
    read = [[one.scores["CAL002"][1][k] for k in one.findings["CAL002"].estimate(name).columns] for one in (a, b)]
    draws = np.subtract(
        *(stats.resampled(stats.augrc, columns, "fingerprint", resamples=1000) for columns in read[::-1])
    )
    finding = compared(a, b)["CMP008"]
    z = abs(finding.estimate(name).value) / draws.std(ddof=1)
    assert finding.params["p"] == pytest.approx(2 * distributions.norm.sf(z))
