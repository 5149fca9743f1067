"""Means over rows that share donors: influence, variance, and whether the intervals cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as distributions

from eyetest import reliance
from eyetest.data.donors import donor_table
from eyetest.data.split import ArraySplit
from eyetest.reliance import Linear
from eyetest.stats import Interval, clopper_pearson


def made_up(draws=2, n=60, pool=15, classes=3, seed=0):
    """Right answers, labels, donors and their classes without any structure."""
    random = np.random.default_rng(seed)
    labels, lenders = np.arange(n) % classes, np.arange(pool) % classes
    same = np.stack([random.choice(np.flatnonzero(lenders == c), draws) for c in labels], 1)
    other = np.stack([random.choice(np.flatnonzero(lenders != c), draws) for c in labels], 1)
    donors = np.stack([same, other], 1)
    right = (random.random((draws, 2, n)) < np.array([0.8, 0.5])[:, None]).astype(float)
    return right, labels, donors, lenders[donors]


# influence, against numerical derivatives with respect to the weight of one row


def derivatives(statistic, shape, step=1e-5) -> np.ndarray:
    """r n × the derivative of statistic(weights) with respect to each row's weight."""
    found = np.empty(shape)
    for place in np.ndindex(*shape):
        weights = [np.ones(shape), np.ones(shape)]
        weights[0][place] += step
        weights[1][place] -= step
        found[place] = (statistic(weights[0]) - statistic(weights[1])) / (2 * step) * found.size
    return found


def agrees(linear: Linear, statistic) -> None:
    shape = linear.influence.shape
    assert linear.value == pytest.approx(statistic(np.ones(shape)), abs=1e-12)
    assert np.abs(linear.influence - derivatives(statistic, shape)).max() < 1e-6  # central difference, step 1e-5
    assert abs(linear.influence.mean()) < 1e-12
    assert np.abs(linear.influence).max() > 0.1


def test_influence_of_a_difference():
    right, *_ = made_up()
    a, b = right[:, 0], right[:, 1]
    agrees(reliance.difference(a, b), lambda w: (w * (a - b)).sum() / w.sum())


def test_influence_of_a_relative_difference():
    right, *_ = made_up()
    a, b = right[:, 0], right[:, 1]
    agrees(reliance.relative(a, b), lambda w: (w * (a - b)).sum() / (w * a).sum())


@pytest.mark.parametrize("target", [0, 1, 2])
def test_influence_of_a_share(target):
    effects = [one[:, 0] - one[:, 1] for one in (made_up(seed=s)[0] for s in range(3))]
    effects[2] = -effects[2]  # a negative reliance takes no share

    def slow(w):
        means = [max((w * e).sum() / w.sum(), 0) for e in effects]
        return means[target] / sum(means)

    linear = reliance.share(effects, target)
    if target == 2:
        assert linear.value == 0
        assert linear.influence.std() > 0  # it might as well be above 0, so no certainty is claimed
    else:
        agrees(linear, slow)


def test_influence_of_a_mean_within_chosen_rows():
    right, _, _, lent = made_up()
    values, chosen = right[:, 0] - right[:, 1], lent[:, 1] == 1
    agrees(reliance.within(values, chosen), lambda w: (w * values * chosen).sum() / (w * chosen).sum())


