"""The rules of DAT001: from what a model said to images fed in several ways, to the faults of its input. Pure NumPy.

A harmless model (right more often fed as stated than any other way, with no better order of classes, and with at least a
fifth of the way from chance to perfection) is called faulty with probability at most FALSE_ALARM: ALPHA each for all other
ways of feeding (Holm over exact McNemar tests), for the order of classes (chosen on one half of the images, tested on the
other) and for chance level (Clopper–Pearson). The other rules compare numbers that have no sampling error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float32, Float64

from .. import stats
from ..types import Answers, InputTrials, Labels, Logits, Predictions

ALPHA = 0.001
FALSE_ALARM = 3 * ALPHA
FEW = 30
"""Images below which no rule that has a sampling error speaks."""
NOTABLE = 0.02
"""Least gain in accuracy that is a concern: two points."""
GROSS = 0.05
"""Gain in accuracy, or share of leaked test images, from which figures would be meaningless."""
LEAKED = 0.01
"""Share of leaked images that is a concern; a few copies are in most data sets."""
UNSTABLE = 0.01
"""Mean change of the probabilities (total variation) from which a model is not the same each time it is asked."""
REPEATED, ROUNDING = 1e-4, 1e-2
"""Largest change of a probability that rounding explains: in the same batches, and in others."""
SKILL = 0.2
"""Part of the way from chance to perfection that a model is trusted to have gone."""

FEEDINGS: dict[str, tuple[str, str]] = {
    "none": ("with pixels in [0, 1] and no normalisation", "mean=(0, 0, 0), std=(1, 1, 1)"),
    "imagenet": (
        "normalised with ImageNet's mean and deviation",
        "mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)",
    ),
    "cifar": (
        "normalised with CIFAR-10's mean and deviation",
        "mean=(0.4914, 0.4822, 0.4465), std=(0.247, 0.2435, 0.2616)",
    ),
    "own": (
        "normalised with the mean and deviation of these images",
        "the mean and std of each channel of the training images",
    ),
    "half": ("scaled to -1 … 1", "mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)"),
    "twice": ("normalised twice as stated", "the statement twice: fold both steps into one mean and std"),
    "bytes": ("with pixels from 0 to 255", "mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255)"),
    "bytes_down": ("with pixels divided by 255 once more", "std 255 times as large"),
    "bgr": ("in BGR instead of RGB", "a module that swaps the channels first: x[:, [2, 1, 0]]"),
    "caffe": (
        "in BGR from 0 to 255 minus ImageNet's mean",
        "a module that makes 255 * x[:, [2, 1, 0]] minus (103.9, 116.8, 123.7)",
    ),
    "inverted": ("with inverted colours", "a module that inverts first: 1 - x"),
    "turned": ("with height and width exchanged", "a module that turns first: x.transpose(2, 3)"),
}
"""Every other way of feeding that is tried: what it is, and what to state if it is the right one."""

Kind = Literal["training mode", "random", "batch", "softmaxed", "class order", "feeding", "chance", "leak"]


@final
@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the input."""

    kind: Kind
    refused: bool
    """Whether figures would be meaningless."""
    seen: str
    """What was seen, a clause."""
    advice: str
    """What was expected and what to do next, whole sentences."""
    feedings: tuple[str, ...] = ()
    """Ways of feeding that fit: the best, then those that are as good."""


@final
@dataclass(frozen=True)
class Gain:
    """One way of feeding (or one order of classes) against the stated one on the same images."""

    name: str
    n: int
    both: int
    """Images on which both are right."""
    better: int
    """Images on which it alone is right."""
    worse: int
    confidence: float
    """Of the interval: simultaneous over all ways."""
    p: float
    """Exact McNemar, Holm over all ways."""

    @property
    def accuracy(self) -> float:
        """Of the other way; 0 without images."""
        return (self.both + self.better) / max(self.n, 1)

    @property
    def value(self) -> float:
        """Its accuracy minus that of the stated way; 0 without images."""
        return (self.better - self.worse) / max(self.n, 1)

    @property
    def difference(self) -> stats.Interval:
        """The same with its Tango interval; there must be images."""
        neither = self.n - self.both - self.better - self.worse
        return stats.tango(self.both, self.better, self.worse, neither, self.confidence)

    @property
    def fault(self) -> bool:
        """Whether it is better by more than chance, and by enough to matter."""
        return self.n >= FEW and self.p <= ALPHA and self.value >= NOTABLE


def faults(trials: InputTrials, classes: Sequence[str]) -> tuple[Fault, ...]:
    """All faults, the one that explains most first; a fault that another explains is left out."""
    stated = trials.logits.argmax(1) == trials.labels
    found = [_unstable(trials), softmaxed(trials.logits), *_misread(trials, stated, classes)]
    if not any(found):
        found.append(at_chance(trials.labels, stated))
    return tuple(fault for fault in (*found, *_leaks(trials)) if fault is not None)


