"""Against scipy.stats, which takes longer to import."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from eyetest import distributions

EXACT = {"rel": 1e-9, "abs": 1e-300}


@pytest.mark.parametrize("p", [1e-12, 0.025, 0.5, 0.975, 1 - 1e-9])
def test_quantiles(p):
    assert distributions.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), **EXACT)
    for freedom in (1, 2.5, 30, 1e6):
        assert distributions.student_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), **EXACT)
    for freedom in (1, 4, 300):
        assert distributions.chi_squared_quantile(p, freedom) == pytest.approx(stats.chi2.ppf(p, freedom), rel=1e-7)
    for a, b in ((1, 20), (3.5, 0.5), (930, 71)):
        assert distributions.beta_quantile(p, a, b) == pytest.approx(stats.beta.ppf(p, a, b), **EXACT)


@pytest.mark.parametrize("x", [-40.0, -3.0, 0.0, 1.5, 8.0])
def test_tails(x):
    assert distributions.normal_p(x) == pytest.approx(2 * stats.norm.sf(abs(x)), **EXACT)
    for freedom in (1, 2.5, 30, math.inf):
        assert distributions.student_p(x, freedom) == pytest.approx(2 * stats.t.sf(abs(x), freedom), **EXACT)
    assert distributions.chi_squared_above(abs(x), 7) == pytest.approx(stats.chi2.sf(abs(x), 7), **EXACT)


@pytest.mark.parametrize(("n", "p"), [(0, 0.3), (1, 0.5), (40, 0.3), (40, 0.0), (40, 1.0), (10_000, 0.93)])
def test_binomial(n, p):
    k = np.arange(n + 1)
    assert distributions.binomial_mass(k, n, p) == pytest.approx(stats.binom.pmf(k, n, p), rel=1e-9, abs=1e-250)
    assert distributions.binomial_up_to(n // 3, n, p) == pytest.approx(stats.binom.cdf(n // 3, n, p), rel=1e-9)


@pytest.mark.parametrize(
    ("total", "marked", "drawn"), [(1, 0, 1), (10, 4, 7), (10, 10, 3), (10, 4, 0), (2000, 900, 77)]
)
def test_hypergeometric(total, marked, drawn):
    k = np.arange(-1, drawn + 2)
    wanted = stats.hypergeom.pmf(k, total, marked, drawn)
    assert distributions.hypergeometric_mass(k, total, marked, drawn) == pytest.approx(wanted, rel=1e-9, abs=1e-250)


@pytest.mark.parametrize("shape", [(1,), (50,), (3, 40), (2, 3, 10)])
@pytest.mark.parametrize("kinds", [1, 4, 10_000])
def test_ranks(shape, kinds):
    values = np.random.default_rng(0).integers(0, kinds, shape)
    assert np.array_equal(distributions.ranks(values), stats.rankdata(values, axis=-1))
    assert np.array_equal(distributions.ranks(values / 3), stats.rankdata(values, axis=-1))


def test_comparing_does_not_import_scipy_stats():
    code = "import sys, eyetest.pairing, eyetest.gating; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_few_groups_make_an_interval_longer():
    student = 2.262157162740992  # df 9, scipy.stats.t.ppf(.975, 9)
    assert distributions.wider_for_groups(10) == pytest.approx((10 / 9) ** 0.5 * student / 1.959963984540054)
    assert 1 < distributions.wider_for_groups(1000) < 1.003
    with pytest.raises(ValueError, match="one group"):
        distributions.wider_for_groups(1)
