"""Ask the model about selected images with each cue from many donors: one experiment an image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..data.base import Dataset
from ..data.donors import arm_donors
from ..evidence import Predict, Probe
from ..models.classifier import Classifier
from ..store import RunDir
from ..transplants.base import Transplant
from ..types import Predictions, Probes, Progress, Rows, SplitName, places
from .plan import Work, batch_size, feasible
from .swap import load_batch

POOL: SplitName = "validation"
"""The split that lends: no model learned from it, and it is not the evaluated one."""


def probe_all(run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress) -> None:
    """All probes of the work, each written as one whole; one that is done is not done again."""
    for number, need in enumerate(work.probes):
        key = probe_key(need)
        if run.has_probe(key):
            continue

        def report(done: float, number: int = number) -> None:
            part = (number + done) / len(work.probes)
            progress(f"{classifier.name}: cues of single images made neutral", part, 0.0)

        predictions = run.predictions(work.key(Predict()), "test")
        rows = work.narrowed(need.select).rows(predictions, seed)
        experiment = designed(need, data, predictions, rows, seed=seed)
        operators = feasible(need.transplants, data)
        run.write_probe(key, asked(experiment, operators, classifier, data, report), POOL)


def probe_key(need: Probe) -> str:
    """The name of the probe in files: selection, and a digest of what is asked of it."""
    asked_of = f"{need.transplants}/{need.arms}/{need.draws}"
    return f"{need.select.kind}-{need.select.limit}-{hashlib.sha256(asked_of.encode()).hexdigest()[:8]}"


def designed(need: Probe, data: Dataset, predictions: Predictions, rows: Rows, *, seed: int) -> Probes:
    """The experiment before it is made: images, classes and donors, no cues yet; images without donors are left out."""
    at = places(predictions.rows, rows)
    predicted, contender = predictions.predicted[at], predictions.contender[at]
    pairs = list(zip(predicted.tolist(), contender.tolist(), strict=True))
    pool = data.splits[POOL]
    kept, donors = arm_donors(data.test.ids(rows), pairs, need.arms, pool, seed=seed, draws=need.draws)
    nothing = np.empty((0, *donors.shape))
    return Probes(
        rows=rows[kept],
        predicted_class=predicted[kept],
        contender=contender[kept],
        arms=need.arms,
        donors=donors,
        classes=pool.labels[donors],
        cues=(),
        answers=nothing.astype(np.int64),
        confidence=nothing.astype(np.float32),
        left_out=len(rows) - len(kept),
    )


def asked(
    experiment: Probes,
    operators: Sequence[Transplant],
    classifier: Classifier,
    data: Dataset,
    report: Callable[[float], None],
) -> Probes:
    """The experiment with the model's answers."""
    shape = (len(operators), *experiment.donors.shape)
    answers, confidence = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32)
    masked = any(operator.needs_masks for operator in operators)
    n, size = len(experiment.rows), batch_size(classifier)
    for start in range(0, n, size):
        here = slice(start, start + size)
        base = load_batch(data.test, experiment.rows[here], classifier.device, masked=masked)
        for arm, draw in np.ndindex(*experiment.donors.shape[:2]):
            donor = load_batch(data.splits[POOL], experiment.donors[arm, draw, here], classifier.device, masked=masked)
            for c, operator in enumerate(operators):
                sure, answer = classifier.predict(operator(base, donor)).softmax(1).max(1)
                answers[c, arm, draw, here] = answer.cpu().numpy()
                confidence[c, arm, draw, here] = sure.cpu().numpy()
        report(min(start + size, n) / n)
    cues = tuple(operator.key for operator in operators)
    return replace(experiment, cues=cues, answers=answers, confidence=confidence)
