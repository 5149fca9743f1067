"""How often intervals hold the truth and tests raise false alarms, by simulation; writes docs/results/coverage.md.

A row that is done is kept in --out and not made again; a killed run goes on where it was.

python benchmarks/coverage.py [--out build/coverage.json] [--page docs/results/coverage.md] [--processes 1] [--only tango]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simulated as sim
from simulated import RESAMPLES, N, counts, grouped, holds, pairs, repeated, resampled, swapped

from eyetest import clustered, stats
from eyetest.store import replacing

SIMULATIONS, CHEAP = 2000, 20
"""Comparisons a row; so many times more where one costs next to nothing."""


@dataclass(frozen=True)
class Row:
    kind: str
    """approximate, exact, cautious or null."""
    what: str
    where: str
    simulate: sim.Simulate
    n: int = N
    times: int = 1
    level: float = 0.05
    """Of a null."""

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.what}; {self.where}"

    @property
    def target(self) -> tuple[float, float]:
        return {"approximate": (0.93, 0.97), "exact": (0.95, 1.0), "cautious": (0.93, 1.0), "null": (0.0, self.level)}[
            self.kind
        ]


def paired_tango(only_a: float, only_b: float, n: int) -> Row:
    simulate = pairs(lambda *found: holds(stats.tango(*found), only_a - only_b), only_a, only_b, n)
    where = f"{only_a:.1%} only the first right, {only_b:.1%} only the second"
    return Row("approximate", "Tango", where, simulate, n, CHEAP)


def mcnemar(number: int, said: str, n: int) -> Row:
    simulate = pairs(lambda a, b, c, d: stats.mcnemar(b, c)[number] < 0.05, 0.03, 0.03, n)
    return Row("null", f"McNemar {said}", f"6 % of {n:,} images differ", simulate, n, CHEAP)


def errors_of_calibration() -> list[Row]:
    logistic = {
        "too sure": sim.SHARP, "slightly too sure": sim.SLIGHT, "hardly too sure": sim.NEARLY,
        "calibrated": sim.CALIBRATED, "not sure enough": sim.UNSURE, "few errors, too sure": sim.Model(5.0, 1.4),
    }  # fmt: skip
    worlds = {name: sim.logistic(model) for name, model in logistic.items()}
    worlds |= {
        "confidences spread out, .05 too sure above .7": sim.stated(1.1, 0.9, lambda stated: 0.05 * (stated > 0.7)),
        "calibrated but from .7 to .78": sim.stated(2.5, 0.8, lambda stated: 0.25 * ((stated > 0.7) & (stated < 0.78))),
    }

    def row(where: str, n: int, statistic: str = "ece_debiased", bins: int = stats.BINS) -> Row:
        said = {"ece": "ECE", "ece_debiased": "debiased ECE"}[statistic]
        simulate = sim.calibration_error(worlds[where], n, statistic=statistic, bins=bins)
        return Row("cautious", f"inverted test, {said} of {bins} bins", f"{where}, {n:,} images", simulate, n)

    return [
        *(row(where, n) for where in worlds for n in (1000, 5000, 10_000)),
        *(row(where, N, statistic="ece") for where in ("too sure", "slightly too sure", "calibrated")),
        *(row(where, N, bins=bins) for bins in (5, 50) for where in ("slightly too sure", "calibrated")),
    ]


def differences_of_calibration() -> list[Row]:
    calibrated, slight = sim.CALIBRATED, sim.SLIGHT
    pairs_of_models = {
        "both too sure": sim.two(sim.SHARP, sim.BETTER), "calibrated and slightly too sure": sim.two(calibrated, slight),
        "both calibrated": sim.two(calibrated, calibrated), "not sure enough and slightly too sure": sim.two(sim.UNSURE, slight),
        "the same answers, too sure and less so": sim.restated(1.6, 1.2),
        "the same answers, too sure and calibrated": sim.restated(1.6, 1.0),
        "the same answers, slightly too sure and not sure enough": sim.restated(1.15, 0.9),
    }  # fmt: skip
    recipes = {
        "too sure and less so": (sim.Recipe(1.6, 0.12), sim.Recipe(1.25, 0.04)),
        "calibrated and slightly too sure": (sim.Recipe(1.0, 0.03), sim.Recipe(1.15, 0.03)),
        "both calibrated": (sim.Recipe(1.0, 0.03), sim.Recipe(1.0, 0.03)),
    }
    pair, over = "difference of two debiased ECEs, as compared", "debiased ECE of two recipes, {} trainings each"
    return [
        *(Row("cautious", pair, f"{said}, {n:,} images", sim.calibration_errors(n, draw), n)
          for said, draw in pairs_of_models.items() for n in (N, 10 * N)),
        *(Row("cautious", over.format(k), f"{said}, {n:,} images", sim.calibration_of_trainings(n, k, *both), n)
          for said, both in recipes.items() for k, n in ((3, N), (3, 10 * N), (5, N))),
    ]  # fmt: skip


def rows() -> list[Row]:
    some, exact, null = "approximate", "exact", "null"
    single, paired, gain = "percentile bootstrap", "paired percentile bootstrap", "two models that differ"
    fisher = stats.fisher_greater(np.arange(41)[:, None], np.arange(41)[None], 40)
    alike = (sim.SHARP, sim.SHARP)
    return [
        *(Row(some, "Wilson", f"p = {p}", counts(lambda k, p=p: holds(stats.wilson(k, N), p), [p], [N]), N, CHEAP)
          for p in (0.5, 0.93, 0.99)),
        paired_tango(0.03, 0.03, N), paired_tango(0.02, 0.04, N), paired_tango(0.003, 0.002, N),
        paired_tango(0.06, 0.02, 100),
        Row(some, "Newcombe", "generalisation gap, .99 and .93",
            counts(lambda k, m: holds(stats.newcombe(k, N, m, N), 0.06), [0.99, 0.93], [N, N]), N, CHEAP),
        Row(some, f"{single}, NLL", "too sure", resampled("mean", sim.SHARP)),
        Row(some, f"{single}, augrc", "too sure", resampled("augrc", sim.SHARP)),
        Row(some, f"{paired}, NLL", gain, resampled("mean", sim.SHARP, sim.BETTER)),
        Row(some, f"{paired}, AURC", gain, resampled("aurc", sim.SHARP, sim.BETTER)),
        Row(some, f"{paired}, AUGRC", gain, resampled("augrc", sim.SHARP, sim.BETTER)),
        Row(some, "confident-error rate, as compared", "often wrong: paired bootstrap", sim.confident_errors(*sim.OFTEN_WRONG)),
        Row(some, "confident-error rate, as compared", "few errors: Tango", sim.confident_errors(sim.SHARP, sim.BETTER)),
        Row(some, "confident-error rate, as compared", "near ten errors: either",
            sim.confident_errors(sim.Model(1.6, 1.0), sim.Model(2.0, 1.0))),
        Row(some, "confident-error rate, as compared", "half an error is expected: Tango", sim.confident_errors(*sim.RARELY_WRONG)),
        Row(some, "DeLong", "AUROC, one in ten positive", repeated(sim.auroc_by_delong)),
        Row(some, "Student", "mean of skewed values",
            repeated(lambda random: holds(stats.mean_interval(random.beta(0.5, 2, N)), 0.2))),
        Row(some, "mean of shares", "classes of 20 to 500 images", repeated(sim.mean_over_classes), 770),
        Row(some, "temperature (M-estimator)", "T = 1.7", repeated(sim.temperature)),
        Row(some, "reliance, normal", "300 donors, shared", repeated(lambda random: holds(swapped(random, 1)[0], sim.RELIANCE))),
        Row(some, "reliance, paired", "two models, same donors", repeated(lambda random: holds(swapped(random, 2)[0], 0))),
        Row(some, "cluster-effective Wilson", "60 groups",
            grouped(lambda a, b, g: holds(clustered.wilson(a, g), 0.3), 0.3)),
        Row(some, "cluster-effective Tango", "60 groups, no difference",
            grouped(lambda a, b, g: holds(clustered.tango(b, a, g), 0), 0.3)),
        Row(some, "cluster-effective Tango", "60 groups, .05 better",
            grouped(lambda a, b, g: holds(clustered.tango(b, a, g), 0.05), 0.4)),
        *(Row(some, f"Welch over {k} trainings" if k < 5 else "hierarchical bootstrap, 5 trainings", world,
              sim.trainings(world, k), 300) for k in (3, 4, 5) for world in ("as in CIFAR-10", "trainings differ")),
        *errors_of_calibration(),
        *differences_of_calibration(),
        *(Row(exact, "Clopper–Pearson", f"p = {p}",
              counts(lambda k, p=p, n=n: holds(stats.clopper_pearson(k, n), p), [p], [n]), n, CHEAP)
          for p, n in ((0.9, 20), (0.93, 100), (0.99, N))),
        *(mcnemar(number, said, n) for number, said in enumerate(("exact", "mid-p")) for n in (N, 200)),
        Row(null, "Tango excludes 0", "6 % of images differ",
            pairs(lambda *found: not holds(stats.tango(*found), 0), 0.03, 0.03), N, CHEAP),
        *(Row(null, f"binomial {said}", f"direction of 40 confusions, chance {p}",
              counts(lambda k, p=p, number=number: stats.binomial(k, 40, p)[number] < 0.05, [p], [40]), 40, CHEAP)
          for number, said in enumerate(("exact", "mid-p")) for p in (0.5, 0.3)),
        Row(null, "Fisher, one-sided", "40 against 40",
            counts(lambda a, b: fisher[a, b] < 0.05, [0.3, 0.3], [40, 40]), 80, CHEAP),
        Row(null, "stratified Fisher, one-sided", "a weak slice, two classes",
            counts(sim.weak_slice, [0.05, 0.05, 0.2, 0.2], [60, 400, 40, 500])),
        Row(null, "Bowker", "symmetric confusions", repeated(sim.symmetric)),
        Row(null, "McNemar over groups", "60 groups",
            grouped(lambda a, b, g: clustered.mcnemar(a & ~b, b & ~a, g) < 0.05, 0.3)),
        Row(null, "reliance, paired", "p < .05", repeated(lambda r: swapped(r, 2)[1] < 0.05)),
        Row(null, "reliance, paired", "p < .0005: Holm's first step over 100",
            repeated(lambda r: swapped(r, 2)[1] < 0.0005), N, 10, 0.0005),
        *(Row(null, "difference of two debiased ECEs, p < 0.05", f"{said}, {n:,} images", sim.calibration_errors(n, sim.two(model, model), 0.05), n)
          for said, model in (("both too sure", sim.SHARP), ("both calibrated", sim.CALIBRATED)) for n in (N, 10 * N)),
        Row(null, "debiased ECE of two recipes, 3 trainings each, p < 0.05", "both too sure",
            sim.calibration_of_trainings(N, 3, *(sim.Recipe(1.6, 0.1),) * 2, 0.05)),
        *(Row(null, f"paired bootstrap, p < {level}", said, resampled(name, *alike, level=level), N, times, level)
          for name, said, more in (("mean", "NLL", 10), ("augrc", "AUGRC", 5))
          for level, times in ((0.05, 1), (0.0005, more))),
        Row(null, "Holm over 100 mid-p tests: any false alarm", "no true difference", sim.family(0)),
        Row(null, "Holm over 100 mid-p tests: any false alarm", "20 true differences", sim.family(20)),
    ]  # fmt: skip


ROWS = {row.name: row for row in rows()}
WHY = {
    "approximate: confident-error rate, as compared; half an error is expected: Tango": (
        "hardly ever is there an error at all, and then an interval of any use holds 0."
    ),
    "null: binomial mid-p; direction of 40 confusions, chance 0.3": (
        "a mid-p test keeps .05 on the average over chances, not at each; with classes of unequal size it may go above. It "
        "stands beside the exact test in ACC002's table and decides nothing."
    ),
}
"""Of rows outside their target: why."""


def simulated(name: str, simulations: int) -> dict[str, Any]:
    """One row, from random numbers of its own."""
    row, started = ROWS[name], time.perf_counter()
    hits = row.simulate(stats.generator(name), simulations * row.times)
    seconds = round(time.perf_counter() - started, 1)
    return {"hits": int(hits), "simulations": simulations * row.times, "seconds": seconds}


def line(row: Row, found: dict[str, Any]) -> tuple[str, bool]:
    """The row of the table, and whether it misses its target by more than the simulation's own error."""
    share, low, high = stats.clopper_pearson(found["hits"], found["simulations"])
    bottom, top = row.target
    verdict = "yes" if bottom <= share <= top else "within its error" if low <= top and high >= bottom else "**no**"
    digits = 5 if row.level < 0.01 else 3
    numbers = f"{share:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
    cells = (row.what, row.where, f"{row.n:,}", f"{found['simulations']:,}", numbers, verdict)
    return f"| {' | '.join(cells)} |", verdict == "**no**"