def test_influence_of_a_weighted_mean():
    right, labels, *_ = made_up()
    values, weights = right[:, 0] - right[:, 1], np.array([1.0, 3.0, 0.5])[labels]
    agrees(reliance.weighted(values, weights), lambda w: (w * weights * values).sum() / (w * weights).sum())
    assert reliance.weighted(values, 7 * weights).value == pytest.approx(reliance.weighted(values, weights).value)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_influence_of_the_diagonal_excess(classes):
    right, labels, _, lent = made_up(n=36, classes=classes, seed=3)
    found = reliance.diagonal_excess(right, labels, lent, range(classes))

    def slow(w, c):
        """Least squares of the cells off the diagonal on class and donor class, and what it leaves of the diagonal."""
        weights = np.broadcast_to(w[:, None], right.shape)
        table = np.full((classes, classes), np.nan)
        for i, j in np.ndindex(classes, classes):
            cell = (labels == i)[None, None] & (lent == j)
            if cell.any():
                table[i, j] = (weights * right)[cell].sum() / weights[cell].sum()
        if classes == 2:
            return table[c, c] - table[c, 1 - c]
        cells = [(i, j) for i, j in np.ndindex(classes, classes) if i != j and not np.isnan(table[i, j])]
        design = np.array([[*np.eye(classes)[i], *np.eye(classes)[j]] for i, j in cells])
        fit = np.linalg.lstsq(design, np.array([table[cell] for cell in cells]), rcond=None)[0]
        return table[c, c] - fit[c] - fit[classes + c]

    for c in range(classes):
        agrees(found[c], lambda w, c=c: slow(w, c))


