from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact
from sklearn.cluster import KMeans

from eyetest import stats
from eyetest.checks import _slices
from eyetest.checks.weak_slices import WeakSlices
from eyetest.evidence import Context, Describe, Embed, Predict, Resemble, from_mapping
from eyetest.records import Gallery, Note, Table
from eyetest.types import SPLITS, Features, Lookalikes, Predictions, Properties

CLASSES = ("ant", "bee", "cat")


def evidence(wrong, labels, values, *, features=None, groups=None, pairs=None, seed="fingerprint"):
    """A model that answers the next class where it is wrong."""
    labels, wrong = np.asarray(labels, dtype=np.int64), np.asarray(wrong, dtype=bool)
    rows = np.arange(len(labels), dtype=np.int64)
    logits = np.zeros((len(labels), len(CLASSES)), dtype=np.float32)
    logits[rows, np.where(wrong, (labels + 1) % len(CLASSES), labels)] = 3
    known = {Predict(): Predictions("test", rows, labels, logits)}
    known[Describe()] = Properties("test", rows, values, groups or {})
    if features is not None:
        known[Embed()] = Features("test", rows, features.astype(np.float32))
    if pairs is not None:
        known[Resemble()] = pairs
    check = WeakSlices()
    return check, from_mapping("weak_slices", Context(CLASSES, "made up", seed, 0), known, check.needs())


def run(*args, **kwargs):
    check, known = evidence(*args, **kwargs)
    return check.run(known)