TABLES = {
    "approximate": ("Approximate intervals: .93 to .97", "coverage"),
    "exact": ("Exact intervals: at least .95", "coverage"),
    "cautious": ("Expected calibration error: at least .93", "coverage"),
    "null": ("Nothing to find: at most .05 false alarms", "false alarms"),
}
NOTES = {
    "cautious": (
        "How much noise adds to an ECE depends on gaps that the answers do not show, and no interval holds the truth in .95 of "
        "cases whatever these are (Cai & Low 2011). These hold it for the worst of them, and so more often for others, most of all "
        "where images are few or both models are nearly calibrated."
    )
}
"""Below the title of a table."""
HEAD = f"""# Do intervals hold the truth, and do tests cry wolf

```
python benchmarks/coverage.py --out build/coverage.json --page docs/results/coverage.md
```

{SIMULATIONS:,} simulated comparisons a row, more where they cost next to nothing; in brackets the exact 95 % interval of the simulation itself.
The functions are those of the product; the truth is known, or taken from two million images. Bootstraps use {RESAMPLES} resamples in place of the
1,000 of a comparison and the 2,000 of an audit, which costs about .003 of coverage; inverted tests use {RESAMPLES} draws in place of 2,000.
A row is simulated once and kept until its method changes, so rows come from several states of the code. One that misses its target is marked,
with the reason below.
"""


