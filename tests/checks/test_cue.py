"""The cue checks on made-up answers to swapped images."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest import reliance, stats
from eyetest.checks._cue import CueCheck, _status, sentence
from eyetest.checks._estimates import BALANCED_FROM, cue_estimates, directions
from eyetest.checks._swapped import Swapped
from eyetest.checks.background_cue import BackgroundCue
from eyetest.checks.colour_cue import ColourCue
from eyetest.checks.texture_cue import TextureCue
from eyetest.data.donors import donor_table
from eyetest.data.split import ArraySplit
from eyetest.errors import MissingEvidence
from eyetest.evidence import Context, Predict, Swap, from_mapping
from eyetest.records import Estimate, Finding, Gallery, Grid, Table
from eyetest.stats import clopper_pearson
from eyetest.transplants.border import Border
from eyetest.transplants.cell import Cell, grid
from eyetest.transplants.centre import Centre
from eyetest.transplants.coarse import Coarse
from eyetest.transplants.colour import Colour
from eyetest.transplants.fine import Fine
from eyetest.transplants.middle import Middle
from eyetest.transplants.object import Object
from eyetest.transplants.object_colour import ObjectColour
from eyetest.types import DonorTable, Predictions, Swaps

NAMES = ("ant", "bee", "cat", "dog")


def context(classes: int) -> Context:
    return Context(NAMES[:classes], "made up", "fingerprint", 0)


def logits(predicted, classes: int, sureness=5.0) -> np.ndarray:
    """Logits with the largest at `predicted` (any shape), float32."""
    found = np.eye(classes)[np.asarray(predicted)] * np.asarray(sureness)[..., None]
    return found.astype(np.float32)


def predictions(labels, predicted, classes: int) -> Predictions:
    labels = np.asarray(labels, dtype=np.int64)
    return Predictions("test", np.arange(len(labels), dtype=np.int64), labels, logits(predicted, classes))


def swaps(labels, table: DonorTable, predicted, classes: int, sureness=5.0) -> Swaps:
    """`predicted` is r 2 n."""
    answers = logits(predicted, classes, sureness)
    distance = np.tile(np.array([1.0, 2.0], dtype=np.float32)[:, None], (len(answers), 1, len(labels)))
    return Swaps(table, np.asarray(labels, dtype=np.int64), answers, distance)


def a_table(labels, pool, seed=0, draws=1) -> DonorTable:
    test, lenders = (np.asarray(x, dtype=np.int64) for x in (labels, pool))
    rows = [np.arange(len(x), dtype=np.int64) for x in (test, lenders)]
    return donor_table(
        ArraySplit("test", test, rows[0], np.empty(0)),
        ArraySplit("validation", lenders, rows[1], np.empty(0)),
        seed=seed,
        draws=draws,
    )


def run(check: CueCheck, values, classes: int):
    return check.run(from_mapping("test", context(classes), values, check.needs()))


# values by hand: six images, three classes, no donor twice

LABELS = np.array([0, 0, 1, 1, 2, 2])
OTHER = np.array([1, 2, 0, 2, 0, 1])
PLAIN = [0, 0, 1, 1, 2, 0]
SAME_ARM = [0, 0, 1, 0, 2, 1]
OTHER_ARM = [1, 0, 0, 1, 2, 1]
SIX = DonorTable(
    np.arange(6, dtype=np.int64),
    np.array([[[10, 11, 12, 13, 14, 15], [20, 21, 22, 23, 24, 25]]], dtype=np.int64),
    np.stack([LABELS, OTHER])[None],
    0,
)


@pytest.fixture
def six():
    sureness = np.array([[[5, 5, 5, 5, 5, 5], [3, 5, 6, 5, 5, 5]]])
    made = swaps(LABELS, SIX, np.array([[SAME_ARM, OTHER_ARM]]), 3, sureness)
    return run(ColourCue(), {Predict(): predictions(LABELS, PLAIN, 3), Swap(Colour()): made}, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reliance", 4 / 6 - 3 / 6),
        ("artefact", 5 / 6 - 4 / 6),
        ("capture", 3 / 6 - 0 / 6),
        ("relative_reliance", (4 / 6 - 3 / 6) / (4 / 6)),
    ],
)
def test_the_estimates_of_six_images_by_hand(six, name, value):
    assert six.finding.estimate(f"colour.{name}").value == pytest.approx(value)
    assert six.finding.estimate(f"colour.{name}").n == 6


def test_the_interval_of_six_images_by_hand(six):
    effect = np.array([1, 0, 1, -1, 0, 0])
    half = 1.959964 * np.sqrt(((effect - 1 / 6) ** 2).sum() / 36 + 2 / 36)
    found = six.finding.estimate("colour.reliance")
    assert (found.low, found.high) == pytest.approx((1 / 6 - half, 1 / 6 + half), abs=1e-6)


def test_the_stored_columns_give_the_estimates_again(six):
    checked = 0
    for estimate in six.finding.estimates:
        if estimate.statistic in reliance.RULES:
            linear, donors, strata = reliance.of_columns(estimate.statistic, [six.columns[c] for c in estimate.columns])
            found = reliance.interval(linear, donors, strata)
            assert (found.value, found.low, found.high) == pytest.approx((estimate.value, estimate.low, estimate.high))
            checked += 1
    assert checked == 4
    assert six.ids == tuple(f"test-{k}" for k in range(6))


def test_the_gallery_shows_who_was_taken_over_surest_first(six):
    (gallery,) = (b for b in six.finding.blocks if isinstance(b, Gallery))
    assert gallery.total == 2
    assert [card.id for card in gallery.cards] == ["test-2", "test-0"]  # test-5 was wrong before
    card = gallery.cards[0]
    assert (card.truth, card.predicted, card.image) == ("bee", "bee", "images/test-2.webp")
    own, other = card.swaps
    assert (own.transplant, own.donor, own.donor_class, own.predicted) == ("colour", "validation-12", "bee", "bee")
    assert (other.donor, other.donor_class, other.predicted) == ("validation-22", "ant", "ant")
    assert other.confidence == pytest.approx(np.exp(6) / (np.exp(6) + 2))
    assert other.file == "images/test-2-colour-validation-22.webp"
    assert six.finding.samples == ("test-2", "test-0")


def test_both_arms_are_tabled_with_their_distance(six):
    (table,) = (b for b in six.finding.blocks if isinstance(b, Table) and b.title == "Both arms")
    assert table.rows == (("colour", pytest.approx(4 / 6), 0.5, 1.0, 2.0),)


def test_draws_are_averaged():
    table = DonorTable(SIX.rows, np.concatenate([SIX.donors, SIX.donors + 40]), np.repeat(SIX.classes, 2, 0), 0)
    answers = np.array([[SAME_ARM, OTHER_ARM], [LABELS, LABELS]])
    made = {Predict(): predictions(LABELS, PLAIN, 3), Swap(Colour()): swaps(LABELS, table, answers, 3)}
    finding = run(ColourCue(), made, 3).finding
    assert finding.estimate("colour.reliance").value == pytest.approx(1 / 12)
    assert finding.estimate("colour.artefact").value == pytest.approx(1 / 12 + (5 / 6 - 1) / 2)
    assert finding.params["draws"] == 2


def test_the_images_of_the_table_may_be_fewer_than_those_predicted():
    some = np.array([1, 2, 5])
    table = DonorTable(SIX.rows[some], SIX.donors[..., some], SIX.classes[..., some], 3)
    made = swaps(LABELS[some], table, np.array([[SAME_ARM, OTHER_ARM]])[..., some], 3)
    outcome = run(ColourCue(), {Predict(): predictions(LABELS, PLAIN, 3), Swap(Colour()): made}, 3)
    assert outcome.finding.estimate("colour.artefact").value == pytest.approx(2 / 3 - 2 / 3)
    assert outcome.columns["right"].tolist() == [1, 1, 0]
    assert outcome.ids == ("test-1", "test-2", "test-5")
    assert outcome.finding.params["left_out"] == 3


# larger made-up data: the share `led` of all images follows the other-class donor


def made(labels, table, led: float, transplants, classes=3, donor_class=None) -> dict:
    """Every image is right, but with an other-class donor (of that class) the first `led` of them go over to it."""
    labels = np.asarray(labels)
    gone = np.arange(len(labels)) % 100 < round(100 * led)
    if donor_class is not None:
        mine = np.flatnonzero(table.classes[0, 1] == donor_class)
        gone = np.isin(np.arange(len(labels)), mine[: round(led * len(mine))])
    answers = np.stack([labels, np.where(gone, table.classes[0, 1], labels)])[None]
    return {Swap(one): swaps(labels, table, answers, classes) for one in transplants}


MANY = np.arange(300) % 3
WIDE = a_table(MANY, np.arange(600) % 3)
RIGHT = {Predict(): predictions(MANY, MANY, 3)}


def status(check, strong, weak=()) -> Finding:
    values = made(MANY, WIDE, 0.5, strong) | made(MANY, WIDE, 0.0, weak)
    return run(check, RIGHT | values, 3).finding


@pytest.mark.parametrize(
    ("check", "strong", "weak", "wanted"),
    [
        (ColourCue(), [Colour()], [], "concern"),
        (ColourCue(), [], [Colour()], "ok"),
        (ColourCue(), [ObjectColour()], [Colour()], "concern"),
        (BackgroundCue(), [Centre(), Object()], [Border()], "ok"),
        (BackgroundCue(), [Border()], [Centre()], "concern"),
        (BackgroundCue(), [Cell(1, 1), Cell(0, 1)], [Border()], "ok"),
        (BackgroundCue(), [Cell(3, 3)], [Border()], "concern"),
        (TextureCue(), [Coarse()], [Fine(), Middle()], "ok"),
        (TextureCue(), [Fine()], [Middle(), Coarse()], "concern"),
    ],
)
def test_only_what_is_not_the_object_is_a_concern(check, strong, weak, wanted):
    assert status(check, strong, weak).status == wanted


@pytest.mark.parametrize(
    ("led", "wanted"), [(0.0, "ok"), (0.05, "inconclusive"), (0.07, "inconclusive"), (0.12, "concern")]
)
def test_a_concern_needs_a_lower_bound_above_five_points(led, wanted):
    finding = run(ColourCue(), RIGHT | made(MANY, WIDE, led, [Colour()]), 3).finding
    assert finding.status == wanted
    found = finding.estimate("colour.reliance")
    assert found.value == pytest.approx(led)
    assert (found.low > 0.05) == (wanted == "concern")


def test_a_cue_that_may_be_the_object_is_neither_better_nor_worse():
    finding = status(BackgroundCue(), [Centre(), Border()])
    assert finding.estimate("centre.reliance").better == "neither"
    assert finding.estimate("border.reliance").better == "lower"


def test_without_any_transplant_it_is_not_asked():
    with pytest.raises(MissingEvidence, match="swap"):
        run(ColourCue(), RIGHT, 3)


# what is said


def estimate(name, low, high) -> Estimate:
    fields = {"n": 300, "unit": "fraction", "better": "lower", "method": "made up"}
    return Estimate(name=name, value=(low + high) / 2, low=low, high=high, **fields)


@pytest.mark.parametrize(
    ("low", "high", "capture", "wanted"),
    [
        (0.06, 0.1, 0.02, "It uses the colours as evidence for the class; accuracy that hangs on it: 8.0 points"),
        (0.06, 0.1, -0.02, "Its accuracy hangs on the colours fitting the class: 8.0 points (6.0 to 10.0, n = 300)."),
        (-0.03, 0.05, 0.02, "It was not seen to rely on the colours: 1.0 points"),
        (-0.04, 0.1, 0.02, "Inconclusive whether it relies on the colours: 3.0 points"),
    ],
)
def test_no_more_is_said_than_both_bounds_allow(low, high, capture, wanted):
    one = Swapped(Colour(), made(MANY, WIDE, 0, [Colour()])[Swap(Colour())], np.ones((1, 300)))
    by_name = {e.name: e for e in (estimate("colour.reliance", low, high), estimate("colour.capture", capture, 0.1))}
    assert sentence(one, by_name).startswith(wanted)


def test_the_headline_names_the_strongest_direction():
    values = made(MANY, WIDE, 0.5, [Colour()], donor_class=1)
    headline = run(ColourCue(), RIGHT | values, 3).finding.headline
    assert "With the colours of bee, 50.0 % (" in headline
    assert "more images of other classes are answered bee" in headline


def test_directions_are_judged_after_holm():
    values = made(MANY, WIDE, 0.06, [Colour()], donor_class=1)
    one = Swapped(Colour(), values[Swap(Colour())], np.ones((1, 300)))
    found = directions(one)
    assert [found[c][0].value for c in range(3)] == pytest.approx([0, 0.06, 0])
    assert found[1][0].low > 0  # alone it would be seen
    raw = [reliance.p_value(found[c][0]) for c in range(3)]
    assert raw[1] < 0.05 < 3 * raw[1]
    assert [found[c][1] for c in range(3)] == pytest.approx(stats.holm(raw))
    assert "With the colours" not in run(ColourCue(), RIGHT | values, 3).finding.headline


# classes


def test_a_class_whose_donors_spoil_every_image_is_not_taken_for_one_that_is_relied_on():
    labels, table = np.arange(1200) % 4, a_table(np.arange(1200) % 4, np.arange(2400) % 4)
    spoiled = table.classes == 3  # whatever gets its cue from class 3 is answered wrong
    answers = np.where(spoiled, (labels + 1) % 4, labels)
    values = {Predict(): predictions(labels, labels, 4), Swap(Colour()): swaps(labels, table, answers, 4)}
    finding = run(ColourCue(), values, 4).finding
    adjusted = finding.estimate("colour.reliance[dog]")
    assert adjusted.value == pytest.approx(0, abs=1e-12)  # the plain difference of its images is −1
    assert adjusted.n == 300


def test_a_class_that_lends_and_has_no_test_image_is_no_crash():
    labels, table = np.arange(200) % 2, a_table(np.arange(200) % 2, np.arange(300) % 3)
    assert 2 in table.classes
    values = {Predict(): predictions(labels, labels, 3)} | made(labels, table, 0.5, [Colour()])
    finding = run(ColourCue(), values, 3).finding
    assert {e.name for e in finding.estimates if "[" in e.name} == {"colour.reliance[ant]", "colour.reliance[bee]"}


def test_a_small_class_in_which_nothing_was_seen_has_a_wide_interval():
    labels = np.repeat([0, 1, 2], [490, 490, 20])
    values = {Predict(): predictions(labels, labels, 3)}
    values |= made(labels, a_table(labels, np.arange(300) % 3), 0.0, [Colour()])
    finding = run(ColourCue(), values, 3).finding
    small, large = finding.estimate("colour.reliance[cat]"), finding.estimate("colour.reliance[ant]")
    assert small.high > 1.5 / 20  # two pseudo-rows among 20 images, not among 1,000
    assert large.high < 5 / 490


@pytest.mark.parametrize("small", [100, 40])
def test_the_class_balanced_mean_is_shown_where_classes_are_unequal(small):
    labels = np.repeat([0, 1, 2], [120, 120, small])
    table = a_table(labels, np.arange(300) % 3)
    answers = np.stack([labels, np.where(labels == 2, table.classes[0, 1], labels)])[None]
    values = {Predict(): predictions(labels, labels, 3), Swap(Colour()): swaps(labels, table, answers, 3)}
    finding = run(ColourCue(), values, 3).finding
    assert finding.estimate("colour.reliance").value == pytest.approx(small / (240 + small))
    names = {e.name for e in finding.estimates}
    assert ("colour.balanced_reliance" in names) == (120 / small > BALANCED_FROM)
    if small == 40:
        assert finding.estimate("colour.balanced_reliance").value == pytest.approx(1 / 3)


# shares and the where map


def test_shares_of_border_and_centre_add_up_to_1():
    values = made(MANY, WIDE, 0.5, [Centre()]) | made(MANY, WIDE, 0.1, [Border()])
    finding = run(BackgroundCue(), RIGHT | values, 3).finding
    assert finding.estimate("border.reliance_share").value == pytest.approx(1 / 6)
    assert finding.estimate("centre.reliance_share").value == pytest.approx(5 / 6)


def test_shares_need_all_parts_of_the_image():
    finding = run(TextureCue(), RIGHT | made(MANY, WIDE, 0.1, [Fine(), Coarse()]), 3).finding
    assert not [e for e in finding.estimates if "share" in e.name]


def test_the_where_map_has_the_cells_in_their_places():
    values = made(MANY, WIDE, 0.0, [Border(), *grid()]) | made(MANY, WIDE, 0.5, [Cell(1, 3)])
    finding = run(BackgroundCue(), RIGHT | values, 3).finding
    (block,) = (b for b in finding.blocks if isinstance(b, Grid))
    seen = [[finding.estimate(name).value for name in row] for row in block.estimates]
    assert seen == pytest.approx(np.array([[0, 0, 0, 0], [0, 0, 0, 0.5], [0, 0, 0, 0], [0, 0, 0, 0]]))


def test_corners_only_asks_for_four_cells_and_draws_no_map():
    check = BackgroundCue(corners_only=True)
    assert sum(isinstance(one, Cell) for one in check.transplants()) == 4
    assert sum(isinstance(one, Cell) for one in BackgroundCue(cells=8).transplants()) == 64
    values = made(MANY, WIDE, 0.0, [Border(), *(c for c in grid() if c.corner)])
    assert not [b for b in run(check, RIGHT | values, 3).finding.blocks if isinstance(b, Grid)]


# nothing in, nothing out


def test_answers_that_do_not_depend_on_the_donor_raise_no_concern_and_exclude_0_no_more_often_than_they_may():
    """200 data sets of 400 images that are answered right in 60 %, whatever the donor."""
    random, times = np.random.default_rng(5), 200
    labels = np.arange(400) % 4
    tables = [a_table(labels, np.arange(200) % 4, seed) for seed in range(8)]
    excluded = {"reliance": 0, "capture": 0, "artefact": 0, "direction": 0}
    concerns = 0
    for k in range(times):
        wrong = (labels + random.integers(1, 4, (3, 400))) % 4
        answers = np.where(random.random((3, 400)) < 0.6, labels, wrong)
        plain = (answers[2] == labels).astype(float)[None]
        one = Swapped(Colour(), swaps(labels, tables[k % 8], answers[None, :2], 4), plain)
        by_name = {e.name: e for e in cue_estimates(one)}
        concerns += _status([one], by_name) == "concern"
        for name in ("reliance", "capture", "artefact"):
            found = by_name[f"colour.{name}"]
            excluded[name] += int(not found.low <= 0 <= found.high)
        excluded["direction"] += int(min(p for _, p in directions(one).values()) < 0.05)
    assert concerns == 0
    for name, times_excluded in excluded.items():
        assert clopper_pearson(times_excluded, times, 0.998).low <= 0.05, name
    assert excluded["reliance"] > 0  # 10 expected: an interval that is never wrong says nothing


def test_a_model_that_errs_at_random_under_conflict_is_not_said_to_follow_the_donor():
    random = np.random.default_rng(0)
    labels, table = np.arange(1200) % 4, a_table(np.arange(1200) % 4, np.arange(2400) % 4)
    lost = np.where(random.random(1200) < 0.3, (labels + random.integers(1, 4, 1200)) % 4, labels)
    values = {Swap(Colour()): swaps(labels, table, np.stack([labels, lost])[None], 4)}
    headline = run(ColourCue(), values | {Predict(): predictions(labels, labels, 4)}, 4).finding.headline
    assert headline.startswith("Its accuracy hangs on the colours fitting the class")
