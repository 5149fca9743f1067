"""The finding about recipes: what it concludes, what it lists, and what it refuses; on studies written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_made import add, begin, estimate, rated

from eyetest import pairing
from eyetest.__main__ import code
from eyetest.cli.show import show_findings
from eyetest.errors import UserError
from eyetest.records import Finding, Table
from eyetest.store import RunDir

N = 1000


def answers(rate: float, seed: int) -> np.ndarray:
    """Right answers of one training; which images are hard is the same for all."""
    hard = np.random.default_rng(1).random(N)
    return (np.clip(hard + np.random.default_rng(seed).normal(0, 0.05, N), 0, 1) < rate).astype(float)


def study(path: Path, rates: dict[str, tuple[float, ...]], *, kind: str = "study", better: str = "higher") -> RunDir:
    """A study whose trainings answer so many images right."""
    seeds = len(next(iter(rates.values())))
    names = [f"{recipe}-{seed}" for seed in range(seeds) for recipe in rates]
    run = begin(path, children=tuple(names))
    for place, name in enumerate(names):
        recipe, seed = name.rsplit("-", 1)
        rated(begin(path / name), "ACC001", "accuracy", answers(rates[recipe][int(seed)], 10 + place), better=better)
    config = {"recipes": [{"name": recipe} for recipe in rates], "seeds": seeds}
    data = run.record.data.model_copy(update={"images": {"test": N}})
    run.write_record(run.record.model_copy(update={"kind": kind, "config": config, "models": (), "data": data}))
    return run


def table(finding: Finding, title: str) -> Table:
    return next(block for block in finding.blocks if isinstance(block, Table) and block.title.startswith(title))


A, B = (0.70, 0.71, 0.705), (0.80, 0.79, 0.795)


def test_a_better_recipe_is_better_and_the_page_and_the_terminal_say_so(tmp_path, capsys):
    run = study(tmp_path / "s", {"old": A, "new": B})
    found = pairing.compare_seeds(run)
    assert run["SEED001"] == found
    assert (found.status, found.name, found.title) == ("ok", "seeds", "Seeds")
    assert found.question == "Does the difference hold for other trainings of the same recipes?"
    assert found.headline.startswith("new is better than old also in other trainings: accuracy ")
    assert "With 3 seeds a difference below " in found.headline
    accuracy = found.estimate("accuracy")
    means = [
        np.mean([answers(rate, 10 + 2 * k + side) for k, rate in enumerate(rates)]) for side, rates in ((0, A), (1, B))
    ]
    assert accuracy.value == pytest.approx(means[1] - means[0])
    assert accuracy.low < accuracy.value < accuracy.high
    assert accuracy.unit == "fraction (B − A)"
    row = dict(zip(table(found, "Main").columns, table(found, "Main").rows[0], strict=True))
    assert row["difference"] == pytest.approx(100 * accuracy.value)
    assert row["smallest tellable"] == pytest.approx(50 * (accuracy.high - accuracy.low))
    assert row["p"] == row["p (Holm)"] == "< 0.01"
    assert [block.kind for block in found.blocks] == ["forest", "scalar", "note", "table", "table"]
    spread = table(found, "The spread")
    assert spread.columns[3:] == ("seed 0", "seed 1", "seed 2")
    assert spread.rows[0][3:] == pytest.approx([100 * answers(rate, 10 + 2 * k).mean() for k, rate in enumerate(A)])
    assert found.headline in run.report().read_text(encoding="utf-8")
    show_findings([run], as_json=False)
    assert "SEED001" in capsys.readouterr().out


def test_worse_and_undecided_recipes(tmp_path):
    worse = pairing.compare_seeds(study(tmp_path / "w", {"old": B, "new": A}))
    assert worse.status == "concern"
    assert "new is worse than old" in worse.headline
    lower = pairing.compare_seeds(study(tmp_path / "l", {"old": B, "new": A}, better="lower"))
    assert lower.status == "ok"
    other = pairing.compare_seeds(study(tmp_path / "n", {"old": B, "new": A}, better="neither"))
    assert "new is different from old" in other.headline
    same = pairing.compare_seeds(study(tmp_path / "s", {"old": A, "new": A}))
    assert same.status == "inconclusive"
    assert same.headline.startswith("Whether new differs from old in accuracy cannot be told: ")


def test_two_seeds_make_no_claim(tmp_path):
    run = study(tmp_path / "s", {"old": A[:2], "new": B[:2]})
    found = pairing.compare_seeds(run)
    assert found.status == "inconclusive"
    assert found.estimates == ()
    assert found.headline.startswith("With 2 trainings each, luck and recipe cannot be told apart: ")
    assert "at least 3 seeds" in found.headline
    row = dict(zip(table(found, "Main").columns, table(found, "Main").rows[0], strict=True))
    assert [row[name] for name in ("low", "high", "p", "p (Holm)", "smallest tellable")] == [None] * 5
    assert row["seed sd A"] >= 0
    assert "SEED001" in run.report().read_text(encoding="utf-8")


def test_five_seeds_do_not_need_ranges_apart(tmp_path):
    found = pairing.compare_seeds(study(tmp_path / "s", {"old": (0.7,) * 5, "new": (0.8,) * 5}))
    assert "no training of one recipe overlaps" not in next(b.text for b in found.blocks if b.kind == "note")
    assert not [limit for limit in found.limits if "normal luck" in limit]
    assert not [limit for limit in found.limits if "calibration error (ECE)" in limit]


def test_what_noise_does_to_calibration_errors_is_said_where_they_are_compared(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    for child in run.children:
        ids, columns = child.scores("ACC001")
        right = columns["correct"]
        fields = {"n": N, "better": "lower", "statistic": "ece_debiased", "columns": ("sure", "correct")}
        add(child, "CAL001", estimate("ece_debiased", 0.1, 0.05, 0.15, **fields))
        child.write_scores("CAL001", ids, {"sure": np.linspace(0.5, 1, N), "correct": right})
    found = pairing.compare_seeds(run)
    assert found.estimate("ece_debiased")
    assert [limit for limit in found.limits if "calibration error (ECE)" in limit]


def test_every_other_recipe_is_compared_with_the_first_at_a_stricter_level(tmp_path):
    found = pairing.compare_seeds(study(tmp_path / "s", {"old": A, "new": B, "third": A}))
    assert {e.name: e.confidence for e in found.estimates} == {"accuracy[new]": 0.975, "accuracy[third]": 0.975}
    two = pairing.compare_seeds(study(tmp_path / "t", {"old": A, "new": B}))
    assert two.estimate("accuracy").confidence == 0.95
    assert "new is better" in found.headline
    assert "third differs from old" in found.headline
    assert len(table(found, "Main").rows) == 2
    assert len(table(found, "The spread").rows) == 3


def test_what_not_all_audits_answered_is_named(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    for child in run.children[:-1]:
        rated(child, "FIT001", "gap", answers(0.1, 5), better="lower")
        rated(child, "DAT001", "accuracy", answers(0.1, 5))
    found = pairing.compare_seeds(run)
    assert [limit for limit in found.limits if "FIT001 (no number in new-2)" in limit]
    assert "DAT001" not in " ".join(found.limits)
    assert [e.name for e in found.estimates] == ["accuracy"]
    rated(run.children[-1], "FIT001", "gap", answers(0.1, 5), better="lower")
    rated(run.children[-1], "DAT001", "accuracy", answers(0.1, 5))
    assert [e.name for e in pairing.compare_seeds(run).estimates] == ["accuracy", "gap"]


def test_nothing_in_common_is_not_applicable(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    for child in run.children:
        (child.path / "findings" / "ACC001.json").unlink()
    found = pairing.compare_seeds(run)
    assert found.status == "not_applicable"
    assert found.estimates == ()


def test_names_of_two_checks_do_not_collide(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    for child in run.children:
        rated(child, "XYZ001", "accuracy", answers(0.5, 3))
    assert [e.name for e in pairing.compare_seeds(run).estimates] == ["accuracy", "XYZ001.accuracy"]


def test_audits_of_other_images_are_compared_with_wider_intervals(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    before = pairing.compare_seeds(run).estimate("accuracy")
    for place, child in enumerate(run.children):
        values = run.children[place].scores("ACC001")[1]["correct"]
        rated(child, "ACC001", "accuracy", values, first_id=1000 * (place // 2))
    after = pairing.compare_seeds(run).estimate("accuracy")
    assert after.value == pytest.approx(before.value)
    assert after.high - after.low > before.high - before.low
    assert "each seed's own" in after.method


def test_what_is_no_finished_study_of_seeds_is_refused(tmp_path):
    for number, run in enumerate(
        (
            study(tmp_path / "one", {"old": A[:1], "new": B[:1]}),
            study(tmp_path / "alone", {"old": A}),
            study(tmp_path / "audit", {"old": A, "new": B}, kind="audit"),
        )
    ):
        with pytest.raises(UserError, match="two recipes and two seeds"):
            pairing.compare_seeds(run.path)
        assert run.finding("SEED001") is None, number
    run = study(tmp_path / "cut", {"old": A, "new": B})
    run.children[-1].update("interrupted")
    with pytest.raises(UserError, match="new-2 holds no finished audit"):
        pairing.compare_seeds(run)


def test_groups_are_resampled_together(tmp_path):
    run = study(tmp_path / "s", {"old": A, "new": B})
    alone = pairing.compare_seeds(run).estimate("accuracy")
    for child in run.children:
        record = child.record
        child.write_record(record.model_copy(update={"data": record.data.model_copy(update={"group": "scene"})}))
        ids = [f"test-{row}" for row in range(N)]
        child.write_samples({"id": ids, "group": [f"scene {row // 20}" for row in range(N)]})
    found = pairing.compare_seeds(run)
    assert "50 groups" in found.estimate("accuracy").method
    assert found.estimate("accuracy").value == pytest.approx(alone.value)
    for child in run.children:
        child.write_samples({"id": [f"test-{row}" for row in range(N)], "group": ["one"] * N})
    assert pairing.compare_seeds(run).status == "not_applicable"


def test_the_command_with_one_study_compares_its_seeds_and_writes_its_page_again(tmp_path, capsys):
    run = study(tmp_path / "s", {"old": A, "new": B})
    assert code(["compare", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert "SEED001" in said
    assert "new is better than old also in other trainings" in " ".join(said.split())
    assert run["SEED001"].headline in run.page.read_text(encoding="utf-8")
    assert code(["compare", str(run.path), "--out", str(tmp_path / "o")]) == 2
    assert "which keeps its comparison" in " ".join(capsys.readouterr().err.split())