def additive(classes=4, n=4000, excess=None):
    """An accuracy of class + donor class, plus `excess[c]` where both are c; right is its expectation, not 0 or 1."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, n)
    lent = np.stack([labels, (labels + random.integers(1, classes, n)) % classes])[None]
    own, donor = random.uniform(0.2, 0.5, classes), random.uniform(-0.2, 0.3, classes)
    right = own[labels] + donor[lent] + (np.zeros(classes) if excess is None else excess)[labels] * (lent == labels)
    return right, labels, lent


def test_an_additive_table_has_no_excess_even_where_donors_of_a_class_spoil_every_image():
    right, labels, lent = additive()
    assert abs((right[:, 0] - right[:, 1])[:, labels == 0].mean()) > 0.01
    found = reliance.diagonal_excess(right, labels, lent, range(4))
    assert [found[c].value for c in range(4)] == pytest.approx([0] * 4, abs=1e-12)


def test_a_planted_excess_comes_back():
    right, labels, lent = additive(excess=np.array([0.1, 0.0, 0.3, -0.05]))
    found = reliance.diagonal_excess(right, labels, lent, range(4))
    assert [found[c].value for c in range(4)] == pytest.approx([0.1, 0, 0.3, -0.05], abs=1e-12)


def test_two_classes_give_the_plain_difference():
    right, labels, _, lent = made_up(classes=2)
    found = reliance.diagonal_excess(right, labels, lent, (0, 1))
    for c in (0, 1):
        mine = right[:, :, labels == c]
        assert found[c].value == pytest.approx(mine[:, 0].mean() - mine[:, 1].mean())


# variance


def slow_variance(influence, donors) -> float:
    """Over all pairs of rows: once if they have the image in common, else once for every donor in common."""
    draws, n = influence.shape
    rows = list(np.ndindex(draws, n))
    total = 0.0
    for r, i in rows:
        for q, j in rows:
            times = 1 if i == j else sum(int(a == b) for a in donors[r, :, i] for b in donors[q, :, j])
            total += times * influence[r, i] * influence[q, j]
    return total / (draws * n) ** 2


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("pool", [6, 15, 300])
def test_the_variance_is_the_sum_over_pairs_that_share_an_image_or_a_donor(draws, pool):
    right, _, donors, _ = made_up(draws, 40, pool)
    influence = reliance.difference(right[:, 0], right[:, 1]).influence
    influence = influence + np.random.default_rng(1).normal(size=pool)[donors[:, 1]]  # or the floor may be reached
    slow = slow_variance(influence, donors)
    assert slow > (influence.mean(0) ** 2).sum() / 2 / 40**2
    assert reliance.variance(influence, donors)[0] == pytest.approx(slow, rel=1e-12)


def test_the_variance_is_the_delete_one_image_form_of_the_design():
    """CUES.md: (ΣS_u² − 2Σe²)/n² at one draw, S_u over the rows in which u is image or donor."""
    right, _, donors, _ = made_up(1, 50, 12)
    influence = reliance.difference(right[:, 0], right[:, 1]).influence
    influence = influence + np.random.default_rng(1).normal(size=12)[donors[:, 1]]  # or the floor may be reached
    e, n = influence[0], 50
    sums = [e[i] for i in range(n)]
    sums += [sum(e[i] * list(donors[0, :, i]).count(u) for i in range(n)) for u in range(12)]
    slow = (sum(s * s for s in sums) - 2 * (e**2).sum()) / n**2
    assert reliance.variance(influence, donors)[0] == pytest.approx(slow, rel=1e-12)


def test_rows_that_share_nothing_have_the_plain_variance():
    influence = np.random.default_rng(0).normal(size=(1, 50))
    donors = np.arange(100).reshape(1, 2, 50)
    assert reliance.variance(influence, donors)[0] == pytest.approx((influence**2).sum() / 50**2)


def test_the_names_of_the_donors_do_not_matter():
    right, _, donors, _ = made_up()
    influence = reliance.difference(right[:, 0], right[:, 1]).influence
    renamed = np.random.default_rng(0).permutation(15)[donors] * 1000 + 7
    assert reliance.variance(influence, renamed)[0] == pytest.approx(reliance.variance(influence, donors)[0])


def test_the_variance_is_never_below_half_of_that_without_sharing():
    influence = np.tile([1.0, -1.0], 20)[None]
    donors = np.stack([np.repeat(np.arange(20), 2), np.repeat(np.arange(20), 2)])[None]
    assert reliance.variance(influence, donors)[0] == pytest.approx(40 / 2 / 40**2)


# intervals


def test_the_interval_does_not_close_where_nothing_was_seen():
    found = reliance.interval(Linear(0.0, np.zeros((1, 50))), np.zeros((1, 2, 50)))
    assert found.high == pytest.approx(1.959964 * np.sqrt(2) / 50, rel=1e-6)
    assert reliance.interval(Linear(0.0, np.zeros((1, 50)), 3.0), np.zeros((1, 2, 50))).high == pytest.approx(
        3 * found.high
    )


def test_confidence_widening_and_p_value_agree():
    linear, donors = Linear(0.2, np.ones((1, 50)) * np.tile([1, -1], 25)), np.arange(100).reshape(1, 2, 50)
    plain = reliance.interval(linear, donors)
    wide = reliance.interval(linear, donors, confidence=1 - 0.05 / 7)
    assert reliance.widened(plain, 7) == pytest.approx(wide)
    assert reliance.widened(plain, 1) == pytest.approx(plain)
    edge = Interval(0.2, 0.0, 0.4)
    assert reliance.p_value(edge) == pytest.approx(0.05)
    assert reliance.p_value(Interval(-0.2, -0.4, 0.0)) == pytest.approx(0.05)
    assert reliance.p_value(Interval(0.2, 0.0, 0.4), 0.99) == pytest.approx(0.01)
    assert reliance.p_value(Interval(0.1, 0.1, 0.1)) == 1


def slow_freedom(influence, donors) -> float:
    """Twice the squared variance over the variance of the sums of squares that it is made of, term by term."""
    draws, n = influence.shape
    images = [sum(influence[r, i] for r in range(draws)) / draws for i in range(n)]
    lent = dict.fromkeys(donors.ravel().tolist(), 0.0)
    for r, arm, i in np.ndindex(donors.shape):
        lent[int(donors[r, arm, i])] += influence[r, i] / draws
    noise = 0.0
    for values in (images, list(lent.values())):
        middle = sum(v**2 for v in values) / len(values)
        noise += sum((v**2 - middle) ** 2 for v in values)
    return 2 * (reliance.variance(influence, donors)[0] * n**2) ** 2 / noise


@pytest.mark.parametrize("draws", [1, 3])
def test_degrees_of_freedom_are_those_of_satterthwaite(draws):
    right, _, donors, _ = made_up(draws, 40, 15)
    linear = reliance.difference(right[:, 0], right[:, 1])
    assert reliance.spread(linear, donors).freedom == pytest.approx(slow_freedom(linear.influence, donors))


def test_normal_images_give_as_many_degrees_of_freedom():
    influence = Linear(0.0, np.random.default_rng(0).normal(size=(1, 20_000)))
    alone = reliance.spread(influence, np.arange(40_000).reshape(1, 2, 20_000)).freedom
    assert alone == pytest.approx(20_000 / 3, rel=0.05)  # each image lends its square to two donors, too


def test_intervals_and_p_values_of_few_donors_are_students():
    found, p = reliance.Spread(0.1, 7.0).students(-0.3)
    assert found == pytest.approx((-0.3, *distributions.t.interval(0.95, 7, -0.3, 0.1)))
    assert p == pytest.approx(2 * distributions.t.sf(3, 7))
    found, p = reliance.Spread(0.1, math.inf).students(0.3)
    assert found == pytest.approx((0.3, *distributions.norm.interval(0.95, 0.3, 0.1)))
    assert p == pytest.approx(2 * distributions.norm.sf(3))
    assert reliance.Spread(0.0, math.inf).students(0.0) == ((0, 0, 0), 1)


# pairs of runs


def columns(right, donors):
    """As the checks write them: both arms, donors of both arms, classes of the other donors, label."""
    draws, _, n = right.shape
    lent = [(np.arange(n) + draw) % 3 for draw in range(draws)]
    return [
        *right[:, 0],
        *right[:, 1],
        *donors[:, 0].astype(float),
        *donors[:, 1].astype(float),
        *lent,
        np.arange(n) % 2,
    ]


@pytest.mark.parametrize("statistic", sorted(reliance.RULES))
def test_a_run_against_itself_is_exactly_0(statistic):
    right, _, donors, _ = made_up()
    effects = {"swap_share_of_two": 2, "swap_share_of_three": 3}.get(statistic, 1)
    one = [*(c for k in range(effects) for c in columns(made_up(seed=k)[0], donors)[:4]), *columns(right, donors)[4:]]
    found, p = reliance.paired(statistic, one, one)
    assert (found.value, p) == (0, 1)
    assert found.low == -found.high < 0


def test_of_columns_reads_what_the_checks_write():
    right, _, donors, _ = made_up(3)
    linear, read, (label, lent) = reliance.of_columns("swap_difference", columns(right, donors))
    assert (read == donors).all()
    assert (label == np.arange(60) % 2).all()
    assert (lent == (np.arange(60) + np.arange(3)[:, None]) % 3).all()
    assert linear.value == pytest.approx((right[:, 0] - right[:, 1]).mean())
    assert reliance.of_columns("swap_relative", columns(right, donors))[0].value == pytest.approx(
        (right[:, 0] - right[:, 1]).mean() / right[:, 0].mean()
    )


def test_a_paired_difference_is_b_minus_a_and_narrower_than_two_apart():
    right, _, donors, _ = made_up(n=300)
    better = right.copy()
    better[:, 1, :30] = 1  # 30 images are no longer misled
    found, p = reliance.paired("swap_difference", columns(right, donors), columns(better, donors))
    assert (p < 0.05) == (found.high < 0)
    assert found.value == pytest.approx((right[:, 1] - better[:, 1]).mean())
    assert found.value < 0
    apart = reliance.interval(reliance.difference(right[:, 0], right[:, 1]), donors)
    assert found.high - found.low < apart.high - apart.low


def test_other_donors_are_refused():
    right, _, donors, _ = made_up()
    other = donors.copy()
    other[1, 1, 5] += 1
    with pytest.raises(ValueError, match="different donors"):
        reliance.paired("swap_difference", columns(right, donors), columns(right, other))


# coverage, by simulation with new images and new donors each time


def names_only(labels, name):
    return ArraySplit(name, labels, np.arange(len(labels), dtype=np.int64), np.empty(0))


SIGNS = {"spoils": (-1, -1), "pulls": (1, -1)}
"""What a donor does to its own class's images and to others: harm both, or speak for its class more or less clearly."""
ALIKE, UNLIKE = (0.4,) * 6, (0.9, 0.7, 0.4, 0.1, -0.4, -1.0)
"""Threshold with another class's donor on the probit scale, by class; .9 with the own class's."""


