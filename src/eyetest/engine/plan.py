"""From the needs of the checks to the passes of the model, with what they will cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch

from ..checks.base import Check
from ..data.base import Dataset
from ..data.donors import draws_for
from ..evidence import (
    Attend,
    Describe,
    Embed,
    Explain,
    Need,
    Predict,
    Preflight,
    Probe,
    Resemble,
    Select,
    Swap,
    Trust,
    Vote,
)
from ..explain import explainer
from ..explain.base import DonorExplainer
from ..models.classifier import Classifier
from ..records import PassPlan, Plan
from ..transplants.base import Transplant

OVERHEAD = 1.15
"""Reading images and writing results, on top of the model's own time."""
MAPS_ON_TRIAL, REMOVALS_ON_TRIAL = 20, 132
"""Maps, and forward passes with pixels taken away, that put a method to the test on one image."""
TRIED, WAYS = 512, 7
"""Validation images that the preflight tries, and how often it asks each, as a rule: most ways of feeding are given up."""
MOST_PROBED = 256
"""Images of a selection that many donors are tried on, where the budget allows all."""


Annotating = Vote | Describe | Resemble
"""Needs that are answered from the data alone, or from what earlier passes stored."""


@final
@dataclass(frozen=True)
class Work:
    """The passes of one audit, each once however many checks ask for it."""

    checks: tuple[Check, ...]
    predicts: tuple[Predict, ...]
    explains: tuple[Explain, ...]
    transplants: tuple[Transplant, ...]
    probes: tuple[Probe, ...]
    embeds: tuple[Embed, ...]
    annotations: tuple[Annotating, ...]
    trusts: tuple[Trust, ...]
    attends: tuple[Attend, ...]
    limits: dict[str, int]
    """Images that the budget allows, where not all: of a split, of the test split for transplants (`swaps`), of each
    selection that many donors are tried on (`probes`)."""
    draws: int | None = None
    """How often each image gets new donors; None is as often as its number asks for."""

    def possible_transplants(self, data: Dataset) -> tuple[Transplant, ...]:
        """Those that this data can feed: some need object masks."""
        return feasible(self.transplants, data)

    def drawn(self) -> tuple[Transplant, ...]:
        """Every transplant that any finding may show."""
        return (*self.transplants, *(one for need in self.probes for one in need.transplants))

    def narrowed(self, select: Select) -> Select:
        """The selection, within what the budget allows for images that many donors are tried on."""
        return replace(select, limit=min(select.limit, self.limits.get("probes", select.limit)))

    def limit(self, need: Predict) -> int | None:
        """How many images this pass reads; None is all."""
        swaps = self.limits.get("swaps") if need.swapped else None
        allowed = [n for n in (need.limit, self.limits.get(need.split), swaps) if n is not None]
        return min(allowed, default=None)

    def key(self, need: Predict) -> str:
        """The pass's name in files: `identity`, `identity@train`, `identity@train-2000`."""
        limit = self.limit(need)
        split = "" if need.split == "test" and limit is None else f"@{need.split}"
        return need.view.key + split + ("" if limit is None else f"-{limit}")


def feasible(transplants: Sequence[Transplant], data: Dataset) -> tuple[Transplant, ...]:
    """Those that this data can feed: some need object masks."""
    masked = data.masked
    return tuple(one for one in transplants if masked or not one.needs_masks)


