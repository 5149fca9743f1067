"""Ask the model about images with one cue swapped: all operators in one go through the images, part by part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..data.base import Dataset, SplitData
from ..data.donors import donor_table, draws_for
from ..data.split import stratified_sample
from ..errors import DataError
from ..models.classifier import Classifier
from ..store import RunDir
from ..transplants.base import Batch, Transplant
from ..types import DonorTable, Progress, Rows
from .execute import pixels
from .plan import Work, batch_size

PART = 1000
"""Images after which the answers are written, so that a killed audit resumes there."""


def swap_all(run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress) -> None:
    """The answers to all transplants of the work, from donors of the validation split; nothing if there are no donors."""
    operators = work.possible_transplants(data)
    if not operators:
        return
    table = run.donors()
    if table is None:
        try:
            table = _table(work, data, seed)
        except DataError:
            return
        run.write_donors(table, "test", "validation")
    for part, start in enumerate(range(0, len(table.rows), PART)):
        if not run.has_swaps(part):
            rows = slice(start, start + PART)
            run.write_swaps(part, data.test.labels[table.rows[rows]], answers(operators, classifier, data, table, rows))
        done = min(start + PART, len(table.rows))
        progress(f"{classifier.name}: {len(operators)} cues swapped", done / len(table.rows), 0.0)


def _table(work: Work, data: Dataset, seed: int) -> DonorTable:
    """The table of the whole split, restricted to the images that the budget allows; they keep their donors."""
    whole = donor_table(data.test, data.validation, seed=seed, draws=work.draws or draws_for(len(data.test)))
    limit = work.limits.get("swaps", work.limits.get("test"))
    if limit is None:
        return whole
    kept = np.isin(whole.rows, stratified_sample(data.test.labels, limit, seed))
    return DonorTable(whole.rows[kept], whole.donors[..., kept], whole.classes[..., kept], whole.left_out)


def answers(
    operators: Sequence[Transplant], classifier: Classifier, data: Dataset, table: DonorTable, part: slice
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Logits (r 2 n k) and distances (r 2 n) by operator, for these rows of the donor table."""
    rows, donors = table.rows[part], table.donors[..., part]
    masked = any(operator.needs_masks for operator in operators)
    shape = (*donors.shape, len(classifier.classes))
    found = {o.key: (np.empty(shape, np.float32), np.empty(donors.shape, np.float32)) for o in operators}
    size = batch_size(classifier)
    for start in range(0, len(rows), size):
        here = slice(start, start + size)
        base = load_batch(data.test, rows[here], classifier.device, masked=masked)
        for draw in range(donors.shape[0]):
            for arm in range(2):
                donor = load_batch(data.validation, donors[draw, arm, here], classifier.device, masked=masked)
                for operator in operators:
                    changed = operator(base, donor)
                    logits, distance = found[operator.key]
                    logits[draw, arm, here] = classifier.predict(changed).cpu().numpy()
                    distance[draw, arm, here] = (changed - base.images).flatten(1).norm(dim=1).cpu().numpy()
    return found


def load_batch(split: SplitData, rows: Rows, device: torch.device, *, masked: bool) -> Batch:
    """Images of these rows on a device, with their masks if they are wanted and there are any."""
    found = split.masks(rows) if masked else None
    masks = torch.from_numpy(found).to(device) if found is not None else None
    return Batch(pixels(split, rows).to(device), masks)