def page(found: dict[str, dict[str, Any]]) -> str:
    lines = [HEAD]
    for kind, (title, column) in TABLES.items():
        done = [(row, *line(row, found[row.name])) for row in ROWS.values() if row.kind == kind and row.name in found]
        lines += [
            f"## {title}",
            "",
            *([NOTES[kind], ""] if kind in NOTES else []),
            f"| method | situation | images | simulated | {column} | in target |",
        ]
        lines += ["|---|---|---|---|---|---|", *(text for _, text, _ in done), ""]
        missed = [row for row, _, outside in done if outside]
        lines += [f"- {row.what}, {row.where}: {WHY.get(row.name, 'the reason is not known.')}" for row in missed]
        lines += [""] if missed else []
    left = [row.name for row in ROWS.values() if row.name not in found]
    return "\n".join([*lines, *(f"Not simulated yet: {name}." for name in left)]).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/coverage.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/results/coverage.md"))
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    options = parser.parse_args()
    found = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    wanted = [name for name in ROWS if name not in found and options.only.lower() in name.lower()]
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(simulated, name, options.simulations): name for name in wanted}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            with replacing(options.out) as temporary:
                temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
            print(futures[future], found[futures[future]], flush=True)
            with replacing(options.page) as temporary:
                temporary.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
