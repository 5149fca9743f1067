"""Before the passes: is the model fed what it was trained on? The one exception beside execute that calls the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ..checks._input_faults import Fault, faults
from ..checks.base import Check
from ..data.base import Dataset, SplitData
from ..data.hashes import split_hashes
from ..data.split import stratified_sample
from ..errors import DataError, ModelError
from ..evidence import Preflight
from ..models.classifier import Classifier
from ..store import RunDir
from ..types import Answers, InputTrials, Labels, Logits, PixelHashes, Progress
from .execute import pixels
from .plan import TRIED, batch_size

NAME = "preflight"
"""Of the annotation that keeps what was seen."""
REPEATED = 128
"""Images that are asked again, and in other batches."""
LOOK, BEHIND = 64, 3
"""A way of feeding that is right on three of the first 64 images less than the stated one is given up: a way that is five
points better, with one answer in ten changed, is given up with probability .007. That costs no false alarm."""
MOST_TRAINING, MOST_OTHER = 60_000, 10_000
"""Images of a split that are hashed; of more, a seeded stratified sample."""
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
CAFFE = (103.939, 116.779, 123.68)
"""ImageNet's mean from 0 to 255, blue first. Source: Simonyan & Zisserman 2015, released weights."""

Trained = tuple[PixelHashes | None, str]
"""Hashes of the images that a model was trained on, if they are known, and InputTrials.trained_on."""


def preflight(
    checks: Sequence[Check],
    classifier: Classifier,
    data: Dataset,
    *,
    seed: int,
    trained: Trained,
    anyway: bool,
    progress: Progress,
    known: InputTrials | None = None,
) -> InputTrials | None:
    """What was seen, or None if no check asks for it; `known` is what an earlier attempt saw.

    Raises ModelError or DataError if figures would be meaningless, unless it is to go on `anyway`.
    """
    if not any(isinstance(need, Preflight) for check in checks for need in check.needs()):
        return None
    seen = known or try_inputs(classifier, data, seed=seed, trained=trained, progress=progress)
    if not anyway:
        require_sound(classifier.name, faults(seen, data.classes))
    return seen


def require_sound(name: str, found: Sequence[Fault]) -> None:
    """Raise DataError or ModelError if any fault makes figures meaningless."""
    refused = [fault for fault in found if fault.refused]
    if not refused:
        return
    kind = DataError if all(fault.kind == "leak" for fault in refused) else ModelError
    seen = "; ".join(fault.seen for fault in refused)
    advice = " ".join(fault.advice for fault in refused)
    raise kind(
        f"The audit of {name!r} was not begun (DAT001), because its figures would mean nothing: {seen}. {advice} To audit "
        "it all the same, give --anyway."
    )


def kept(run: RunDir) -> InputTrials | None:
    """What the preflight of this run saw, if it had one."""
    return run.annotation(NAME, InputTrials) if run.has_annotation(NAME) else None


def try_inputs(
    classifier: Classifier, data: Dataset, *, seed: int, trained: Trained, progress: Progress
) -> InputTrials:
    """The answers to validation images in every way of feeding, and the images that it has seen. The module stays as it was."""
    rows = np.random.default_rng(seed).permutation(stratified_sample(data.validation.labels, TRIED, seed))
    images, labels = pixels(data.validation, rows), data.validation.labels[rows]
    tried = feedings(classifier, images)
    answers: dict[str, Answers] = {}
    with _buffers_kept(classifier.module):
        layers = _layers_in_training(classifier, images[:8])
        first = images[:REPEATED]
        again, mixed = _logits(classifier, first), _logits(classifier, first, np.argsort(labels[:REPEATED]), parts=2)
        logits = np.concatenate([_logits(classifier, first), _logits(classifier, images[REPEATED:])])
        stated = logits.argmax(1) == labels
        for number, (name, fed) in enumerate(tried.items()):
            answers[name] = _answers(classifier, fed, labels, stated)
            progress(f"{classifier.name}: is it fed rightly", (number + 1) / len(tried), 0.0)
    hashes, known_from = trained
    found = hashes.hashes if hashes is not None else _hashed(data.train, MOST_TRAINING, seed)[1]
    (test, test_hashes), (validation, held) = (_hashed(one, MOST_OTHER, seed) for one in (data.test, data.validation))
    return InputTrials(
        rows=rows,
        labels=labels,
        logits=logits,
        again=again,
        mixed=mixed,
        answers=answers,
        training_layers=",".join(layers),
        trained_on=known_from,
        seen_test=test[np.isin(test_hashes, found)],
        seen_validation=validation[np.isin(held, found)],
        compared=np.array([len(test), len(validation), len(found)], dtype=np.int64),
    )