def answer_faults(predictions: Predictions, classes: Sequence[str]) -> tuple[Fault, ...]:
    """The faults that answers alone can show, without a model: probabilities as logits, class order, chance level."""
    probabilities = softmaxed(predictions.logits) if predictions.given == "logits" else None
    found = [probabilities, misordered(predictions.labels, predictions.logits, classes)]
    if not any(found):
        found.append(at_chance(predictions.labels, predictions.correct))
    return tuple(fault for fault in found if fault is not None)


def gains(labels: Labels, stated: np.ndarray, answers: Mapping[str, Answers]) -> list[Gain]:
    """Every other way of feeding against the stated one, in the order of FEEDINGS; p is 1 for one that was given up."""
    names = [name for name in FEEDINGS if name in answers]
    right = [answers[name] == labels[: len(answers[name])] for name in names]
    p = stats.holm([_mcnemar(one, stated) if len(one) == len(stated) else 1.0 for one in right])
    confidence = 1 - 0.05 / max(len(names), 1)
    return [
        _gain(name, one, stated[: len(one)], float(value), confidence)
        for name, one, value in zip(names, right, p, strict=True)
    ]


def reordering(labels: Labels, predicted: Labels, classes: int) -> tuple[Answers, Gain]:
    """The order of classes that fits one half of the images best, and its gain over the stated one on the other half.

    The first half has the first, third, fifth … image of each class.
    """
    chosen = _first_half(labels)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (predicted[chosen], labels[chosen]), 1)
    order = stats.best_assignment(counts)
    held = ~chosen
    stated, other = predicted[held] == labels[held], order[predicted[held]] == labels[held]
    return order, _gain("class order", other, stated, _mcnemar(other, stated), 0.95)


def instability(first: Logits, second: Float32[np.ndarray, "m k"]) -> Float64[np.ndarray, " m"]:
    """Total variation between two answers to each image, 0 to 1; the second may be known of the first images alone."""
    result: Float64[np.ndarray, " m"] = np.abs(_softmax(first[: len(second)]) - _softmax(second)).sum(1) / 2
    return result


def at_chance(labels: Labels, right: np.ndarray) -> Fault | None:
    """Not better than always naming the most frequent class, and surely not much better."""
    n, k = len(labels), int(right.sum())
    chance = float(np.bincount(labels).max()) / max(n, 1)
    if n < FEW or k / n > chance + SKILL * (1 - chance):
        return None
    above = stats.clopper_pearson(k, n, 0.98).low > chance
    bound = stats.clopper_pearson(k, n, 1 - 2 * ALPHA).high
    if above or bound >= chance + SKILL * (1 - chance):
        return None
    seen = f"it is right on {k / n:.1%} of {n:,} images, and naming the most frequent class is right on {chance:.1%}"
    advice = (
        "A trained model was expected. Check that its weights were loaded, that its classes are those of the data in the "
        "same order, and that labels are not shuffled."
    )
    return Fault("chance", True, seen, advice)


def softmaxed(logits: Logits) -> Fault | None:
    """Probabilities where logits are expected: every row is in [0, 1] and adds up to 1."""
    inside = logits.min() >= -1e-6 and logits.max() <= 1 + 1e-6
    if not inside or np.abs(logits.sum(1, dtype=np.float64) - 1).max() > 1e-3:
        return None
    seen = (
        f"its answers to all {len(logits):,} images are in [0, 1] and add up to 1: they are probabilities, not logits"
    )
    advice = "Logits were expected, or every confidence is wrong. Leave the softmax out, or return log(p)."
    return Fault("softmaxed", True, seen, advice)


def misordered(labels: Labels, logits: Logits, classes: Sequence[str]) -> Fault | None:
    """Another order of classes fits the answers better, judged on images that had no say in choosing it."""
    order, gain = reordering(labels, logits.argmax(1), len(classes))
    if not gain.fault:
        return None
    moved = [f"{classes[k]} means {classes[one]}" for k, one in enumerate(order.tolist()) if k != one]
    shown = "; ".join(moved[:4]) + (f"; and {len(moved) - 4} more" if len(moved) > 4 else "")
    seen = (
        f"with its classes in another order it is right on {gain.accuracy:.1%} instead of "
        f"{gain.accuracy - gain.value:.1%} of {gain.n:,} images that had no say in the order ({shown})"
    )
    advice = "Answers in the order of the data's classes were expected. State the classes in the model's own order."
    return Fault("class order", gain.value >= GROSS, seen, advice)


