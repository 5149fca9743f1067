"""SWP001: what each ingredient of a sweep bought on validation images, and what the chosen recipe does on test. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from . import clustered, seeds, stats
from .comparison.differences import share
from .comparison.family import written
from .records import Block, Cell, ChoiceRecord, CrashRecord, Estimate, Finding, Forest, Note, Scalar, Status, Table
from .stats import Array, Interval
from .training import grid
from .training.grid import Contrast, Sweep
from .types import Labels

CODE, NAME, TITLE = "SWP001", "ingredients", "Sweep"
QUESTION = "What did each ingredient buy, and which recipe is best on validation images?"
TOLD = 0.05
"""Holm-adjusted p below which a difference is said to be one."""
SAME_IMAGES = (
    "Epoch and recipe were both chosen on these validation images, so the best validation accuracy is too good by a little; "
    "the test figure of the chosen recipe is not, because no test image had a say."
)
ONE_SEED = (
    "Each recipe was trained once. The intervals cover the luck of images, not that of the training: another seed may move any "
    "difference. Set seeds = 3 or more to tell."
)
AMOUNT = "A difference is that of these sizes, epochs and images; a longer training or a larger network may order recipes otherwise."


@final
@dataclass(frozen=True)
class Trained:
    """One training of a cell."""

    correct: Array
    """Whether each validation image was answered right at the chosen epoch."""
    chosen_epoch: int
    epochs: int
    seconds: float


@final
@dataclass(frozen=True)
class OnTest:
    """Right answers on the test images, read once: of the chosen recipe and of the base, one array a seed."""

    chosen: Sequence[Array]
    base: Sequence[Array]
    groups: Labels | None = None


@final
@dataclass(frozen=True)
class Found:
    """All that a sweep knows when it writes its result."""

    sweep: Sweep
    trained: Mapping[str, Sequence[Trained]]
    """By key of the cell, one a seed; only cells that are trained with every seed."""
    crashes: Mapping[str, CrashRecord]
    """By name of the training, such as `base-1f-0`."""
    fingerprint: str
    groups: Labels | None = None
    """Of the validation images."""
    choice: ChoiceRecord | None = None
    tested: OnTest | None = None


@final
@dataclass(frozen=True)
class Gain:
    """What one recipe is better by than another, on the same images."""

    value: float
    n: int
    interval: Interval | None
    """None with two seeds, which do not bear one."""
    p: float | None
    method: str
    between: tuple[float, float] | None = None
    """Smallest and largest difference of any two trainings, where there are several."""
    credible: bool = True
    """Whether no two of few trainings say the opposite."""


def best(found: Found) -> grid.Cell | None:
    """The cell with the best mean validation accuracy, ties to the one that comes first; None if none is trained."""
    ready = [cell for cell in found.sweep.cells if cell.key in found.trained]
    return max(ready, key=lambda cell: _accuracy(found.trained[cell.key]), default=None)


def compare_cells(found: Found) -> Finding:
    """SWP001 of all cells that are trained."""
    known = [one for one in found.sweep.contrasts if {one.lacks.key, one.has.key} <= set(found.trained)]
    gains = [_of_contrast(found, contrast) for contrast in known]
    told = [gain.p for gain in gains if gain.p is not None]
    adjusted: list[float | None] = stats.holm(told).tolist() if told else [None] * len(gains)
    rows = list(zip(known, gains, adjusted, strict=True))
    drawn = tuple(contrast.name for contrast, gain, _ in rows if gain.interval is not None)
    blocks: list[Block] = []
    if drawn:
        title = "What each ingredient bought" if _ablation(found) else "Each cell against the base"
        blocks.append(Forest(title=title, x_label="gain in validation accuracy (points)", estimates=drawn))
    if found.tested is not None:
        blocks.append(Scalar(title="Chosen recipe minus base, on test images", estimate="test_gain"))
    blocks += [Note(text=_allowed(found)), *([_gains(rows)] if rows else []), _cells(found)]
    blocks += [_crashed(found)] if found.crashes else []
    return Finding(
        code=CODE,
        name=NAME,
        title=TITLE,
        question=QUESTION,
        status=_status(found),
        headline=" ".join([*_of_crashes(found), _of_gains(found, rows), *_of_choice(found)]),
        estimates=(*_accuracies(found), *_differences(rows), *_on_test(found)),
        blocks=tuple(blocks),
        params=_params(found),
        limits=tuple(_limits(found)),
    )


def difference(lacks: Sequence[Array], has: Sequence[Array], fingerprint: str, groups: Labels | None) -> Gain:
    """The paired difference of accuracies, has − lacks; over seeds where there are several."""
    n = len(lacks[0])
    if len(lacks) > 1:
        before, after = ([[one.astype(np.float64)] for one in side] for side in (lacks, has))
        told = seeds.difference("mean", before, after, fingerprint, groups=groups)
        credible = told.credible or len(lacks) >= seeds.BOOTSTRAPPED
        return Gain(told.value, n, told.interval, told.p, told.method, told.between, credible)
    interval, p, method = share(lacks[0].astype(bool), has[0].astype(bool), groups)
    return Gain(interval.value, n, interval, p, f"{method}; mid-p McNemar")


def _of_contrast(found: Found, contrast: Contrast) -> Gain:
    sides = [[one.correct for one in found.trained[cell.key]] for cell in (contrast.lacks, contrast.has)]
    return difference(sides[0], sides[1], found.fingerprint, found.groups)


def _accuracy(trainings: Sequence[Trained]) -> float:
    return float(np.mean([one.correct.mean() for one in trainings]))


def _interval(columns: Sequence[Array], fingerprint: str, groups: Labels | None) -> tuple[Interval, str]:
    """Of the mean accuracy of these very trainings, over draws of images."""
    if len(columns) > 1:
        mean = np.mean([column.astype(np.float64) for column in columns], axis=0)
        said = f"mean of {len(columns)} trainings; luck of images only"
        if groups is not None:
            over = f"percentile bootstrap over {len(np.unique(groups)):,} groups"
            return stats.bootstrap(stats.mean, [mean], fingerprint, groups=groups), f"{over}, {said}"
        return stats.mean_interval(mean), f"Student's interval over images, {said}"
    if groups is not None:
        over = f"at the effective n over {len(np.unique(groups)):,} groups"
        return clustered.wilson(columns[0], groups), f"Wilson score interval {over}"
    return stats.wilson(int(columns[0].sum()), len(columns[0])), "Wilson score interval"


def _estimate(name: str, interval: Interval, n: int, method: str, unit: str = "fraction") -> Estimate:
    low, high = max(interval.low, -1.0), min(interval.high, 1.0)
    return Estimate(name=name, value=interval.value, low=low, high=high, n=n, unit=unit, better="higher", method=method)


def _accuracies(found: Found) -> list[Estimate]:
    estimates = []
    for cell in found.sweep.cells:
        if cell.key in found.trained:
            columns = [one.correct for one in found.trained[cell.key]]
            interval, method = _interval(columns, found.fingerprint, found.groups)
            estimates.append(_estimate(f"validation_accuracy[{cell.name}]", interval, len(columns[0]), method))
    return estimates


Row = tuple[Contrast, Gain, float | None]


def _differences(rows: Sequence[Row]) -> list[Estimate]:
    return [
        _estimate(contrast.name, gain.interval, gain.n, gain.method, "fraction (B − A)")
        for contrast, gain, _ in rows
        if gain.interval is not None
    ]


def _on_test(found: Found) -> list[Estimate]:
    tested = found.tested
    if tested is None:
        return []
    estimates = []
    for name, columns in (("chosen", tested.chosen), ("base", tested.base)):
        interval, method = _interval(columns, found.fingerprint, tested.groups)
        estimates.append(_estimate(f"test_accuracy[{name}]", interval, len(columns[0]), method))
    gain = _test_gain(found, tested)
    if gain.interval is not None:
        estimates.append(_estimate("test_gain", gain.interval, gain.n, gain.method, "fraction (B − A)"))
    return estimates


def _test_gain(found: Found, tested: OnTest) -> Gain:
    return difference(tested.base, tested.chosen, found.fingerprint, tested.groups)


def _is_told(gain: Gain, adjusted: float | None) -> bool:
    return adjusted is not None and adjusted < TOLD and gain.credible


def _status(found: Found) -> Status:
    """`ok` if the chosen recipe is credibly better than the base on test images, `concern` if credibly worse."""
    if not found.trained:
        return "not_applicable"
    gain = _test_gain(found, found.tested) if found.tested is not None else None
    if gain is None or gain.interval is None or not gain.credible or gain.interval.low <= 0 <= gain.interval.high:
        return "inconclusive"
    return "ok" if gain.value > 0 else "concern"


def _ablation(found: Found) -> bool:
    return any(contrast.setting != "against the base" for contrast in found.sweep.contrasts)


def _of_crashes(found: Found) -> list[str]:
    if not found.crashes:
        return []
    of = len(found.sweep.cells) * found.sweep.seeds
    return [f"{len(found.crashes)} of {of} trainings crashed."]


def _of_gains(found: Found, rows: Sequence[Row]) -> str:
    if not rows:
        return "No two cells could be compared."
    if found.sweep.seeds < seeds.LEAST and found.sweep.seeds > 1:
        return f"With {found.sweep.seeds} seeds, luck and recipe cannot be told apart; an interval needs {seeds.LEAST}."
    told = [(contrast, gain) for contrast, gain, p in rows if _is_told(gain, p)]
    luck = "the luck of images" if found.sweep.seeds == 1 else "luck"
    of = f"Of {len(rows)} differences on validation images, {len(told) or 'none'} can be told from {luck}"
    if not told:
        return f"{of}."
    most = sorted(told, key=lambda row: -abs(row[1].value))[:4]
    listed = "; ".join(f"{contrast.ingredient} ({contrast.setting}) {_points(gain)}" for contrast, gain in most)
    return f"{of}{', the largest' if len(told) > len(most) else ''}: {listed}."


def _of_choice(found: Found) -> list[str]:
    choice, tested = found.choice, found.tested
    if choice is None or tested is None:
        return ["No recipe is chosen yet, and no test image was read."]
    chosen, base = (float(np.mean([one.mean() for one in side])) for side in (tested.chosen, tested.base))
    n = len(tested.base[0])
    if choice.chosen == choice.base:
        said = [f"On validation images nothing is better than the base: {base:.1%} on test, n = {n:,}."]
    else:
        gain = _test_gain(found, tested)
        against = f"{base:.1%} of the base"
        said = [
            f"Chosen on validation images: {choice.chosen_name}; on test {chosen:.1%} against {against}, {_points(gain)}."
        ]
    late = [cell for cell in found.sweep.cells if cell.key in found.trained and cell.folder not in choice.among]
    if late:
        names = ", ".join(cell.name for cell in late[:3]) + (", …" if len(late) > 3 else "")
        said.append(f"The sweep grew after the test images were read: {names} had no part in the choice, which stands.")
    return said


def _points(gain: Gain) -> str:
    if gain.interval is None:
        low, high = gain.between or (gain.value, gain.value)
        said = f"{100 * low:+.1f} to {100 * high:+.1f} points between any two trainings"
    else:
        interval = f"{100 * gain.interval.low:+.1f} to {100 * gain.interval.high:+.1f}"
        said = f"{100 * gain.value:+.1f} points ({interval}, n = {gain.n:,})"
    return said.replace("-", "−")


def _allowed(found: Found) -> str:
    k = found.sweep.seeds
    if k == 1:
        return ONE_SEED
    can = seeds.allowed(k)
    low, high = can.deviation
    said = f"{k} seeds: the true spread over trainings may be {low:.2g} to {high:.2g} times the one seen, and a test that only "
    said += f"looks at the order of the trainings cannot give a p below {can.permutation_p:.2g}."
    return said if k >= seeds.LEAST else f"{said} There is no interval and no p-value below {seeds.LEAST} seeds."


def _gains(rows: Sequence[Row]) -> Table:
    """Every difference, in points of validation accuracy."""
    columns = ("ingredient", "setting", "without", "with", "difference", "low", "high", "p", "p (Holm)", "told")
    listed: list[tuple[Cell, ...]] = []
    for contrast, gain, adjusted in rows:
        ends = (None, None) if gain.interval is None else (100 * gain.interval.low, 100 * gain.interval.high)
        cells = (contrast.lacks.name, contrast.has.name, 100 * gain.value, *ends)
        p = (None, None) if gain.p is None or adjusted is None else (written(gain.p), written(adjusted))
        listed.append((contrast.ingredient, contrast.setting, *cells, *p, "yes" if _is_told(gain, adjusted) else "no"))
    return Table(title=f"Differences in points, Holm over {len(rows)}", columns=columns, rows=tuple(listed))


def _cells(found: Found) -> Table:
    """Every cell: validation accuracy in percent, epochs and seconds."""
    several = found.sweep.seeds > 1
    columns = ("cell", "validation accuracy, %", "low", "high", *(("worst seed", "best seed") if several else ()))
    rows = []
    for cell in found.sweep.cells:
        trainings = found.trained.get(cell.key)
        if trainings is None:
            blank: list[Cell] = [None] * (len(columns) - 1)
            rows.append((cell.name, *blank, None, None, None, "not trained with every seed"))
            continue
        values = [100 * float(one.correct.mean()) for one in trainings]
        interval, _ = _interval([one.correct for one in trainings], found.fingerprint, found.groups)
        numbers = [100 * float(end) for end in interval] + ([min(values), max(values)] if several else [])
        epochs = ", ".join(str(one.chosen_epoch) for one in trainings)
        state = "chosen" if found.choice is not None and found.choice.chosen == cell.folder else ""
        rows.append((cell.name, *numbers, epochs, trainings[0].epochs, sum(one.seconds for one in trainings), state))
    return Table(title="All cells", columns=(*columns, "chosen epoch", "epochs", "seconds", ""), rows=tuple(rows))


def _crashed(found: Found) -> Table:
    rows = tuple((name, crash.error, crash.message) for name, crash in found.crashes.items())
    return Table(title="Crashed", columns=("training", "error", "what it said"), rows=rows)


def _params(found: Found) -> dict[str, Cell]:
    sweep = found.sweep
    params: dict[str, Cell] = {"cells": len(sweep.cells), "seeds": sweep.seeds, "train_images": sweep.train_images}
    return params | ({"chosen": found.choice.chosen_name} if found.choice is not None else {})


def _limits(found: Found) -> list[str]:
    limits = [SAME_IMAGES, AMOUNT]
    lost = [
        contrast.name
        for contrast in found.sweep.contrasts
        if not {contrast.lacks.key, contrast.has.key} <= set(found.trained)
    ]
    if lost:
        listed = ", ".join(lost[:4]) + (", …" if len(lost) > 4 else "")
        limits.append(f"These differences are missing, because a training of theirs is: {listed}.")
    return limits
