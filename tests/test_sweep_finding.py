"""What a sweep concludes: known differences, no difference, few seeds, crashes, and a sweep that grew."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eyetest import stats
from eyetest.records import ChoiceRecord, CrashRecord, Finding, Forest, Table
from eyetest.sweep_finding import Found, OnTest, Trained, best, compare_cells
from eyetest.training.grid import Sweep, sweep_of

N = 1000
INGREDIENTS = {"good": {"flip": True}, "idle": {"crop": 2}}


def right(rate: float, seed: int = 0) -> np.ndarray:
    """Right answers; which images are hard is nearly the same for all."""
    hard = np.random.default_rng(1).random(N)
    return np.clip(hard + np.random.default_rng(seed).normal(0, 0.05, N), 0, 1) < rate


def found(seeds: int = 1, rates: tuple[float, ...] = (0.6, 0.7, 0.6, 0.7)) -> Found:
    """Base, base + good, base + idle, all; with the same noise in all where there is one seed."""
    sweep = sweep_of({"ingredient": INGREDIENTS, "seeds": seeds})
    trained = {
        cell.key: [Trained(right(rate, 0 if seeds == 1 else 10 * place + k), 2, 3, 1.5) for k in range(seeds)]
        for place, (cell, rate) in enumerate(zip(sweep.cells, rates, strict=True))
    }
    return Found(sweep, trained, {}, "f0")


def choice(sweep: Sweep, name: str, among: int | None = None) -> ChoiceRecord:
    chosen = next(cell for cell in sweep.cells if cell.name == name)
    return ChoiceRecord(
        chosen=chosen.folder,
        chosen_name=name,
        recipe=dataclasses.asdict(chosen.recipe),
        base=sweep.base.folder,
        seeds=tuple(range(sweep.seeds)),
        among=tuple(cell.folder for cell in sweep.cells[:among]),
    )


def table(finding: Finding, title: str) -> Table:
    return next(block for block in finding.blocks if isinstance(block, Table) and block.title.startswith(title))


def test_each_gain_is_the_paired_difference_with_holm_over_all():
    finding = compare_cells(found())
    first, second = right(0.6), right(0.7)
    won, gone = int((second & ~first).sum()), int((first & ~second).sum())
    interval = stats.tango(int((first & second).sum()), won, gone, int((~first & ~second).sum()))
    for setting in ("added to the base", "left out of all"):
        gain = finding.estimate(f"gain[good, {setting}]")
        assert (gain.value, gain.low, gain.high) == pytest.approx(interval)
        idle = finding.estimate(f"gain[idle, {setting}]")
        assert idle.value == 0 and idle.low < 0 < idle.high
    rows = {(row[0], row[1]): row for row in table(finding, "Differences in points, Holm over 4").rows}
    p = stats.mcnemar(won, gone)[1]
    assert p < 0.001 and rows["good", "added to the base"][-3:] == ("< 0.001", "< 0.001", "yes")
    assert rows["idle", "left out of all"][-3:] == ("1", "1", "no")
    assert "Of 4 differences on validation images, 2 can be told from the luck of images" in finding.headline
    assert "good (added to the base)" in finding.headline and "idle" not in finding.headline
    forest = next(block for block in finding.blocks if isinstance(block, Forest))
    assert forest.title == "What each ingredient bought" and len(forest.estimates) == 4


def test_each_cell_is_told_with_its_interval():
    finding = compare_cells(found())
    accuracy = finding.estimate("validation_accuracy[base + good]")
    assert (accuracy.value, accuracy.low, accuracy.high) == pytest.approx(stats.wilson(int(right(0.7).sum()), N))
    assert [row[0] for row in table(finding, "All cells").rows] == ["base", "base + good", "base + idle", "all"]
    assert table(finding, "All cells").rows[0][-4:] == ("2", 3, 1.5, "")


def test_nothing_is_told_of_equal_recipes():
    """Twenty sweeps of recipes that do the same: after Holm, at most the odd one says anything."""
    sweep = sweep_of({"ingredient": INGREDIENTS})
    told = 0
    for k in range(20):
        hard = np.random.default_rng(1000 + k).random(N)
        trained = {
            cell.key: [Trained(np.random.default_rng([k, place]).random(N) < hard, 1, 1, 1.0)]
            for place, cell in enumerate(sweep.cells)
        }
        told += "none can be told" not in compare_cells(Found(sweep, trained, {}, "f0")).headline
    assert told <= 3


def test_the_best_on_validation_is_the_first_of_equals():
    assert best(found()).name == "base + good"
    assert best(found(rates=(0.6, 0.6, 0.6, 0.6))).name == "base"
    assert best(dataclasses.replace(found(), trained={})) is None


def test_two_seeds_have_no_interval_and_three_have_one():
    two = compare_cells(found(2))
    assert [one.name for one in two.estimates if one.name.startswith("gain")] == []
    assert "luck and recipe cannot be told apart" in two.headline
    assert not [block for block in two.blocks if isinstance(block, Forest)]
    three = compare_cells(found(3))
    assert "Welch" in three.estimate("gain[good, added to the base]").method
    assert "good (added to the base)" in three.headline
    assert (
        three.estimate("gain[idle, added to the base]").low < 0 < three.estimate("gain[idle, added to the base]").high
    )


def test_the_test_figure_is_that_of_the_choice_and_of_the_base():
    before = found()
    assert compare_cells(before).status == "inconclusive"
    assert "no test image was read" in compare_cells(before).headline
    tested = OnTest([right(0.8)], [right(0.7)])
    finding = compare_cells(dataclasses.replace(before, choice=choice(before.sweep, "all"), tested=tested))
    assert finding.status == "ok"
    assert finding.estimate("test_accuracy[chosen]").value == right(0.8).mean()
    assert finding.estimate("test_gain").value == pytest.approx(right(0.8).mean() - right(0.7).mean())
    assert f"Chosen on validation images: all; on test {right(0.8).mean():.1%}" in finding.headline
    assert "grew" not in finding.headline
    worse = OnTest([right(0.7)], [right(0.8)])
    assert (
        compare_cells(dataclasses.replace(before, choice=choice(before.sweep, "all"), tested=worse)).status == "concern"
    )
    same = OnTest([right(0.7)], [right(0.7)])
    kept = compare_cells(dataclasses.replace(before, choice=choice(before.sweep, "base"), tested=same))
    assert "nothing is better than the base" in kept.headline


def test_a_sweep_that_grew_after_its_choice_says_so():
    before = found()
    tested = OnTest([right(0.7)], [right(0.6)])
    grown = dataclasses.replace(before, choice=choice(before.sweep, "base + good", among=3), tested=tested)
    assert (
        "The sweep grew after the test images were read: all had no part in the choice" in compare_cells(grown).headline
    )


def test_crashes_are_told_and_take_their_differences_with_them():
    whole = found()
    gone = whole.sweep.cells[2]
    trained = {key: value for key, value in whole.trained.items() if key != gone.key}
    crash = CrashRecord(error="RecipeError", message="<script>alert(1)</script> diverged", diverged=True)
    finding = compare_cells(dataclasses.replace(whole, trained=trained, crashes={f"{gone.folder}-0": crash}))
    assert finding.headline.startswith("1 of 4 trainings crashed.")
    assert table(finding, "Crashed").rows[0][0] == f"{gone.folder}-0"
    assert any("missing" in limit and "gain[idle, added to the base]" in limit for limit in finding.limits)
    assert compare_cells(dataclasses.replace(whole, trained={})).status == "not_applicable"


def test_images_in_groups_say_less():
    groups = np.repeat(np.arange(N // 10), 10)
    plain, grouped = found(), dataclasses.replace(found(), groups=groups)
    name = "validation_accuracy[base]"
    one, other = (compare_cells(each).estimate(name) for each in (plain, grouped))
    assert other.high - other.low > one.high - one.low
    assert "100 groups" in other.method
    assert "100 groups" in compare_cells(grouped).estimate("gain[good, added to the base]").method
