"""Known answers from docs/design METHODS sections 1 to 3, slow re-implementations, and nulls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from eyetest import stats


@pytest.mark.parametrize(
    ("k", "n", "wilson", "exact"),
    [
        (8, 10, (0.49016, 0.94332), (0.44390, 0.97479)),
        (0, 20, (0, 0.16113), (0, 0.16843)),
        (9302, 10000, (0.925039, 0.935031), (0.925029, 0.935118)),
    ],
)
def test_proportions(k, n, wilson, exact):
    assert stats.wilson(k, n)[1:] == pytest.approx(wilson, abs=1e-5)
    assert stats.clopper_pearson(k, n)[1:] == pytest.approx(exact, abs=1e-5)


def test_wilson_covers_as_often_as_known():
    inside = [low <= 0.9 <= high for low, high in (stats.wilson(k, 100)[1:] for k in range(101))]
    assert (binom.pmf(np.arange(101), 100, 0.9) * inside).sum() == pytest.approx(0.93640, abs=1e-5)


@pytest.mark.parametrize(
    ("counts", "tango"),
    [
        ((1, 1, 7, 12), (-0.51723, -0.02600)),
        ((53, 16, 8, 9), (-0.01966, 0.20691)),
        ((9200, 120, 80, 600), (0.001240, 0.006831)),
        ((9400, 0, 0, 600), (-0.00038400, 0.00038400)),
    ],
)
def test_paired_differences(counts, tango):
    assert stats.tango(*counts)[1:] == pytest.approx(tango, abs=1e-5)


def test_tango_rarely_sees_a_difference_of_two_coins():
    random = np.random.default_rng(0)
    discordant = random.binomial(2000, 0.06, size=400)
    first = random.binomial(discordant, 0.5)
    pairs = zip(first.tolist(), (discordant - first).tolist(), strict=True)
    excluded = [not low <= 0 <= high for low, high in (stats.tango(1500, b, c, 500 - b - c)[1:] for b, c in pairs)]
    assert sum(excluded) <= binom.ppf(0.9995, 400, 0.06)


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid"),
    [(1, 7, 0.0703125, 0.0390625), (5, 5, 1, 0.8769531), (120, 80, 0.0056852, 0.0046601), (0, 0, 1, 1)],
)
def test_mcnemar(b, c, exact, mid):
    assert stats.mcnemar(b, c) == pytest.approx((exact, mid), abs=1e-6)


def test_gap_of_independent_images():
    assert stats.newcombe(44978, 45000, 4651, 5000) == pytest.approx((0.06931, 0.06257, 0.07671), abs=1e-5)
    assert stats.newcombe(5, 10, 5, 10).value == 0


def test_multiplicity():
    p = (0.001, 0.012, 0.025, 0.04, 0.2)
    assert stats.holm(p) == pytest.approx([0.005, 0.048, 0.075, 0.08, 0.2])


def test_bowker():
    counts = np.array([[0, 18, 3], [6, 0, 5], [4, 5, 0]])
    assert stats.bowker(counts) == pytest.approx((6.142857, 3, 0.104863), abs=1e-6)
    assert stats.bowker(counts + counts.T)[0] == 0


def test_brier():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.4, 0.1]])
    assert stats.brier(p, np.array([0, 1, 2, 1])) == pytest.approx([0.14, 0.06, 0.54, 0.62])
    assert stats.brier(np.full((1, 10), 0.1), np.array([3])) == pytest.approx([0.9])


S = np.array([0.95, 0.9, 0.85, 0.8, 0.75, 0.65, 0.6, 0.55, 0.52, 0.35])
CORRECT = np.array([1, 1, 1, 0, 1, 1, 0, 1, 0, 0], dtype=float)


def test_equal_mass_bins():
    sizes, accuracy, sureness = stats.calibration_bins(S, CORRECT, bins=5)
    assert (sizes * np.abs(accuracy - sureness)).sum() / 10 == pytest.approx(0.242)


def test_debiased_ece_of_a_calibrated_model_is_smaller():
    random = np.random.default_rng(1)
    confidence = 0.1 + 0.9 * random.beta(20, 1.2, 2000)
    correct = (random.random(2000) < confidence).astype(float)
    assert stats.ece_debiased(confidence, correct) < stats.ece(confidence, correct) < 0.03


def test_auroc_agrees_with_scikit_learn_with_ties():
    random = np.random.default_rng(2)
    score, positive = random.integers(0, 20, 500).astype(float), random.random(500) < 0.3
    assert stats.auroc(score, positive) == pytest.approx(roc_auc_score(positive, score))
    assert stats.auroc(np.array([0.99, 0.95, 0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 1, 0, 1])) == 0.5


def test_error_rate_at_coverage_shares_ties():
    assert stats.error_rate_at_coverage(S, 1 - CORRECT, 0.4) == 0.25
    assert stats.error_rate_at_coverage(np.ones(10), 1 - CORRECT, 0.2) == pytest.approx(0.4)


def test_bootstrap_of_a_constant_and_of_a_model_against_itself():
    assert stats.bootstrap(stats.mean, [np.ones(50)], "x", resamples=100) == (1, 1, 1)
    first, second = (stats.resampled(stats.ece, [S, CORRECT], "x", resamples=100) for _ in range(2))
    assert stats.difference_of_draws(0.0, second - first) == ((0, 0, 0), 1)


def test_bootstrap_agrees_with_the_normal_interval():
    values = np.random.default_rng(3).normal(size=400)
    value, low, high = stats.bootstrap(stats.mean, [values], "x", resamples=1000)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.02)
    assert stats.bootstrap(stats.mean, [values], "x", resamples=1000) == (value, low, high)


def test_holm_by_rows_is_holm_of_each_row():
    p = np.random.default_rng(5).random((20, 7)) ** 3
    slow = [[min(1.0, max((7 - k) * q for k, q in enumerate(sorted(row)) if q <= one)) for one in row] for row in p]
    assert np.allclose(stats.holm_rows(p), slow)
    assert stats.holm_rows(np.empty((0, 7))).shape == (0, 7)


def test_rank_correlation_agrees_with_scipy_and_is_0_of_a_constant():
    from scipy.stats import spearmanr

    random = np.random.default_rng(6)
    first, second = random.normal(size=(5, 16)), random.integers(0, 4, (5, 16)).astype(float)
    slow = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert np.allclose(stats.rank_correlation(first, second), slow)
    assert not stats.rank_correlation(first, np.ones((5, 16))).any()


def test_a_difference_of_ratios_counts_an_empty_base_as_0():
    hit, base, none = np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 0, 0]), np.zeros(4)
    assert stats.difference_of_ratios(hit, base, none, none) == 0.5
    assert stats.difference_of_ratios(hit, base, hit, base) == 0


def test_proportions_and_multiplicity_agree_with_statsmodels():
    from statsmodels.stats.contingency_tables import SquareTable, mcnemar
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint

    for k, n in ((3, 17), (0, 9), (9, 9), (412, 977)):
        assert stats.wilson(k, n)[1:] == pytest.approx(proportion_confint(k, n, method="wilson"))
        assert stats.clopper_pearson(k, n)[1:] == pytest.approx(proportion_confint(k, n, method="beta"), nan_ok=True)
    p = (np.random.default_rng(7).random(30) ** 4).tolist()
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert stats.mcnemar(10, 2)[0] == pytest.approx(mcnemar([[5, 10], [2, 5]]).pvalue)
    counts = np.random.default_rng(8).integers(1, 30, (5, 5))
    theirs = SquareTable(counts, shift_zeros=False).symmetry()
    assert stats.bowker(counts) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue))


def test_the_binomial_test_agrees_with_scipy_and_with_mcnemar():
    from scipy.stats import binomtest

    for k, n, p in ((18, 24, 0.5), (3, 24, 0.3), (0, 7, 0.9), (12, 12, 0.42), (5, 10, 0.5)):
        assert stats.binomial(k, n, p)[0] == pytest.approx(binomtest(k, n, p).pvalue)
    for b, c in ((1, 7), (10, 2), (5, 5), (120, 80), (0, 0)):
        assert stats.binomial(b, b + c, 0.5) == pytest.approx(stats.mcnemar(b, c))


def test_known_mid_p_and_directions():
    assert stats.binomial(18, 24, 0.5) == pytest.approx((0.0226558, 0.0146333), abs=1e-6)
    assert stats.wilson(18, 1000)[1:] == pytest.approx((0.01142, 0.02827), abs=1e-5)
    assert stats.wilson(6, 1000)[1:] == pytest.approx((0.00275, 0.01303), abs=1e-5)


def test_bowker_of_symmetric_counts_is_below_5_percent_about_as_often():
    random = np.random.default_rng(9)
    chance = np.array([[0, 0.1, 0.2], [0.1, 0, 0.2], [0.2, 0.2, 0]])
    p = [stats.bowker(counts.reshape(3, 3))[2] for counts in random.multinomial(600, chance.ravel(), size=1000)]
    low, high = stats.clopper_pearson(sum(one < 0.05 for one in p), 1000, 0.998)[1:]
    assert low <= 0.05 <= high


def test_the_mean_of_shares_covers_as_often_as_stated_and_is_no_point_where_all_are_right():
    random, n = np.random.default_rng(10), np.array([20, 50, 200])
    truth = np.array([0.95, 0.8, 0.6])
    drawn = (stats.mean_of_shares(k, n) for k in random.binomial(n, truth, (1000, 3)))
    inside = [low <= float(truth.mean()) <= high for _, low, high in drawn]
    assert stats.clopper_pearson(int(sum(inside)), 1000, 0.998).high >= 0.95
    assert np.mean(inside) < 0.98
    value, low, high = stats.mean_of_shares(n, n)
    assert (value, high) == (1, 1)
    assert 0.9 < low < 0.99


def test_the_mean_among_members():
    assert stats.mean_among(np.array([1.0, 0, 1, 1]), np.array([1.0, 1, 0, 0])) == 0.5
    assert stats.mean_among(np.ones(3), np.zeros(3)) == 0


def test_newcombe_student_and_fisher_agree_with_statsmodels_and_scipy():
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep
    from statsmodels.stats.weightstats import DescrStatsW

    for k1, n1, k2, n2 in ((56, 70, 48, 80), (9, 10, 3, 10), (990, 1000, 930, 1000)):
        theirs = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
        assert stats.newcombe(k1, n1, k2, n2)[1:] == pytest.approx(theirs)
    values = np.random.default_rng(11).gamma(2, size=60)
    assert stats.mean_interval(values)[1:] == pytest.approx(DescrStatsW(values).tconfint_mean(0.05))
    for first, second in ((9, 3), (0, 0), (12, 12), (2, 7)):
        theirs = fisher_exact([[first, 12 - first], [second, 12 - second]], alternative="greater").pvalue
        assert stats.fisher_greater(np.array([first]), np.array([second]), 12)[0] == pytest.approx(theirs)
        assert stats.stratified_greater(
            np.array([first]), np.array([12]), np.array([second]), np.array([12])
        ) == pytest.approx(theirs)


def test_the_percentile_bootstrap_agrees_with_scipy():
    from scipy.stats import bootstrap

    values = np.random.default_rng(12).gamma(2, size=200)
    theirs = bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0))
    ours = stats.bootstrap(stats.mean, [values], "x", resamples=4000)
    width = ours.high - ours.low
    assert ours[1:] == pytest.approx(tuple(theirs.confidence_interval), abs=0.05 * width)