def feedings(classifier: Classifier, images: Tensor) -> dict[str, Tensor]:
    """The same images such that the module itself is fed in each way of checks/_input_faults.FEEDINGS.

    A way that is what is stated, or another way, is left out. The stated normalisation comes after, so it is undone here.
    """
    mean, std = (images.new_tensor(one).view(1, 3, 1, 1) for one in (classifier.mean, classifier.std))
    own = images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).clamp(min=1e-3).tolist()
    stated = (images - mean) / std
    fed = {
        "none": images,
        "imagenet": _normalised(images, *IMAGENET),
        "cifar": _normalised(images, *CIFAR),
        "own": _normalised(images, *own),
        "half": 2 * images - 1,
        "twice": (stated - mean) / std,
        "bytes": 255 * images,
        "bytes_down": stated / 255,
        "bgr": (images.flip(1) - mean) / std,
        "caffe": 255 * images.flip(1) - images.new_tensor(CAFFE).view(1, 3, 1, 1),
        "inverted": (1 - images - mean) / std,
    }
    if images.shape[2] == images.shape[3]:
        fed["turned"] = stated.transpose(2, 3)
    distinct = {"stated": stated}
    for name, one in fed.items():
        if not any(torch.allclose(one, other, rtol=0, atol=1e-3) for other in distinct.values()):
            distinct[name] = one
    return {name: one * std + mean for name, one in distinct.items() if name != "stated"}


def _normalised(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    return (images - images.new_tensor(mean).view(1, 3, 1, 1)) / images.new_tensor(std).view(1, 3, 1, 1)


def _logits(classifier: Classifier, images: Tensor, order: np.ndarray | None = None, parts: int = 1) -> Logits:
    """Logits of all images, asked in this order, in `parts` times as many batches as usual."""
    found = np.empty((len(images), len(classifier.classes)), dtype=np.float32)
    order = np.arange(len(images)) if order is None else order
    batches = parts * -(-len(images) // batch_size(classifier))
    for chosen in np.array_split(order, min(batches, len(order))) if len(order) else []:
        found[chosen] = classifier.predict(images[chosen].contiguous()).cpu().numpy()
    return found


def _answers(classifier: Classifier, images: Tensor, labels: Labels, stated: np.ndarray) -> Answers:
    """The predicted classes: of the first images alone if fewer of them are right than as stated, beyond doubt.

    All are -1 where any logit is not finite, because that is no way to feed it.
    """
    try:
        first = _logits(classifier, images[:LOOK]).argmax(1).astype(np.int64)
        if int(stated[:LOOK].sum()) - int((first == labels[:LOOK]).sum()) >= BEHIND:
            return first
        rest = _logits(classifier, images[LOOK:]).argmax(1).astype(np.int64)
    except ModelError:
        return np.full(min(LOOK, len(images)), -1, dtype=np.int64)
    return np.concatenate([first, rest])


def _layers_in_training(classifier: Classifier, images: Tensor) -> list[str]:
    """Names of the dropout and batch-norm layers that are in training mode while evaluation mode is asked for."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    found: dict[str, None] = {}

    def look(name: str) -> Callable[[nn.Module, object], None]:
        return lambda layer, _: found.setdefault(name) if layer.training else None

    layers = [
        (name, one) for name, one in (classifier.twin or classifier.module).named_modules() if isinstance(one, kinds)
    ]
    hooks = [layer.register_forward_pre_hook(look(name)) for name, layer in layers]
    try:
        classifier.predict(images)
    finally:
        for hook in hooks:
            hook.remove()
    return list(found)


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    """Buffers as they were afterwards: batch norm in training mode would move its running statistics."""
    before = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def _hashed(split: SplitData, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a split, a sample where there are more than `most`, and their hashes."""
    rows = stratified_sample(split.labels, most, seed)
    return rows, split_hashes(split, rows)