def coverage(
    simulations, n=600, pool=150, draws=1, kind="pulls", donor_effect=1.0, seed=0, others=ALIKE
) -> dict[str, int]:
    """How often the interval of the reliance, and the one that takes rows for independent, holds the truth.

    Abilities of images and noise of rows have deviation 1, donors `donor_effect`; class sizes are fixed.
    """
    random = np.random.default_rng(seed)
    labels, lenders = np.arange(n) % 6, np.arange(pool) % 6
    threshold, sign = np.stack([np.full(n, 0.9), np.array(others)[labels]]), np.array(SIGNS[kind])[:, None]
    chances = distributions.norm.cdf(threshold / np.sqrt(1 + 1 + donor_effect**2)).mean(1)
    truth = chances[0] - chances[1]
    splits = names_only(labels, "test"), names_only(lenders, "validation")
    donors = [donor_table(*splits, seed=k, draws=draws).donors for k in range(10)]
    held = {"shared": 0, "naive": 0}
    for k in range(simulations):
        mine = donors[k % 10]
        ability, lender = random.normal(size=n), donor_effect * random.normal(size=pool)
        right = (threshold + ability + sign * lender[mine] + random.normal(size=mine.shape) > 0).astype(float)
        linear = reliance.difference(right[:, 0], right[:, 1])
        found = reliance.interval(linear, mine, (labels, lenders[mine[:, 1]]))
        half = 1.96 * np.sqrt((linear.influence**2).sum()) / linear.influence.size
        held["shared"] += int(found.low <= truth <= found.high)
        held["naive"] += int(abs(linear.value - truth) <= half)
    return held


