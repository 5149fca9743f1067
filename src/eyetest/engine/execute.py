"""Ask the model everything that was planned. A pass that is done is never done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch

from ..data.base import Dataset, SplitData
from ..data.donors import arm_donors
from ..data.split import stratified_sample
from ..errors import MissingEvidence
from ..evidence import Embed, Explain, Predict
from ..explain import explainer
from ..explain.base import DonorExplainer, Lenders, spread
from ..models.classifier import Classifier
from ..stats import rank_correlation
from ..store import RunDir
from ..tensors import LogitTarget
from ..types import Features, Labels, MapSet, Predictions, Progress, Rows, Target, places
from .plan import Work, batch_size


def predict_all(
    run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress
) -> None:
    """All predictions of the work, each written as one whole pass."""
    for need in work.predicts:
        if run.has_predictions(work.key(need)):
            continue
        split = data.splits[need.split]
        limit = work.limit(need)
        rows = split.rows if limit is None else stratified_sample(split.labels, limit, seed)
        embedded = need == Predict(split=need.split) and Embed(need.split) in work.embeds
        logits, features = np.empty((len(rows), len(classifier.classes)), dtype=np.float32), None
        size = batch_size(classifier)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            images = need.view(pixels(split, part), image_seeds(seed, need, split.ids(part)))
            answer, read = classifier.predict_with_features(images) if embedded else (classifier.predict(images), None)
            logits[start : start + size] = answer.cpu().numpy()
            if read is not None:
                features = np.empty((len(rows), read.shape[1]), dtype=np.float32) if features is None else features
                features[start : start + size] = read.cpu().numpy()
            progress(f"{classifier.name}: {need.view.key} images of {need.split}", (start + len(part)) / len(rows), 0.0)
        if features is not None:
            run.write_annotation(feature_key(need.split), Features(need.split, rows, features))
        run.write_predictions(work.key(need), Predictions(need.split, rows, split.labels[rows], logits))


def explain_all(
    run: RunDir, work: Work, classifier: Classifier, data: Dataset, rows: Rows, *, seed: int, progress: Progress
) -> None:
    """All maps of the work for these test rows, unless the run has them already.

    A method that needs donors is dear, and maps only what its own needs select. One that this model does not allow
    leaves no maps, and the checks say so.
    """
    if not work.explains:
        return
    predictions = run.predictions(work.key(Predict()), "test")
    groups = _by_key(work.explains)
    for number, (key, needs) in enumerate(groups.items()):
        done, method = run.maps(key), explainer(needs[0].method)
        if issubclass(method, DonorExplainer):
            if done is None:
                selects = [work.narrowed(need.select) for need in needs]
                own = np.unique(np.concatenate([select.rows(predictions, seed) for select in selects]))
                run.write_maps(key, _donor_maps(method(), needs[0], classifier, data, predictions, own, seed))
        elif done is None or not set(rows.tolist()) <= set(done.rows.tolist()):
            with suppress(MissingEvidence):
                run.write_maps(key, _maps(needs[0], classifier, data, predictions, rows))
        progress(f"{classifier.name}: {needs[0].method} maps", (number + 1) / len(groups), 0.0)


def selected(run: RunDir, work: Work, seed: int) -> Rows:
    """The test rows that any explanation without donors asks for, ascending."""
    needs = [need for need in work.explains if not issubclass(explainer(need.method), DonorExplainer)]
    if not needs:
        return np.empty(0, dtype=np.int64)
    predictions = run.predictions(work.key(Predict()), "test")
    return np.unique(np.concatenate([need.select.rows(predictions, seed) for need in needs]))


def feature_key(split: str) -> str:
    """The name of a split's features in files."""
    return f"features-{split}"


def map_key(need: Explain) -> str:
    """The name of the maps in files."""
    return f"{need.method}-{need.target}"


def pixels(split: SplitData, rows: Rows) -> torch.Tensor:
    """Images of these rows as float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(split.images(rows))).float() / 255


def image_seeds(seed: int, need: Predict, ids: tuple[str, ...]) -> tuple[int, ...]:
    """One seed an image, from (seed, view, image id) alone."""
    prefix = f"{seed}/{need.view.key}/"
    return tuple(int.from_bytes(hashlib.sha256((prefix + name).encode()).digest()[:7], "big") for name in ids)


def _by_key(needs: Iterable[Explain]) -> dict[str, list[Explain]]:
    found: dict[str, list[Explain]] = {}
    for need in needs:
        found.setdefault(map_key(need), []).append(need)
    return found


def _maps(need: Explain, classifier: Classifier, data: Dataset, predictions: Predictions, rows: Rows) -> MapSet:
    classes, against = explained(need.target, predictions, rows)
    method = explainer(need.method)()
    height, width = data.image_size
    values = [np.empty((0, height, width), dtype=np.float32)]
    size = batch_size(classifier)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        target = LogitTarget(*(torch.from_numpy(one[part]) for one in (classes, *against)))
        maps = method(classifier, pixels(data.test, rows[part]), target)
        values.append(maps.float().cpu().numpy())
    return MapSet("test", rows, classes, np.concatenate(values))


def _donor_maps(
    method: DonorExplainer,
    need: Explain,
    classifier: Classifier,
    data: Dataset,
    predictions: Predictions,
    rows: Rows,
    seed: int,
) -> MapSet:
    """Maps with their split-half reliability; images without donors are left out."""
    classes, _ = explained(need.target, predictions, rows)
    labels, _ = explained("label", predictions, rows)
    pairs = list(zip(classes.tolist(), labels.tolist(), strict=True))
    names, draws = data.test.ids(rows), method.draws
    kept, donors = arm_donors(names, pairs, ("predicted", "third"), data.validation, seed=seed, draws=draws)
    rows, classes = rows[kept], classes[kept]
    height, width = data.image_size
    values, halves = [np.empty((0, height, width), dtype=np.float32)], [np.empty(0)]
    size = batch_size(classifier)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        own, third = (lent_images(data.validation, donors[arm][:, part]) for arm in range(2))
        ready = replace(method, lenders=Lenders(own, third))
        grids = ready.each(classifier, pixels(data.test, rows[part]), torch.from_numpy(classes[part])).cpu()
        values.append(spread(grids.mean(0), height, width).numpy())
        first, second = (half.mean(0).flatten(1).numpy() for half in (grids[: draws // 2], grids[draws // 2 :]))
        halves.append(rank_correlation(first, second))
    return MapSet("test", rows, classes, np.concatenate(values), np.concatenate(halves))


def explained(target: Target, predictions: Predictions, rows: Rows) -> tuple[Labels, tuple[Labels, ...]]:
    """The classes to explain and, for a contrast, those that they are held against."""
    chosen = places(predictions.rows, rows)
    if target == "label":
        return predictions.labels[chosen], ()
    against = (predictions.contender[chosen],) if target == "contrast" else ()
    return predictions.predicted[chosen], against


def lent_images(pool: SplitData, donors: np.ndarray) -> torch.Tensor:
    """Donors r n as images r n 3 h w."""
    images = pixels(pool, donors.ravel())
    return images.reshape(*donors.shape, *images.shape[1:])
