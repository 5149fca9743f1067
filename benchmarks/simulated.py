"""Simulated comparisons whose truth is known, and how many of their intervals hold it; for coverage.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import special
from scipy.stats import norm

from eyetest import calibrated, reliance, seeds, stats
from eyetest.comparison.differences import Measured, paired
from eyetest.exam.seed_coverage import WORLDS, covered
from eyetest.records import Estimate
from eyetest.stats import Array, Interval

RESAMPLES = 500
"""An audit takes 2,000, a comparison 1,000; fewer make an interval a little too short."""
RESAMPLES_OF_TRAININGS = 100
"""They only tell the variance that trainings share."""
SAME = 50
"""Comparisons that share their resamples, as the statistics of one audit do."""
DEBIASED = "ece_debiased"
N, POPULATION, FAMILY, GROUPS = 1000, 2_000_000, 100, 60
Random = np.random.Generator
World = Callable[[Random, int], tuple[Array, Array]]
"""Confidence of so many images, and the chance that each is right."""
Answered = Callable[[Random, int], list[list[Array]]]
"""Confidence and correctness of each model on so many images."""
Simulate = Callable[[Random, int], int]
"""Of so many comparisons, how many intervals hold the truth, or how many tests reject what is true."""


def holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def counting(judge: Callable[..., Any], drawn: Array) -> int:
    """How many of the drawn outcomes (a row each) are judged true; equal ones are judged once."""
    outcomes, times = np.unique(drawn.reshape(len(drawn), -1), axis=0, return_counts=True)
    return sum(n for counts, n in zip(outcomes.tolist(), times.tolist(), strict=True) if judge(*counts))


def counts(judge: Callable[..., Any], p: Sequence[float], n: Sequence[int]) -> Simulate:
    """`judge` reads independent binomial counts."""
    return lambda random, simulations: counting(judge, random.binomial(n, p, (simulations, len(n))))


def pairs(judge: Callable[..., Any], only_a: float, only_b: float, n: int = N) -> Simulate:
    """`judge` reads how often both are right, only the first, only the second, neither."""
    chances = [0.9 - only_a, only_a, only_b, 0.1 - only_b]
    return lambda random, simulations: counting(judge, random.multinomial(n, chances, simulations))


def repeated(one: Callable[[Random], Any]) -> Simulate:
    return lambda random, simulations: sum(bool(one(random)) for _ in range(simulations))


class Model(NamedTuple):
    """Logit of being right: normal with this mean and deviation 1.5; the stated logit is `sharpness` times that."""

    mean: float
    sharpness: float


CALIBRATED, SLIGHT, SHARP, BETTER = Model(2.5, 1.0), Model(2.5, 1.15), Model(2.5, 1.6), Model(3.0, 1.2)
UNSURE, NEARLY = Model(2.5, 0.7), Model(2.5, 1.05)
OFTEN_WRONG, RARELY_WRONG = (Model(0.5, 1.3), Model(1.0, 1.0)), (Model(4.5, 1.0), Model(5.0, 1.0))


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


def columns(statistic: str, side: dict[str, Array]) -> list[Array]:
    names = {"mean": ("loss",), DEBIASED: ("confidence", "correct")}.get(statistic, ("confidence", "wrong"))
    return [side[name] for name in names]


@lru_cache
def truth(statistic: str, models: tuple[Model, ...]) -> float:
    """Of one model, or second minus first, on very many images."""
    sides = answers(models, POPULATION, np.random.default_rng(1))
    values = [stats.STATISTICS[statistic](*columns(statistic, side)) for side in sides]
    return values[0] if len(models) == 1 else values[1] - values[0]


def resampled(statistic: str, *models: Model, level: float = 0.0) -> Simulate:
    """Bootstrap of one model's statistic, or of the paired difference of two; with a level, tests of none that reject."""
    function = stats.STATISTICS[statistic]

    def simulate(random: Random, simulations: int) -> int:
        goal, hits = 0.0 if level else truth(statistic, models), 0
        for number in range(simulations):
            read, seed = [columns(statistic, side) for side in answers(models, N, random)], str(number // SAME)
            if len(models) == 1:
                hits += holds(stats.bootstrap(function, read[0], seed, resamples=RESAMPLES), goal)
                continue
            draws = [stats.resampled(function, side, seed, resamples=RESAMPLES) for side in read]
            value = function(*read[1]) - function(*read[0])
            interval, p = stats.difference_of_draws(value, draws[1] - draws[0])
            hits += p < level if level else holds(interval, goal)
        return hits

    return simulate


def stated(a: float, b: float, gap: Callable[[Array], Array]) -> World:
    """Confidences from a beta distribution; the chance of being right is less by `gap`."""

    def world(random: Random, n: int) -> tuple[Array, Array]:
        confidence = np.clip(random.beta(a, b, n), 0.02, 1 - 1e-6)
        return confidence, np.clip(confidence - gap(confidence), 0, 1)

    return world


def logistic(model: Model) -> World:
    """The chances of a model."""

    def world(random: Random, n: int) -> tuple[Array, Array]:
        logit = model.mean + 1.5 * random.normal(size=n)
        return special.expit(model.sharpness * logit), special.expit(logit)

    return world


def calibration_error(world: World, n: int, *, statistic: str = "ece_debiased", bins: int = stats.BINS) -> Simulate:
    """The interval of the ECE; the truth is that of the bins' chances, without the luck of answers."""

    def simulate(random: Random, simulations: int) -> int:
        _, accuracy, sureness = stats.calibration_bins(*world(np.random.default_rng(1), POPULATION), bins=bins)
        goal, held = float(np.abs(accuracy - sureness).mean()), 0
        for number in range(simulations):
            confidence, chance = world(random, n)
            correct = (random.random(n) < chance).astype(np.float64)
            value = stats.STATISTICS[statistic](confidence, correct)
            found = stats.ece_interval(value, confidence, correct, str(number), bins=bins, draws=RESAMPLES)
            held += holds(found, goal)
        return held

    return simulate


def two(*models: Model) -> Answered:
    """Confidence and correctness of two models, as both are in `answers`."""
    return lambda random, n: [columns(DEBIASED, side) for side in answers(models, n, random)]


def restated(*sharpness: float) -> Answered:
    """The same answers of one model, with other confidences: as before and after a temperature."""

    def draw(random: Random, n: int) -> list[list[Array]]:
        logit = 2.5 + 1.5 * random.normal(size=n)
        correct = (random.random(n) < special.expit(logit)).astype(np.float64)
        return [[special.expit(one * logit), correct] for one in sharpness]

    return draw


def calibration_errors(n: int, draw: Answered, level: float = 0.0) -> Simulate:
    """Debiased ECEs of two models, as a comparison takes their difference; with a level, tests of none that reject."""

    def simulate(random: Random, simulations: int) -> int:
        before, after = (stats.ece_debiased(*side) for side in draw(np.random.default_rng(1), POPULATION))
        held = 0
        for number in range(simulations):
            sides = []
            for k, read in enumerate(draw(random, n)):
                value = stats.ece_debiased(*read)
                ends = stats.ece_interval(value, *read, f"{number} {k}", draws=RESAMPLES)
                estimate = rated(DEBIASED, value).model_copy(update=ends._asdict())
                sides.append(Measured(estimate, read, str(number), None))
            found = paired(*sides)
            held += found.p < level if level else found.estimate.low <= after - before <= found.estimate.high
        return held

    return simulate


class Recipe(NamedTuple):
    """Trainings whose sharpness is normal with this mean and deviation."""

    sharpness: float
    deviation: float

    def trained(self, k: int, random: Random) -> list[Model]:
        return [Model(2.5, float(one)) for one in random.normal(self.sharpness, self.deviation, k)]


def calibration_of_trainings(n: int, k: int, first: Recipe, second: Recipe, level: float = 0.0) -> Simulate:
    """The difference of two recipes in the debiased ECE, over k trainings each."""

    def simulate(random: Random, simulations: int) -> int:
        goal, held = _mean_error(second) - _mean_error(first), 0
        for number in range(simulations):
            models = (*first.trained(k, random), *second.trained(k, random))
            read = [columns(DEBIASED, side) for side in answers(models, n, random)]
            seed = str(number // SAME)
            told = seeds.difference(DEBIASED, read[:k], read[k:], seed, resamples=RESAMPLES_OF_TRAININGS)
            held += told.p < level if level else holds(told.interval, goal)
        return held

    return simulate


@lru_cache
def _mean_error(recipe: Recipe) -> float:
    """Over the trainings of a recipe, of the chances themselves."""
    logit = np.sort(np.random.default_rng(1).normal(2.5, 1.5, POPULATION // 10))
    chance, errors = special.expit(logit), []
    for model in recipe.trained(200, np.random.default_rng(2)):
        gap = chance - special.expit(model.sharpness * logit)
        errors.append(np.mean([abs(part.mean()) for part in np.split(gap[: len(gap) // 15 * 15], 15)]))
    return float(np.mean(errors))


def confident_errors(*models: Model) -> Simulate:
    """Error rates among the surest fifth, as a comparison takes their difference."""
    name = "error_rate_at_coverage"

    def simulate(random: Random, simulations: int) -> int:
        goal, held = truth(name, models), 0
        for number in range(simulations):
            read = [columns(name, side) for side in answers(models, N, random)]
            estimates = [rated(name, stats.STATISTICS[name](*side)) for side in read]
            found = paired(
                *(Measured(one, side, str(number // SAME), None) for one, side in zip(estimates, read, strict=True))
            )
            held += found.estimate.low <= goal <= found.estimate.high
        return held

    return simulate


def rated(statistic: str, value: float) -> Estimate:
    """An error rate of a model, its interval left open."""
    return Estimate(
        name="rate", value=value, low=0, high=1, n=N, unit="fraction", better="lower", method="simulated",
        statistic=statistic, columns=("confidence", "wrong"),
    )  # fmt: skip


def auroc_by_delong(random: Random) -> bool:
    positive = random.random(N) < 0.1
    return holds(stats.delong(random.normal(size=N) + positive, positive), special.ndtr(1 / math.sqrt(2)))


def mean_over_classes(random: Random) -> bool:
    n, p = np.array([20, 50, 200, 500]), np.array([0.95, 0.8, 0.6, 0.9])
    return holds(stats.mean_of_shares(random.binomial(n, p), n), float(p.mean()))


def temperature(random: Random) -> bool:
    logits = 2 * random.normal(size=(N, 5))
    fitted = calibrated.fit_temperature(1.7 * logits, (logits + random.gumbel(size=(N, 5))).argmax(1))
    return fitted.low <= 1.7 <= fitted.high


def grouped(judge: Callable[[Array, Array, Array], Any], rate: float) -> Simulate:
    """Groups of 1 to 32 images of one rate each (intraclass correlation .3); half of them answer twice alike.

    The first model's rate is .3, the second's the mean of that and `rate`.
    """

    def one(random: Random) -> Any:
        place = np.repeat(np.arange(GROUPS), random.integers(1, 33, GROUPS))
        chances = [random.beta(r * 7 / 3, (1 - r) * 7 / 3, GROUPS)[place] for r in (0.3, rate)]
        first, other = (random.random(len(place)) < chance for chance in chances)
        return judge(first, np.where(random.random(GROUPS)[place] < 0.5, first, other), place)

    return repeated(one)


LABELS, LENDERS = np.arange(N) % 5, 300
THRESHOLDS = np.array([[0.9], [0.4]])
"""Of the answer with a donor of the own class, and of another; ability, donor and noise have deviation 1."""
RELIANCE = float(-np.diff(norm.cdf(THRESHOLDS[:, 0] / math.sqrt(3)))[0])


def swapped(random: Random, models: int) -> tuple[Interval, float]:
    """Interval of a reliance, or of the difference of two equal ones, on new images and new donors, and its p-value."""
    classes = np.stack([LABELS, (LABELS + random.integers(1, 5, N)) % 5])
    donors = classes + 5 * random.integers(0, LENDERS // 5, (2, N))
    common, read = random.normal(size=N) + np.array([[1.0], [-1.0]]) * random.normal(size=LENDERS)[donors], []
    for _ in range(models):
        right = THRESHOLDS + common + random.normal(size=(2, N)) > 0
        read.append([*right.astype(np.float64), *donors, classes[1], LABELS])
    if models == 2:
        return reliance.paired("swap_difference", *read)
    found = reliance.interval(*reliance.of_columns("swap_difference", read[0]))
    return found, reliance.p_value(found)


def symmetric(random: Random) -> bool:
    chance = np.array([0.8, 0.03, 0.02, 0.03, 0, 0.05, 0.02, 0.05, 0])
    return stats.bowker(random.multinomial(N, chance).reshape(3, 3))[2] < 0.05


def weak_slice(a: int, b: int, c: int, d: int) -> bool:
    first, other = (np.array([a, c]), np.array([60, 40])), (np.array([b, d]), np.array([400, 500]))
    return stats.stratified_greater(*first, *other) < 0.05


def family(true: int) -> Simulate:
    """Families of mid-p tests after Holm in which any test rejects that should not; `true` of them should reject."""
    mid_p = np.vectorize(lru_cache(maxsize=None)(lambda b, c: stats.mcnemar(b, c)[1]), otypes=[float])

    def simulate(random: Random, simulations: int) -> int:
        discordant = random.binomial(N, 0.06, (simulations, FAMILY))
        second = random.binomial(discordant, np.where(np.arange(FAMILY) < true, 0.75, 0.5))
        return int((stats.holm_rows(mid_p(discordant - second, second))[:, true:] < 0.05).any(1).sum())

    return simulate


def trainings(world: str, k: int) -> Simulate:
    resamples = RESAMPLES if k >= 5 else 0
    return lambda random, simulations: covered(WORLDS[world], k, comparisons=simulations, resamples=resamples)[0]
