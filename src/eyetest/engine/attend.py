"""Where the maps of one method put their weight, over many test images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..data.base import Dataset
from ..data.split import stratified_sample
from ..evidence import Attend, Predict
from ..explain import explainer
from ..explain.base import Explainer, LayerExplainer
from ..models.classifier import Classifier
from ..store import RunDir
from ..tensors import LogitTarget, scaled
from ..types import Attention, Column, Progress, Rows
from .execute import explained, pixels
from .plan import Work, batch_size

FRAME = 5
"""Pixels of the border at width 32, as in CUE003."""


def attend_all(
    run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress
) -> None:
    """Where the maps look, for all that the work asks, unless the run has it already."""
    for number, need in enumerate(work.attends):
        if not run.has_annotation(attend_key(need)):
            run.write_annotation(attend_key(need), attention(need, run, work, classifier, data, seed))
        progress(f"{classifier.name}: where {need.method} maps look", (number + 1) / len(work.attends), 0.0)


def attend_key(need: Attend) -> str:
    """The name in files."""
    return f"attend-{need.method}-{need.target}"


def attention(need: Attend, run: RunDir, work: Work, classifier: Classifier, data: Dataset, seed: int) -> Attention:
    """Shares of the positive evidence by region, with the maps at their own resolution."""
    predictions = run.predictions(work.key(Predict()), "test")
    rows = predictions.rows
    if need.limit is not None and need.limit < len(rows):
        rows = rows[stratified_sample(predictions.labels, need.limit, seed)]
    classes, against = explained(need.target, predictions, rows)
    regions = _regions(*data.image_size)
    maps: list[np.ndarray] = []
    shares: dict[str, list[Column]] = {}
    size = batch_size(classifier)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        target = LogitTarget(*(torch.from_numpy(one[part]) for one in (classes, *against)))
        images = pixels(data.test, rows[part])
        found = own_resolution(explainer(need.method)(), classifier, images, target).cpu()
        maps.append(found.numpy())
        for name, region in (regions | _objects(data, rows[part])).items():
            shares.setdefault(name, []).append(share(found, region))
    whole = np.concatenate(maps)
    positive = whole.clip(min=0).sum((1, 2)).astype(np.float64)
    known = {name: np.concatenate(parts) for name, parts in shares.items()}
    areas = {name: np.array([float(region.mean())]) for name, region in regions.items()}
    return Attention("test", rows, whole, positive, known, areas)


def own_resolution(method: Explainer, classifier: Classifier, images: Tensor, target: LogitTarget) -> Tensor:
    """Maps before they are enlarged to image size, where the method does that."""
    if isinstance(method, LayerExplainer):
        return method.coarse(classifier, images, target)
    return method(classifier, images, target)


def share(maps: Tensor, region: Tensor) -> Column:
    """Part of each map's positive evidence within a region (h w, or n h w of 0 and 1), cell by cell; 0 without any."""
    positive = maps.clamp_min(0).double()
    whole = region.double().expand(len(maps), *region.shape[-2:])
    inside = torch.nn.functional.adaptive_avg_pool2d(whole[:, None], (maps.shape[1], maps.shape[2]))[:, 0]
    total = positive.sum((1, 2))
    found: Column = ((positive * inside).sum((1, 2)) / total.clamp_min(1e-300)).numpy()
    return np.where(total.numpy() > 0, found, 0.0)


def _objects(data: Dataset, rows: Rows) -> dict[str, Tensor]:
    masks = data.test.masks(rows)
    return {} if masks is None else {"object": torch.from_numpy(masks).float()}


def _regions(height: int, width: int) -> dict[str, Tensor]:
    centre, border = torch.zeros(height, width), torch.ones(height, width)
    centre[height // 4 : height - height // 4, width // 4 : width - width // 4] = 1
    rows, columns = scaled(FRAME, height), scaled(FRAME, width)
    border[rows : height - rows, columns : width - columns] = 0
    return {"centre": centre, "border": border}
