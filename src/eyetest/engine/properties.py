"""Properties of pictures that people have words for, and the data set's own columns; read by rows, so memory is bounded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..data.base import Dataset, SplitData
from ..evidence import Describe
from ..store import RunDir
from ..tensors import LUMA
from ..types import Column, Pixels, Progress, Properties

EDGE = 0.2
"""Least Sobel magnitude of an edge; a step from black to white has 1."""
FINE = 0.25
"""Cycles a pixel from which on energy counts as high frequency: radius 8 at 32 pixels."""
VALUES = 20
"""Most different values of a column that is read as groups; numbers with more are read as a property."""


def properties(need: Describe, run: RunDir, data: Dataset, seed: int, progress: Progress) -> Properties:
    """Of all rows of a split."""
    split = data.splits[need.split]
    size = max(2**22 // (3 * data.image_size[0] * data.image_size[1]), 1)
    parts: list[Mapping[str, Column]] = []
    for start in range(0, len(split), size):
        parts.append(described(split.images(split.rows[start : start + size])))
        progress(f"properties of {need.split} images", min(start + size, len(split)) / len(split), 0.0)
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    numbers, groups = _own_columns(split)
    return Properties(need.split, split.rows, values | numbers, groups)


def described(images: Pixels) -> dict[str, Column]:
    """Brightness and contrast (mean and standard deviation of luma, 0 to 1), colourfulness (Hasler & Süsstrunk 2003, on
    0 to 255), saturation (mean of HSV, 0 to 1), edge_density (share of pixels), sharpness (variance of the Laplacian of
    luma) and fine_detail (share of the energy of luma from 0.25 cycles a pixel on).
    """  # fmt: skip
    rgb = images.astype(np.float64)
    luma = np.tensordot(rgb, LUMA, axes=(1, 0)) / 255
    return {
        "brightness": luma.mean((1, 2)),
        "contrast": luma.std((1, 2)),
        "colourfulness": _colourfulness(rgb),
        "saturation": _saturation(rgb),
        "edge_density": _edge_density(luma),
        "sharpness": _laplacian(luma).var((1, 2)),
        "fine_detail": _fine_detail(luma),
    }


def _colourfulness(rgb: np.ndarray) -> Column:
    """Source: Hasler & Süsstrunk 2003, M3."""
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    opponents = [red - green, (red + green) / 2 - blue]
    spread = np.sqrt(sum(one.var((1, 2)) for one in opponents))
    centre = np.sqrt(sum(one.mean((1, 2)) ** 2 for one in opponents))
    result: Column = spread + 0.3 * centre
    return result


def _saturation(rgb: np.ndarray) -> Column:
    high, low = rgb.max(1), rgb.min(1)
    share = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    result: Column = share.mean((1, 2))
    return result


def _edge_density(luma: np.ndarray) -> Column:
    padded = np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth_rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    smooth_columns = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across = (smooth_rows[:, :, 2:] - smooth_rows[:, :, :-2]) / 4
    down = (smooth_columns[:, 2:] - smooth_columns[:, :-2]) / 4
    result: Column = (np.hypot(across, down) > EDGE).mean((1, 2))
    return result


def _laplacian(luma: np.ndarray) -> np.ndarray:
    padded = np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    result: np.ndarray = around - 4 * luma
    return result


def _fine_detail(luma: np.ndarray) -> Column:
    energy = np.abs(np.fft.fft2(luma - luma.mean((1, 2), keepdims=True))) ** 2
    radius = np.hypot(np.fft.fftfreq(luma.shape[1])[:, None], np.fft.fftfreq(luma.shape[2]))
    total = energy.sum((1, 2))
    fine = (energy * (radius > FINE)).sum((1, 2))
    result: Column = np.divide(fine, total, out=np.zeros_like(total), where=total > 1e-9)
    return result


def _own_columns(split: SplitData) -> tuple[dict[str, Column], dict[str, Column]]:
    """Numbers with many values, and membership of each value of the other columns that have few."""
    numbers: dict[str, Column] = {}
    groups: dict[str, Column] = {}
    for name, column in split.attributes(split.rows).items():
        values = np.unique(column)
        if len(values) <= VALUES:
            groups |= {f"{name} is {value}": (column == value).astype(np.float64) for value in values}
        elif np.issubdtype(column.dtype, np.number) and np.isfinite(column).all():
            numbers[name] = column.astype(np.float64)
    return numbers, groups