def _misread(trials: InputTrials, stated: np.ndarray, classes: Sequence[str]) -> list[Fault | None]:
    """Another way of feeding, another order of classes: that which explains more, or both if none surely does.

    Some ways of feeding change one class into another, and then an order of classes makes up for a part of it. Both are
    judged on the images that had no say in the order.
    """
    fed, ordered = _misfed(trials, stated), misordered(trials.labels, trials.logits, classes)
    if fed is None or ordered is None:
        return [fed, ordered]
    held = ~_first_half(trials.labels)
    order, _ = reordering(trials.labels, trials.logits.argmax(1), len(classes))
    by_feeding = (trials.answers[fed.feedings[0]] == trials.labels)[held]
    by_order = (order[trials.logits.argmax(1)] == trials.labels)[held]
    if _mcnemar(by_feeding, by_order) > 0.05:
        return [fed, ordered]
    return [fed] if by_feeding.sum() > by_order.sum() else [ordered]


def _misfed(trials: InputTrials, stated: np.ndarray) -> Fault | None:
    better = [gain for gain in gains(trials.labels, stated, trials.answers) if gain.fault]
    if not better:
        return None
    best = max(better, key=lambda gain: gain.accuracy)
    right = trials.answers[best.name] == trials.labels
    alike = [
        gain.name
        for gain in better
        if gain is not best and _mcnemar(trials.answers[gain.name] == trials.labels, right) > 0.05
    ]
    words, statement = FEEDINGS[best.name]
    value, low, high = best.difference
    seen = (
        f"{words} it is right on {best.accuracy:.1%} of {best.n:,} validation images, as stated on {stated.mean():.1%} "
        f"({100 * value:+.1f} points, {100 * low:.1f} to {100 * high:.1f})"
    )
    seen += f"; as good: {', '.join(FEEDINGS[name][0] for name in alike)}" if alike else ""
    advice = f"The input that it was trained on was expected. Wrap it with {statement}."
    return Fault("feeding", best.value >= GROSS, seen, advice, (best.name, *alike))


def _unstable(trials: InputTrials) -> Fault | None:
    again, mixed = instability(trials.logits, trials.again), instability(trials.logits, trials.mixed)
    random = again.mean() >= UNSTABLE or again.max() > REPEATED
    batch = mixed.mean() >= UNSTABLE or mixed.max() > ROUNDING
    if not random and not batch:
        return None
    moved = again if random else mixed
    how = "asked twice" if random else "asked in another batch"
    seen = f"{how}, it gives another answer to the same image (probabilities move by {moved.mean():.1%} on average)"
    kind: Kind = "training mode" if trials.training_layers else "random" if random else "batch"
    advice = "The same answer each time, whatever the batch, was expected. "
    if trials.training_layers:
        seen += f"; in evaluation mode these layers still train: {_first(trials.training_layers)}"
        advice += "Let the module obey .eval(), dropout and batch norm with it."
    elif random:
        advice += "Look for functional dropout (training=True) or random augmentation inside the model."
    else:
        advice += "Look for batch norm without running statistics, or anything else that averages over the batch."
    return Fault(kind, bool(moved.mean() >= UNSTABLE), seen, advice)


def _leaks(trials: InputTrials) -> list[Fault]:
    found = []
    whose = "the images that it was trained on" if trials.trained_on == "run" else "the training split"
    for name, rows, n in (
        ("test", trials.seen_test, int(trials.compared[0])),
        ("validation", trials.seen_validation, int(trials.compared[1])),
    ):
        share = len(rows) / max(n, 1)
        if share < LEAKED:
            continue
        seen = f"{len(rows):,} of {n:,} {name} images ({share:.1%}) are among {whose}, pixel for pixel"
        advice = (
            f"{name.capitalize()} images that it never saw were expected. Audit it on the split of its training (the "
            "same --data and --seed), or remove the copies."
        )
        found.append(Fault("leak", name == "test" and share >= GROSS, seen, advice))
    return found


def _gain(name: str, other: np.ndarray, stated: np.ndarray, p: float, confidence: float) -> Gain:
    both, better, worse = (int(one.sum()) for one in (other & stated, other & ~stated, stated & ~other))
    return Gain(name, len(stated), both, better, worse, confidence, p)


def _mcnemar(other: np.ndarray, stated: np.ndarray) -> float:
    return stats.mcnemar(int((other & ~stated).sum()), int((stated & ~other).sum()))[0]


def _first_half(labels: Labels) -> np.ndarray:
    """True at the first, third, fifth … image of each class."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    even = np.empty(len(labels), dtype=bool)
    even[order] = (np.arange(len(labels)) - starts) % 2 == 0
    return even


def _softmax(logits: Logits) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _first(names: str) -> str:
    known = names.split(",")
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")
