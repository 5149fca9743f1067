"""How often intervals hold the truth and tests raise false alarms, by simulation; writes docs/results/coverage.md.

A row that is done is kept in --out and not made again; a killed run goes on where it was.

python benchmarks/coverage.py [--out build/coverage.json] [--page docs/results/coverage.md] [--processes 1] [--only tango]
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import special
from scipy.stats import norm

from eyetest import calibrated, clustered, reliance, stats
from eyetest.exam.seed_coverage import WORLDS, covered
from eyetest.stats import Array, Interval
from eyetest.store import replacing

SIMULATIONS, CHEAP = 2000, 20
"""Comparisons a row; so many times more where one costs next to nothing."""
RESAMPLES = 500
"""An audit takes 2,000, a comparison 1,000; fewer make an interval a little too short."""
SAME = 50
"""Comparisons that share their resamples, as the statistics of one audit do."""
N, POPULATION, FAMILY = 1000, 2_000_000, 100
Random = np.random.Generator
Simulate = Callable[[Random, int], int]
"""Of so many comparisons, how many intervals hold the truth, or how many tests reject what is true."""


@dataclass(frozen=True)
class Row:
    what: str
    where: str
    kind: str
    """approximate, exact or null."""
    simulate: Simulate
    n: str = f"{N:,}"
    times: int = 1
    level: float = 0.05
    """Of a null."""

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.what}; {self.where}"


def holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def excludes(interval: Interval) -> bool:
    return not holds(interval, 0.0)


def counted(drawn: Array) -> Iterator[tuple[list[int], int]]:
    """Each outcome that was drawn, and how often."""
    outcomes, times = np.unique(drawn.reshape(len(drawn), -1), axis=0, return_counts=True)
    yield from zip(outcomes.tolist(), times.tolist(), strict=True)


def proportion(interval: Callable[[int, int], Interval], p: float, n: int = N) -> Simulate:
    def simulate(random: Random, simulations: int) -> int:
        drawn = random.binomial(n, p, simulations)
        return sum(times * holds(interval(k, n), p) for (k,), times in counted(drawn))

    return simulate


def pairs(judge: Callable[..., bool], only_first: float, only_second: float, n: int = N) -> Simulate:
    """Both right, only the first, only the second, neither: `judge` reads the four counts."""
    chances = [0.9 - only_first, only_first, only_second, 0.1 - only_second]

    def simulate(random: Random, simulations: int) -> int:
        drawn = random.multinomial(n, chances, simulations)
        return sum(times * judge(*counts) for counts, times in counted(drawn))

    return simulate


def apart(judge: Callable[..., bool], p: Sequence[float], n: Sequence[int]) -> Simulate:
    """Two or more independent counts."""

    def simulate(random: Random, simulations: int) -> int:
        drawn = random.binomial(np.array(n), np.array(p), (simulations, len(n)))
        return sum(times * judge(*counts) for counts, times in counted(drawn))

    return simulate


class Model(NamedTuple):
    """Logit of being right: normal with this mean and deviation 1.5; the stated logit is `sharpness` times that."""

    mean: float
    sharpness: float


CALIBRATED, SHARP, BETTER = Model(2.5, 1.0), Model(2.5, 1.6), Model(3.0, 1.2)


def answers(models: Sequence[Model], n: int, random: Random) -> list[dict[str, Array]]:
    """Confidence, correct and so on of each model on n images that are as hard, and as lucky, for both in part."""
    hard, luck, found = random.normal(size=n), random.normal(size=n), []
    for model in models:
        logit = model.mean + 1.5 * (math.sqrt(0.7) * hard + math.sqrt(0.3) * random.normal(size=n))
        right = norm.cdf(math.sqrt(0.5) * luck + math.sqrt(0.5) * random.normal(size=n)) < special.expit(logit)
        confidence, correct = special.expit(model.sharpness * logit), right.astype(np.float64)
        loss = np.where(right, -np.log(confidence), -special.log_expit(-model.sharpness * logit))
        found.append({"confidence": confidence, "correct": correct, "wrong": 1 - correct, "loss": loss})
    return found


COLUMNS = {"mean": ("loss",), "ece": ("confidence", "correct"), "ece_debiased": ("confidence", "correct")}


def columns(statistic: str, side: dict[str, Array]) -> list[Array]:
    return [side[name] for name in COLUMNS.get(statistic, ("confidence", "wrong"))]


@lru_cache
def truth(statistic: str, models: tuple[Model, ...]) -> float:
    """Of one model, or second minus first, on very many images."""
    sides = answers(models, POPULATION, np.random.default_rng(1))
    values = [stats.STATISTICS[statistic](*columns(statistic, side)) for side in sides]
    return values[0] if len(models) == 1 else values[1] - values[0]


def resampled(statistic: str, *models: Model, basic: bool = False, null: bool = False) -> Simulate:
    """Bootstrap of one model's statistic, or of the paired difference of two."""
    function = stats.STATISTICS[statistic]

    def simulate(random: Random, simulations: int) -> int:
        goal, hits = 0.0 if null else truth(statistic, models), 0
        for number in range(simulations):
            read = [columns(statistic, side) for side in answers(models, N, random)]
            make = stats.basic_bootstrap if basic else stats.bootstrap
            if len(models) == 2:
                make = partial(stats.paired_difference, function, read[0])
                found = make(read[1], str(number // SAME), resamples=RESAMPLES)
            else:
                found = make(function, read[0], str(number // SAME), resamples=RESAMPLES)
            hits += excludes(found) if null else holds(found, goal)
        return hits

    return simulate


def few_errors(random: Random, simulations: int) -> int:
    """Error rates among the surest fifth, too rare to resample."""
    models, hits = (Model(4.5, 1.0), Model(5.0, 1.0)), 0
    goal = truth("error_rate_at_coverage", models)
    for _ in range(simulations):
        rates = [stats.error_rate_at_coverage(s["confidence"], s["wrong"]) for s in answers(models, N, random)]
        first, second = (stats.wilson(round(rate * N / 5), N // 5) for rate in rates)
        hits += holds(stats.difference_of_intervals(second, first), goal)
    return hits


def auroc_by_delong(random: Random, simulations: int) -> int:
    goal, hits = 1 - special.ndtr(-1 / math.sqrt(2)), 0
    for _ in range(simulations):
        positive = random.random(N) < 0.1
        hits += holds(stats.delong(random.normal(size=N) + positive, positive), goal)
    return hits


def mean_of_skewed(random: Random, simulations: int) -> int:
    return sum(holds(stats.mean_interval(random.beta(0.5, 2, N)), 0.2) for _ in range(simulations))


def mean_over_classes(random: Random, simulations: int) -> int:
    n, p = np.array([20, 50, 200, 500]), np.array([0.95, 0.8, 0.6, 0.9])
    drawn = random.binomial(n, p, (simulations, 4))
    return sum(holds(stats.mean_of_shares(hits, n), float(p.mean())) for hits in drawn)


def temperature(random: Random, simulations: int) -> int:
    hits = 0
    for _ in range(simulations):
        logits = 2 * random.normal(size=(N, 5))
        labels = (logits + random.gumbel(size=(N, 5))).argmax(1)
        fitted = calibrated.fit_temperature(1.7 * logits, labels)
        hits += fitted.low <= 1.7 <= fitted.high
    return hits


def grouped(judge: Callable[[Array, Array, Array], bool], second_rate: float) -> Simulate:
    """60 groups of 1 to 32 images; a group's images are alike (intraclass correlation .3), half of the groups alike twice."""

    def simulate(random: Random, simulations: int) -> int:
        hits = 0
        for _ in range(simulations):
            place = np.repeat(np.arange(60), random.integers(1, 33, 60))
            chances = [random.beta(r * 7 / 3, (1 - r) * 7 / 3, 60)[place] for r in (0.3, second_rate)]
            first, other = (random.random(len(place)) < chance for chance in chances)
            second = np.where(random.random(60)[place] < 0.5, first, other)
            hits += judge(first, second, place)
        return hits

    return simulate


LABELS, LENDERS = np.arange(N) % 5, np.arange(300) % 5
THRESHOLDS = np.array([[0.9], [0.4]])
"""Of the answer with a donor of the own class, and of another; ability, donor and noise have deviation 1."""


def swapped(random: Random, models: int) -> list[list[Array]]:
    """Columns of each model for swap_difference on new images and new donors."""
    classes = np.stack([LABELS, (LABELS + random.integers(1, 5, N)) % 5])
    donors = classes + 5 * random.integers(0, 60, (2, N))
    ability, lent = random.normal(size=N), random.normal(size=len(LENDERS))
    sign, found = np.array([[1.0], [-1.0]]), []
    for _ in range(models):
        right = THRESHOLDS + ability + sign * lent[donors] + random.normal(size=(2, N)) > 0
        found.append([*right.astype(np.float64), *donors, classes[1], LABELS])
    return found


def reliance_of(models: int, p_below: float | None = None) -> Simulate:
    """Intervals that hold the reliance, or the difference of two equal models; with `p_below` those p-values below it."""
    above = norm.cdf(THRESHOLDS[:, 0] / math.sqrt(3))
    goal = 0.0 if models == 2 else float(above[0] - above[1])

    def one(random: Random) -> Interval:
        read = swapped(random, models)
        if models == 2:
            return reliance.paired("swap_difference", *read)
        return reliance.interval(*reliance.of_columns("swap_difference", read[0]))

    def simulate(random: Random, simulations: int) -> int:
        found = [one(random) for _ in range(simulations)]
        if p_below is not None:
            return sum(reliance.p_value(interval) < p_below for interval in found)
        return sum(holds(interval, goal) for interval in found)

    return simulate


def symmetric(random: Random, simulations: int) -> int:
    chance = np.array([[0.8, 0.03, 0.02], [0.03, 0, 0.05], [0.02, 0.05, 0]])
    drawn = random.multinomial(N, chance.ravel(), simulations)
    return sum(stats.bowker(counts.reshape(3, 3))[2] < 0.05 for counts in drawn)


@lru_cache(maxsize=100_000)
def mid_p(b: int, c: int) -> float:
    return stats.mcnemar(b, c)[1]


def family(true: int) -> Simulate:
    """Families of mid-p tests after Holm in which any test rejects that should not; `true` of them should reject."""

    def simulate(random: Random, simulations: int) -> int:
        discordant = random.binomial(N, 0.06, (simulations, FAMILY))
        second = random.binomial(discordant, np.where(np.arange(FAMILY) < true, 0.75, 0.5))
        p = np.vectorize(mid_p)(discordant - second, second)
        return int((stats.holm_rows(p)[:, true:] < 0.05).any(1).sum())

    return simulate


def normal(what: str, where: str, simulate: Simulate, n: str = f"{N:,}", times: int = 1) -> Row:
    return Row(what, where, "approximate", simulate, n, times)


def null(what: str, where: str, simulate: Simulate, n: str = f"{N:,}", times: int = 1, level: float = 0.05) -> Row:
    return Row(what, where, "null", simulate, n, times, level)


def tango_holds(a: int, b: int, c: int, d: int, truth: float) -> bool:
    return holds(stats.tango(a, b, c, d), truth)


def rejects(number: int, b: int, c: int) -> bool:
    return stats.mcnemar(b, c)[number] < 0.05


def paired_rows() -> list[Row]:
    rows = []
    for only_a, only_b, n in ((0.03, 0.03, N), (0.02, 0.04, N), (0.003, 0.002, N), (0.06, 0.02, 100)):
        judge = partial(tango_holds, truth=only_a - only_b)
        where = f"{only_a:.1%} only the first right, {only_b:.1%} only the second"
        rows.append(normal("Tango", where, pairs(judge, only_a, only_b, n), f"{n:,}", CHEAP))
    kinds = {
        "two models that differ": (SHARP, BETTER),
        "both alike": (SHARP, SHARP),
        "both calibrated": (CALIBRATED,) * 2,
    }
    names = ("ece_debiased", "mean", "aurc", "augrc", "error_rate_at_coverage")
    said = {
        "mean": "NLL",
        "error_rate_at_coverage": "confident-error rate (surest fifth)",
        "ece_debiased": "debiased ECE",
    }
    for name in names:
        for where, models in kinds.items():
            if name == "ece_debiased" or where == "two models that differ":
                what = f"paired percentile bootstrap, {said.get(name, name.upper())}"
                rows.append(normal(what, where, resampled(name, *models)))
    rows.append(
        normal("difference of two Wilson intervals (MOVER)", "confident-error rate, fewer than ten errors", few_errors)
    )
    return rows


def single_rows() -> list[Row]:
    rows = [normal("Wilson", f"p = {p}", proportion(stats.wilson, p), times=CHEAP) for p in (0.5, 0.93, 0.99)]
    for p, n in ((0.9, 20), (0.93, 100), (0.99, N)):
        rows.append(
            Row("Clopper–Pearson", f"p = {p}", "exact", proportion(stats.clopper_pearson, p, n), f"{n:,}", CHEAP)
        )
    basic, percentile = ("ece_debiased", "ece"), ("mean", "aurc", "augrc", "auroc", "error_rate_at_80")
    for name in basic:
        for where, model in (("too sure", SHARP), ("calibrated", CALIBRATED)):
            what = f"basic bootstrap, {name.replace('_', ' ')}"
            rows.append(normal(what, where, resampled(name, model, basic=True)))
    for name in percentile:
        what = f"percentile bootstrap, {'NLL' if name == 'mean' else name.replace('_', ' ')}"
        rows.append(normal(what, "too sure", resampled("right_above_wrong" if name == "auroc" else name, SHARP)))
    gap = apart(lambda k, m: holds(stats.newcombe(k, N, m, N), 0.06), (0.99, 0.93), (N, N))
    return [
        *rows,
        normal("Newcombe", "generalisation gap, .99 and .93", gap, times=CHEAP),
        normal("DeLong", "AUROC, one in ten positive", auroc_by_delong),
        normal("Student", "mean of skewed values", mean_of_skewed),
        normal("mean of shares", "classes of 20 to 500 images", mean_over_classes, "770"),
        normal("temperature (M-estimator)", "T = 1.7", temperature),
        normal("reliance, normal", "300 donors, shared", reliance_of(1)),
        normal("reliance, paired", "two models, same donors", reliance_of(2)),
        normal(
            "cluster-effective Wilson", "60 groups", grouped(lambda a, b, g: holds(clustered.wilson(a, g), 0.3), 0.3)
        ),
        normal(
            "cluster-effective Tango",
            "60 groups, no difference",
            grouped(lambda a, b, g: holds(clustered.tango(b, a, g), 0), 0.3),
        ),
        normal(
            "cluster-effective Tango",
            "60 groups, .05 better",
            grouped(lambda a, b, g: holds(clustered.tango(b, a, g), 0.05), 0.4),
        ),
        *(
            normal(f"Welch over {k} trainings", where, over_trainings(where, k), "300")
            for k in (3, 4)
            for where in TRAININGS
        ),
        *(normal("hierarchical bootstrap, 5 trainings", where, over_trainings(where, 5), "300") for where in TRAININGS),
    ]


TRAININGS = ("as in CIFAR-10", "trainings differ")


def over_trainings(world: str, k: int) -> Simulate:
    def simulate(random: Random, simulations: int) -> int:
        resamples = RESAMPLES if k >= 5 else 0
        return covered(WORLDS[world], k, comparisons=simulations, resamples=resamples)[0]

    return simulate


def null_rows() -> list[Row]:
    fisher = stats.fisher_greater(np.arange(41)[:, None], np.arange(41)[None], 40)
    slices = apart(
        lambda a, b, c, d: stats.stratified_greater([a, c], [60, 40], [b, d], [400, 500]) < 0.05,
        (0.05, 0.05, 0.2, 0.2), (60, 400, 40, 500),
    )  # fmt: skip
    coins = pairs(lambda a, b, c, d: excludes(stats.tango(a, b, c, d)), 0.03, 0.03)
    directions = apart(lambda k: stats.binomial(k, 40, 0.3)[1] < 0.05, (0.3,), (40,))
    groups = grouped(lambda a, b, g: clustered.mcnemar(a & ~b, b & ~a, g) < 0.05, 0.3)
    alike = {"debiased ECE": "ece_debiased", "NLL": "mean", "AUGRC": "augrc"}
    return [
        *(
            null(f"McNemar {said}", f"6 % of {n:,} images differ", pairs(lambda a, b, c, d, one=one: rejects(one, b, c), 0.03, 0.03, n), f"{n:,}", CHEAP)
            for one, said in enumerate(("exact", "mid-p")) for n in (N, 200)
        ),
        null("Tango excludes 0", "6 % of images differ", coins, times=CHEAP),
        null("binomial mid-p", "direction of a cue, 40 images", directions, "40", CHEAP),
        null("Fisher, one-sided", "40 against 40", apart(lambda a, b: bool(fisher[a, b] < 0.05), (0.3, 0.3), (40, 40)), "80", CHEAP),
        null("stratified Fisher, one-sided", "a weak slice, two classes", slices),
        null("Bowker", "symmetric confusions", symmetric),
        null("McNemar over groups", "60 groups", groups),
        null("reliance, paired", "p < .05", reliance_of(2, 0.05)),
        null("reliance, paired", "p < .0005: Holm's first step over 100", reliance_of(2, 0.0005), times=10, level=0.0005),
        *(null("paired bootstrap excludes 0", said, resampled(name, SHARP, SHARP, null=True)) for said, name in alike.items()),
        null("Holm over 100 mid-p tests: any false alarm", "no true difference", family(0)),
        null("Holm over 100 mid-p tests: any false alarm", "20 true differences", family(20)),
    ]  # fmt: skip


ROWS = {row.name: row for row in (*single_rows(), *paired_rows(), *null_rows())}
WHY: dict[str, str] = {}
"""Of rows outside their target: why."""


def simulated(name: str, simulations: int) -> dict[str, Any]:
    """One row, from random numbers of its own."""
    row, started = ROWS[name], time.perf_counter()
    total = simulations * row.times
    hits = row.simulate(stats.generator(name), total)
    return {"hits": int(hits), "simulations": total, "seconds": round(time.perf_counter() - started, 1)}


def judged(row: Row, found: dict[str, Any]) -> str:
    """Inside the target, inside but for the error of the simulation, or outside."""
    share, low, high = stats.clopper_pearson(found["hits"], found["simulations"])
    bottom, top = {"approximate": (0.93, 0.97), "exact": (0.95, 1.0), "null": (0.0, row.level)}[row.kind]
    if bottom <= share <= top:
        return "yes"
    return "yes, but for simulation error" if low <= top and high >= bottom else "**no**"


def page(found: dict[str, dict[str, Any]], simulations: int) -> str:
    lines = [HEAD.format(simulations=simulations, resamples=RESAMPLES)]
    titles = {"approximate": "Approximate intervals: .93 to .97", "exact": "Exact intervals: at least .95",
              "null": "Nothing to find: at most .05 false alarms"}  # fmt: skip
    for kind, title in titles.items():
        column = "false alarms" if kind == "null" else "coverage"
        lines += [
            f"## {title}",
            "",
            f"| method | situation | images | simulated | {column} | in target |",
            "|---|---|---|---|---|---|",
        ]
        outside = []
        for row in (row for row in ROWS.values() if row.kind == kind and row.name in found):
            one = found[row.name]
            share, low, high = stats.clopper_pearson(one["hits"], one["simulations"])
            digits, verdict = (5 if row.level < 0.01 else 3), judged(row, one)
            numbers = f"{share:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
            lines.append(f"| {row.what} | {row.where} | {row.n} | {one['simulations']:,} | {numbers} | {verdict} |")
            if verdict == "**no**":
                outside.append(f"- {row.what}, {row.where}: {WHY.get(row.name, 'the reason is not known.')}")
        lines += ["", *([*outside, ""] if outside else [])]
    return "\n".join(lines)


HEAD = """# Do intervals hold the truth, and do tests cry wolf

```
python benchmarks/coverage.py --out build/coverage.json --page docs/results/coverage.md
```

{simulations:,} simulated comparisons a row, twenty times as many where they cost nothing; in brackets the exact 95 % interval of the simulation
itself. The functions are those of the product; the truth is known, or taken from two million images. Bootstraps use {resamples} resamples in place
of the 1,000 of a comparison and the 2,000 of an audit, which makes intervals a little too short. A row that misses its target is marked, with the reason
below its table.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/coverage.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/results/coverage.md"))
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    options = parser.parse_args()
    kept = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    found = {name: one for name, one in kept.items() if name in ROWS}
    wanted = [name for name in ROWS if name not in found and options.only.lower() in name.lower()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=spawn) as pool:
        futures = {pool.submit(simulated, name, options.simulations): name for name in wanted}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            with replacing(options.out) as temporary:
                temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
            print(futures[future], found[futures[future]], flush=True)
    with replacing(options.page) as temporary:
        temporary.write_text(page(found, options.simulations), encoding="utf-8")


if __name__ == "__main__":
    main()
