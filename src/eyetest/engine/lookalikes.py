"""Which test images are in the data twice: exactly, or nearly (moved, mirrored, recompressed, brightened).

Every picture is read once and kept, at no more than 32 pixels a side, in a temporary file, so that memory is bounded.
Nothing here asks the model: duplicates are a fact of the data, and two audits of the same data find the same ones.
Source: docs/design/METHODS.md section 4.3; candidates come from the Fourier amplitude, which moving hardly changes.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, final

import numpy as np

from ..data.base import Dataset
from ..evidence import Resemble
from ..store import RunDir
from ..types import SPLITS, Lookalikes, Progress
from .likeness import closeness, mirrored, shrunk, spectrum

CORRELATION = 0.95
"""Least correlation of the pixels of duplicates."""
DETAIL = 0.5
"""Least correlation of their fine structure: two horizons correlate without being the same picture."""
ALIKE = 0.75
"""Least cosine of the standardised amplitudes of candidates; of pictures moved by (2, 2) pixels the least seen is .76."""
MOST = 4
"""Candidates of one test image, the most alike; exact duplicates of it in one split that are listed."""
NULL_SAMPLE = 2000
"""Test images whose most alike image of another class tells how often the rule is fooled."""
FOOLED = 0.01
"""Share of those above which the correlation that is asked for is raised; less may be true duplicates with two labels."""
CELLS = 8_000_000
"""Similarities that are held at once."""
PAIRS = 500


@final
@dataclass(frozen=True, eq=False)
class Gathered:
    """All pictures of the data, small, with what finds candidates; one split after the other."""

    small: np.ndarray
    """uint8 n 3 s s."""
    digests: np.ndarray
    """A hash of all pixels of each."""
    amplitudes: np.ndarray
    """Unit vectors, float32 n d."""
    reflected: np.ndarray
    """Those of the mirrored test images."""
    labels: np.ndarray
    split: np.ndarray
    """Index into SPLITS."""
    rows: np.ndarray


def lookalikes(need: Resemble, run: RunDir, data: Dataset, seed: int, progress: Progress) -> Lookalikes:
    """The duplicates of the data; the run and the model have no say."""
    return duplicates(data, seed, progress)


def duplicates(data: Dataset, seed: int, progress: Progress) -> Lookalikes:
    """All duplicates of test images within the test split and in the others."""
    with tempfile.TemporaryFile() as file:
        found = _gathered(data, file, progress)
        test = np.flatnonzero(found.split == SPLITS.index("test"))
        sample = np.random.default_rng([seed, len(test)]).permutation(test)[:NULL_SAMPLE]
        pairs, fooling = _candidates(found, test, sample, progress)
        pairs = pairs[found.digests[pairs[:, 0]] != found.digests[pairs[:, 1]]]
        null = np.zeros(len(sample))
        null[: len(fooling)] = _judged(found, fooling)
        limit = max(CORRELATION, float(np.quantile(null, 1 - FOOLED))) if len(null) * FOOLED >= 2 else CORRELATION
        correlation = _judged(found, pairs)
        near = correlation >= limit
        same = _exact(found, test)
        both = np.concatenate([same, pairs[near]])
        values = np.concatenate([np.ones(len(same)), correlation[near]])
    order = np.lexsort((both[:, 1], -values, both[:, 0]))
    first, second = both[order].T
    return Lookalikes(
        rows=found.rows[first],
        other=found.rows[second],
        other_split=found.split[second],
        exact=(np.arange(len(both)) < len(same))[order],
        correlation=values[order],
        tested=np.array([len(test)], dtype=np.int64),
        null_rate=np.array([float((null >= limit).mean()) if len(null) else 0.0]),
        other_labels=found.labels[second],
    )


def _gathered(data: Dataset, file: IO[bytes], progress: Progress) -> Gathered:
    sizes = [len(data.splits[name]) for name in SPLITS]
    total, (height, width) = sum(sizes), data.image_size
    side = shrunk(np.zeros((1, 3, height, width), dtype=np.uint8)).shape[1:]
    small = np.memmap(file, dtype=np.uint8, mode="w+", shape=(total, *side))
    digests, amplitudes, start = np.empty(total, dtype="S16"), [], 0
    for images in _batches(data):
        stop = start + len(images)
        small[start:stop] = shrunk(images)
        digests[start:stop] = [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in images]
        amplitudes.append(spectrum(small[start:stop]))
        start = stop
        progress("duplicates: pictures read", start / total, 0.0)
    whole = np.concatenate(amplitudes)
    mean, deviation = whole.mean(0), whole.std(0)
    scale = np.where(deviation > 1e-6, deviation, 1.0)
    test = slice(total - sizes[-1], total)
    return Gathered(
        small,
        digests,
        _unit((whole - mean) / scale),
        _unit((mirrored(whole[test]) - mean) / scale),
        np.concatenate([data.splits[name].labels for name in SPLITS]),
        np.repeat(np.arange(len(SPLITS)), sizes),
        np.concatenate([data.splits[name].rows for name in SPLITS]),
    )


def _batches(data: Dataset) -> Iterator[np.ndarray]:
    size = max(2**22 // (3 * data.image_size[0] * data.image_size[1]), 1)
    for name in SPLITS:
        split = data.splits[name]
        for start in range(0, len(split), size):
            yield np.ascontiguousarray(split.images(split.rows[start : start + size]))


def _unit(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(len(values), -1)
    result: np.ndarray = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return result


def _candidates(
    found: Gathered, test: np.ndarray, sample: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions: the most alike images of each test image, and of another class for each of the sample."""
    size = max(CELLS // len(found.amplitudes), 1)
    near, fooling, sampled = (
        [np.empty((0, 2), dtype=np.int64)],
        [np.empty((0, 2), dtype=np.int64)],
        set(sample.tolist()),
    )
    for start in range(0, len(test), size):
        part = test[start : start + size]
        likeness = found.amplitudes[part] @ found.amplitudes.T
        np.maximum(likeness, found.reflected[start : start + size] @ found.amplitudes.T, out=likeness)
        likeness[np.arange(len(part)), part] = -1
        near.append(_most_alike(likeness, part, MOST))
        chosen = [index for index, one in enumerate(part.tolist()) if one in sampled]
        other = np.where(found.labels[part[chosen], None] == found.labels, -1, likeness[chosen])
        fooling.append(_most_alike(other, part[chosen], 1))
        progress("duplicates: pictures compared", (start + len(part)) / len(test), 0.0)
    return np.concatenate(near), np.concatenate(fooling)


def _most_alike(likeness: np.ndarray, part: np.ndarray, most: int) -> np.ndarray:
    row, column = np.nonzero(likeness > ALIKE)
    order = np.lexsort((column, -likeness[row, column], row))
    row, column = row[order], column[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    return np.stack([part[row], column], axis=1)[rank < most]


def _judged(found: Gathered, pairs: np.ndarray) -> np.ndarray:
    """Correlation of the pixels of each pair; 0 where the fine structure does not agree."""
    values = [np.empty(0)]
    for start in range(0, len(pairs), PAIRS):
        part = pairs[start : start + PAIRS]
        correlation, detail = closeness(found.small[part[:, 0]], found.small[part[:, 1]])
        values.append(np.where(detail >= DETAIL, correlation, 0.0))
    return np.concatenate(values)


def _exact(found: Gathered, test: np.ndarray) -> np.ndarray:
    """Pairs of positions with equal pixels; at most MOST of one test image in one split."""
    order = np.argsort(found.digests, kind="stable")
    pairs = []
    for one in test.tolist():
        low, high = (np.searchsorted(found.digests, found.digests[one], side, order) for side in ("left", "right"))
        twins = order[low:high]
        for split in np.unique(found.split[twins]).tolist():
            kept = [other for other in twins[found.split[twins] == split].tolist() if other != one][:MOST]
            pairs += [(one, other) for other in kept]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