def batch_size(classifier: Classifier) -> int:
    """Images a forward pass: the user's number, else 64 on a CPU (larger ones fall out of the cache), and on an
    accelerator 1024, fewer above 64 pixels a side."""
    if classifier.batch_size is not None:
        return classifier.batch_size
    if classifier.device.type == "cpu":
        return 64
    height, width = classifier.input_size or (64, 64)
    return min(max(1024 * 64 * 64 // (height * width), 16), 1024)


def gather(checks: Sequence[Check], limits: dict[str, int] | None = None) -> Work:
    """All distinct passes that the checks need."""
    needs: dict[Need[Any], None] = {need: None for check in checks for need in check.needs()}
    predicts = tuple(need for need in needs if isinstance(need, Predict))
    explains = tuple(need for need in needs if isinstance(need, Explain))
    transplants = tuple(need.transplant for need in needs if isinstance(need, Swap))
    probes = tuple(need for need in needs if isinstance(need, Probe))
    trusts = tuple(need for need in needs if isinstance(need, Trust))
    attends = tuple(need for need in needs if isinstance(need, Attend))
    embeds = tuple(need for need in needs if isinstance(need, Embed))
    annotations = tuple(need for need in needs if isinstance(need, Vote | Describe | Resemble))
    implied = [Predict(split=need.split) for need in embeds] + [Predict()] * bool(
        explains or probes or trusts or attends
    )
    predicts = tuple(dict.fromkeys((*predicts, *implied)))
    return Work(
        tuple(checks), predicts, explains, transplants, probes, embeds, annotations, trusts, attends, limits or {}
    )


def within(checks: Sequence[Check], data: Dataset, speed: float, budget: float | None) -> Work:
    """The work, with training, validation and test images sampled so far that it fits `budget` seconds.

    The training images are given up first, then those whose cues are swapped or tried with many donors, then all splits
    alike; at least 200 images a split are kept, and 32 of each selection.
    """
    work = gather(checks)
    if budget is None or plan(work, data, speed).seconds <= budget:
        return work
    for share in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        train_only = gather(checks, _limits(data, {"train": share}))
        if plan(train_only, data, speed).seconds <= budget:
            return train_only
    for share in (0.5, 0.2, 0.1, 0.05):
        fewer_swaps = gather(checks, _limits(data, {"train": 0.01, "swaps": share, "probes": share}))
        if plan(fewer_swaps, data, speed).seconds <= budget:
            return fewer_swaps
    for share in (0.5, 0.2, 0.1, 0.05, 0.02):
        shares = {"train": 0.01, "swaps": 0.02, "probes": 0.05, "validation": share, "test": share}
        smaller = gather(checks, _limits(data, shares))
        if plan(smaller, data, speed).seconds <= budget:
            return smaller
    return smaller


def plan(work: Work, data: Dataset, speed: float) -> Plan:
    """What will be asked of the model at `speed` images a second."""
    passes = []
    for need in work.predicts:
        images = min(work.limit(need) or len(data.splits[need.split]), len(data.splits[need.split]))
        seconds = round(OVERHEAD * images / speed, 1)
        passes.append(PassPlan(what=f"predict {need.view.key}", split=need.split, images=images, seconds=seconds))
    # The most confident errors nest, so of one method and target the largest selection holds the others.
    largest = {(need.method, need.target): need for need in sorted(work.explains, key=lambda need: need.select.limit)}
    passes += [_explain_plan(need, work, data, speed) for need in largest.values()]
    passes += [_probe_plan(need, work, data, speed) for need in work.probes]
    passes += [_attend_plan(need, work, data, speed) for need in work.attends]
    passes += [_trust_plan(need, work, data, speed) for need in work.trusts]
    swapped = work.possible_transplants(data)
    if swapped:
        test = min(work.limits.get("test", len(data.test)), work.limits.get("swaps", len(data.test)), len(data.test))
        images = 2 * (work.draws or draws_for(len(data.test))) * len(swapped) * test
        seconds = round(OVERHEAD * images / speed, 1)
        what = f"swap {len(swapped)} cues with two donors each"
        passes.append(PassPlan(what=what, split="test", images=images, seconds=seconds))
    if any(isinstance(need, Preflight) for check in work.checks for need in check.needs()):
        images = WAYS * min(TRIED, len(data.validation))
        seconds = round(OVERHEAD * images / speed, 1)
        passes.append(PassPlan(what="try how it is fed", split="validation", images=images, seconds=seconds))
    return Plan(passes=tuple(passes), seconds=round(sum(p.seconds for p in passes), 1), note=_precision(work, data))


def _explain_plan(need: Explain, work: Work, data: Dataset, speed: float) -> PassPlan:
    method = explainer(need.method)
    cost, images = method.cost, min(need.select.limit, len(data.test))
    if issubclass(method, DonorExplainer):
        cost, images = method.forwards(*data.image_size), min(work.narrowed(need.select).limit, len(data.test))
    what = f"explain {need.method}, class {need.target}"
    return PassPlan(what=what, split="test", images=images, seconds=round(OVERHEAD * cost * images / speed, 1))


def _attend_plan(need: Attend, work: Work, data: Dataset, speed: float) -> PassPlan:
    test = work.limits.get("test", len(data.test))
    images = min(need.limit or test, test)
    seconds = round(OVERHEAD * explainer(need.method).cost * images / speed, 1)
    return PassPlan(what=f"see where {need.method} maps look", split="test", images=images, seconds=seconds)


def _trust_plan(need: Trust, work: Work, data: Dataset, speed: float) -> PassPlan:
    """Maps of redrawn models and of noisy copies, and pixels taken away in the order of the map and of its controls."""
    images = min(work.narrowed(need.select).limit, len(data.test))
    method = explainer(need.method)
    cost = method.forwards(*data.image_size) if issubclass(method, DonorExplainer) else method.cost
    forwards = images * (MAPS_ON_TRIAL * cost + REMOVALS_ON_TRIAL)
    what = f"put {need.method} maps to the test, class {need.target}"
    return PassPlan(what=what, split="test", images=images, seconds=round(OVERHEAD * forwards / speed, 1))


def _probe_plan(need: Probe, work: Work, data: Dataset, speed: float) -> PassPlan:
    """At most: how many errors there are is not known yet."""
    cues, images = len(feasible(need.transplants, data)), min(work.narrowed(need.select).limit, len(data.test))
    forwards = images * cues * len(need.arms) * need.draws
    what = f"probe {need.select.kind.replace('_', ' ')}, {cues} cues with {need.draws} donors an arm"
    return PassPlan(what=what, split="test", images=images, seconds=round(OVERHEAD * forwards / speed, 1))


def measure_speed(classifier: Classifier, data: Dataset) -> float:
    """Images a second of a forward pass, after a warm-up, on a batch of validation images."""
    rows = data.validation.rows[: 4 * batch_size(classifier)]
    images = torch.from_numpy(data.validation.images(rows)).float() / 255
    classifier.predict(images[:8])
    started = time.perf_counter()
    for part in torch.split(images, batch_size(classifier)):
        classifier.predict(part)
    return len(images) / max(time.perf_counter() - started, 1e-6)


def _limits(data: Dataset, shares: dict[str, float]) -> dict[str, int]:
    sizes = {str(name): len(split) for name, split in data.splits.items()}
    sizes |= {"swaps": len(data.test), "probes": min(MOST_PROBED, len(data.test))}
    least = {"probes": 32}
    return {
        name: min(max(int(share * sizes[name]), least.get(name, 200)), sizes[name]) for name, share in shares.items()
    }


def _precision(work: Work, data: Dataset) -> str:
    n = min(work.limits.get("test", len(data.test)), len(data.test))
    half = 100 * 1.96 * (0.25 / n) ** 0.5
    return f"{n:,} test images: a rate is known to ±{half:.1f} points or better (95 %)."