def made(n, seed, *, error=0.1, planted=None):
    """Labels, two properties and random errors; a planted rate where a mask says so."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    values = {"brightness": random.random(n), "contrast": random.random(n)}
    rate = np.full(n, error)
    if planted is not None:
        rate[planted(labels, values)] = 0.5
    return random.random(n) < rate, labels, values


def test_the_known_slice_has_its_difference_and_p_value():
    assert stats.newcombe(30, 250, 220, 4750).value == pytest.approx(0.073684, abs=1e-6)
    one = [np.array([count]) for count in (30, 250, 220, 4750)]
    p = stats.stratified_greater(*one)
    assert p == pytest.approx(5.0e-6, abs=5e-8)
    assert p == pytest.approx(fisher_exact([[30, 220], [220, 4530]], alternative="greater").pvalue, rel=1e-9)


def test_the_stratified_test_agrees_with_counting_every_table():
    hits, sizes, other_hits, other_sizes = (np.array(c) for c in ([3, 1], [5, 4], [2, 1], [6, 5]))
    first = [[1.0]] * 2
    for s in range(2):
        total = hits[s] + other_hits[s]
        ways = [_choose(sizes[s], k) * _choose(other_sizes[s], total - k) for k in range(total + 1)]
        first[s] = np.array(ways) / sum(ways)
    slow = sum(a * b for i, a in enumerate(first[0]) for j, b in enumerate(first[1]) if i + j >= 4)
    assert stats.stratified_greater(hits, sizes, other_hits, other_sizes) == pytest.approx(slow, rel=1e-9)


def _choose(n, k):
    return float(np.prod([(n - i) / (i + 1) for i in range(k)])) if 0 <= k <= n else 0.0


def test_a_planted_slice_is_found_confirmed_and_named():
    done = run(*made(3000, 0, planted=lambda labels, values: (labels == 1) & (values["brightness"] < 0.2)))
    found = done.finding
    assert found.status == "concern"
    assert found.headline.startswith("Weaker on dark bee images: wrong on ")
    gap = found.estimate("worst_gap")
    assert gap.low > 0.2
    assert gap.low < 0.4 < gap.high
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.rows[0][0] == "dark bee images"
    assert table.rows[0][8] is True
    gallery = next(block for block in found.blocks if isinstance(block, Gallery))
    assert gallery.title == "Errors among dark bee images"
    assert {card.truth for card in gallery.cards} == {"bee"}
    assert any(isinstance(block, Note) and "no features" in block.text for block in found.blocks)


def test_a_planted_group_of_like_features_is_found():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 3000)
    odd = random.random(3000) < 0.08
    wrong = random.random(3000) < np.where(odd, 0.6, 0.05)
    features = random.normal(size=(3000, 20))
    features[odd] += 6
    found = run(wrong, labels, {"brightness": random.random(3000)}, features=features).finding
    assert found.status == "concern"
    assert "images answered" in found.headline


def test_a_column_of_the_data_set_can_be_the_slice():
    wrong, labels, values = made(3000, 0)
    phone = np.arange(3000) % 6 == 0
    wrong |= phone & (np.random.default_rng(1).random(3000) < 0.4)
    found = run(wrong, labels, values, groups={"camera is phone": phone.astype(float)}).finding
    assert "images whose camera is phone" in found.headline


def test_a_hard_class_alone_is_no_slice():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 4000)
    brightness = np.where(labels == 1, random.random(4000) * 0.3, random.random(4000))
    wrong = random.random(4000) < np.where(labels == 1, 0.5, 0.05)
    found = run(wrong, labels, {"brightness": brightness}).finding
    assert found.status != "concern"


def test_the_estimate_is_a_statistic_of_columns_that_cover_every_image():
    done = run(*made(3000, 0, planted=lambda labels, values: values["contrast"] > 0.8))
    estimate = done.finding.estimate("worst_gap")
    again = stats.STATISTICS[estimate.statistic](*(done.columns[name] for name in estimate.columns))
    assert again == pytest.approx(estimate.value)
    assert len(done.ids) == 3000
    assert estimate.n == int((done.columns["weakest"] >= 0).sum())


def test_the_gap_comes_from_the_half_that_did_not_choose():
    """Errors in the proposing half alone are found there and not confirmed."""
    wrong, labels, values = made(3000, 3)
    ids = tuple(f"test-{row}" for row in range(3000))
    half = _slices.halves(ids, labels)
    wrong |= half & (values["brightness"] < 0.2)
    found = run(wrong, labels, values).finding
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert found.status == "ok"
    assert max(row[9] for row in table.rows) > 0.5
    assert abs(found.estimate("worst_gap").value) < 0.15


def test_halves_are_stratified_and_depend_on_the_id_alone():
    labels = np.random.default_rng(0).integers(0, 3, 301)
    ids = tuple(f"test-{row}" for row in range(301))
    half = _slices.halves(ids, labels)
    for label in range(3):
        n = int((labels == label).sum())
        assert abs(2 * int(half[labels == label].sum()) - n) <= 1
    order = np.random.default_rng(1).permutation(301)
    assert np.array_equal(_slices.halves(tuple(ids[k] for k in order), labels[order]), half[order])


def test_twins_lie_on_one_side():
    n = 2000
    first = np.arange(0, n, 2)
    pairs = Lookalikes(
        first, first + 1, np.full(len(first), SPLITS.index("test")), np.ones(len(first), dtype=bool),
        np.ones(len(first)), np.array([n]), np.array([0.0]),
    )  # fmt: skip
    done = run(*made(n, 0, planted=lambda labels, values: values["brightness"] < 0.2), pairs=pairs)
    assert done.finding.headline.startswith(
        "Weaker on dark images"
    )  # compared with all others, so -1 is the other half
    proposing = done.columns["weakest"] == -1
    assert np.array_equal(proposing[first], proposing[first + 1])
    assert 0.45 < proposing.mean() < 0.55
    moved = _slices.together(np.array([True, False, False, True]), np.array([0, 3]), np.array([1, 2]))
    assert moved.tolist() == [True, True, False, False]


def test_no_errors_and_few_images_are_inconclusive():
    _, labels, values = made(3000, 0)
    assert run(np.zeros(3000), labels, values).finding.status == "inconclusive"
    few = {name: column[:100] for name, column in values.items()}
    done = run(np.ones(100), labels[:100], few)
    assert done.finding.status == "inconclusive"
    assert done.ids == ()
    assert done.finding.estimates == ()


def test_k_means_finds_what_a_trusted_library_finds():
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(centre, 0.3, (100, 5)) for centre in (0, 5, 10, 15)])
    centres = _slices.k_means(values, 4, np.random.default_rng(1))
    trusted = KMeans(4, n_init=10, random_state=0).fit(values).cluster_centers_
    assert np.allclose(np.sort(centres, axis=0), np.sort(trusted, axis=0))
    assert len(_slices.k_means(np.ones((50, 3)), 4, random)) == 1


def test_each_parameter_changes_the_result():
    data = made(3000, 0, planted=lambda labels, values: values["brightness"] < 0.2)

    def tested(**fields):
        _, known = evidence(*data)
        return WeakSlices(**fields).run(known).finding.params["tested"]

    usual = tested()
    assert tested(tested=2) == 2 < usual
    assert tested(least=300) < usual
    assert tested(errors=60) < usual


@pytest.mark.slow
def test_random_errors_are_confirmed_in_no_more_than_a_twentieth_of_data_sets():
    runs = 300
    confirmed = 0
    for seed in range(runs):
        wrong, labels, values = made(1500, seed)
        features = np.random.default_rng(seed).normal(size=(1500, 8))
        confirmed += run(wrong, labels, values, features=features, seed=str(seed)).finding.status == "concern"
    assert confirmed <= binom.ppf(0.999, runs, 0.05)