def within_band(held: int, simulations: int) -> bool:
    """Whether a coverage of .93 to .97 is not refuted at 99.9 %."""
    found = clopper_pearson(held, simulations, 0.999)
    return found.high >= 0.93 and found.low <= 0.97


def test_the_interval_covers_and_a_naive_one_would_not():
    held = coverage(200, donor_effect=1.5)
    assert within_band(held["shared"], 200)
    assert clopper_pearson(held["naive"], 200, 0.999).high < 0.93


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(SIGNS))
@pytest.mark.parametrize(
    ("draws", "pool", "donor_effect"), [(1, 150, 1.5), (1, 600, 1.0), (1, 60, 0.5), (4, 300, 1.0), (8, 600, 0.0)]
)
def test_the_interval_covers_in_a_thousand_simulations(draws, pool, kind, donor_effect):
    held = coverage(1000, 600, pool, draws, kind, donor_effect, seed=1)
    assert 0.93 <= held["shared"] / 1000 <= 0.97  # 99 % binomial band of .95 is .931 to .967


@pytest.mark.slow
@pytest.mark.parametrize(("draws", "pool", "n"), [(8, 300, 600), (3, 1000, 2000), (1, 150, 600)])
def test_the_interval_is_not_too_wide_where_classes_rely_on_the_cue_unequally(draws, pool, n):
    held = coverage(1000, n, pool, draws, donor_effect=0.5, others=UNLIKE)
    assert 0.93 <= held["shared"] / 1000 <= 0.97


def test_what_classes_have_in_common_is_no_chance():
    labels, lent = np.arange(600) % 6, (np.arange(600) // 6) % 6
    by_class = np.where(labels < 3, 0.3, -0.3)[None] + 0.1 * (lent - 2.5)
    assert np.abs(reliance.stratified(by_class, (labels, lent), 600)).max() < 1e-12
    noise = np.random.default_rng(0).normal(size=(1, 600))
    left = reliance.stratified(noise - noise.mean(), (labels, lent), 600)
    assert left.std(ddof=0) == pytest.approx(noise.std(), rel=0.02)
    few = reliance.stratified(noise - noise.mean(), (labels, lent), 60)
    assert few.std() / left.std() == pytest.approx(np.sqrt((60 / 48) / (600 / 588)))
    assert reliance.stratified(noise, (labels, lent), 24) is noise  # too few donors for so many strata
