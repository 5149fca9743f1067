"""The coverage benchmark at small size, so that it cannot rot; the table itself is docs/results/coverage.md."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TANGO = "approximate: Tango; 2.0% only the first right, 4.0% only the second"
MID_P = "null: McNemar mid-p; 6 % of 1,000 images differ"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import coverage

    assert Path(coverage.__file__).parent == BENCHMARKS
    yield coverage
    for name in ("coverage", "simulated"):
        del sys.modules[name]


def test_a_row_is_repeatable_and_near_what_it_should_be(benchmark) -> None:
    found = benchmark.simulated(TANGO, 100)
    assert found["hits"] == benchmark.simulated(TANGO, 100)["hits"]
    assert found["simulations"] == 2000
    assert 0.92 < found["hits"] / 2000 < 0.98
    assert benchmark.simulated(MID_P, 100)["hits"] < 0.07 * 2000


def test_the_rows_are_told_apart_and_bad_ones_are_marked(benchmark) -> None:
    assert len(benchmark.ROWS) == len(benchmark.rows())
    bad = {"hits": 1700, "simulations": 2000, "seconds": 1.0}
    good = {"hits": 1900, "simulations": 2000, "seconds": 1.0}
    edge = {"hits": 1855, "simulations": 2000, "seconds": 1.0}
    row = benchmark.ROWS[TANGO]
    assert [benchmark.line(row, one)[0].split("| ")[-1] for one in (bad, good, edge)] == [
        "**no** |",
        "yes |",
        "within its error |",
    ]
    assert benchmark.line(benchmark.ROWS[MID_P], {**bad, "hits": 140})[1]
    text = benchmark.page({TANGO: bad})
    assert "- Tango, 2.0% only the first right, 4.0% only the second: the reason is not known." in text
    assert f"Not simulated yet: {MID_P}." in text


def test_intervals_of_the_ece_hold_the_truth_of_the_bins(benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulated.POPULATION", 200_000)
    monkeypatch.setattr("simulated.RESAMPLES", 200)
    for where in ("too sure", "calibrated"):
        name = f"cautious: inverted test, debiased ECE of 15 bins; {where}, 1,000 images"
        assert benchmark.simulated(name, 100)["hits"] >= 88


@pytest.mark.slow
def test_every_row_can_be_simulated(benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulated.POPULATION", 20_000)
    monkeypatch.setattr("simulated.RESAMPLES", 50)
    for name, row in benchmark.ROWS.items():
        found = benchmark.simulated(name, 10)
        assert 0 <= found["hits"] <= found["simulations"] == 10 * row.times


@pytest.mark.slow
def test_rows_that_are_done_are_not_made_again(
    benchmark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys
) -> None:
    out, page = tmp_path / "found.json", tmp_path / "page.md"
    monkeypatch.setattr(
        sys, "argv", ["coverage.py", "--out", str(out), "--page", str(page), "--simulations", "20", "--only", "clopper"]
    )
    benchmark.main()
    assert capsys.readouterr().out.count("Clopper") == 3
    benchmark.main()
    assert "Clopper" not in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").count("| Clopper") == 3
