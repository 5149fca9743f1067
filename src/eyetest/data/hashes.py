"""Hashes of pixels, to find the same image in two places. They know exact copies only."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Int64

from ..types import Pixels, Rows
from .base import SplitData

CHUNK = 1000
"""Images that are read at once."""


def pixel_hashes(images: Pixels) -> Int64[np.ndarray, " n"]:
    """A 64-bit hash of each image's size and pixels. Source: BLAKE2b, RFC 7693."""
    size = str(images.shape[1:]).encode()
    digests = b"".join(
        hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=8, salt=size[:16]).digest()
        for image in images
    )
    return np.frombuffer(digests, dtype=np.int64)


def split_hashes(split: SplitData, rows: Rows) -> Int64[np.ndarray, " n"]:
    """The hashes of these rows of a split, read in parts."""
    parts = [pixel_hashes(split.images(rows[start : start + CHUNK])) for start in range(0, len(rows), CHUNK)]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
