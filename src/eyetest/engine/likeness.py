"""How alike two small pictures are, whatever their brightness, after small moves and mirroring."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from ..tensors import LUMA

SIDE = 32
"""Pixels a side at which pictures are compared; larger ones are averaged down."""
SHIFT = 2
"""Pixels, of 32, by which a duplicate may be moved."""
FREQUENCIES = 8
"""Highest frequency of the spectrum, in cycles a picture."""
BLUR = 7
"""Pixels a side of the mean that is taken off to see the fine structure."""


def shrunk(images: np.ndarray) -> np.ndarray:
    """uint8 n 3 h w, each side averaged down to 32 pixels where it is longer."""
    height, width = images.shape[2:]
    if max(height, width) <= SIDE:
        return images
    rows, columns = (_averaging(length, min(length, SIDE)) for length in (height, width))
    result: np.ndarray = np.rint(rows @ images.astype(np.float32) @ columns.T).astype(np.uint8)
    return result


def _averaging(length: int, side: int) -> np.ndarray:
    """Matrix, side × length, whose rows are the shares of the pixels in each of `side` equal parts."""
    edges = np.linspace(0, length, side + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    result: np.ndarray = (np.clip(overlap, 0, None) * (side / length)).astype(np.float32)
    return result


def spectrum(images: np.ndarray) -> np.ndarray:
    """Square root of the Fourier amplitude of the windowed luma, low frequencies, n v u; v from 0 up, then from below."""
    luma = np.tensordot(images.astype(np.float32), np.asarray(LUMA, np.float32), axes=(1, 0))
    height, width = luma.shape[1:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]).astype(np.float32)
    centred = luma - (luma * window).sum((1, 2), keepdims=True) / window.sum()
    high = min(FREQUENCIES, (min(height, width) - 1) // 2)
    amplitude = np.abs(np.fft.rfft2(centred * window))
    rows = np.concatenate([np.arange(high + 1), np.arange(height - high, height)])
    result: np.ndarray = np.sqrt(amplitude[:, rows, : high + 1]).astype(np.float32)
    return result


def mirrored(amplitude: np.ndarray) -> np.ndarray:
    """The spectrum of the mirrored images."""
    return np.roll(amplitude[:, ::-1], 1, axis=1)


def closeness(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of the pixels of each pair, and of their fine structure, at the best shift and mirroring.

    Both are uint8 n 3 h w; channels are centred and scaled by themselves, and weigh by their contrast; 0 without any.
    """
    a, b = first.astype(np.float32), second.astype(np.float32)
    moves = _moves(*a.shape[2:])
    grey_a, grey_b = (np.tensordot(images, np.asarray(LUMA, np.float32), axes=(1, 0))[:, None] for images in (a, b))
    best = np.stack([_correlation(grey_a, grey_b, move) for move in moves]).argmax(0)
    fine = [images - uniform_filter(images, (0, 0, BLUR, BLUR), mode="nearest") for images in (a, b)]
    whole, detail = np.zeros(len(a)), np.zeros(len(a))
    for index in np.unique(best).tolist():
        chosen = best == index
        whole[chosen] = _correlation(a[chosen], b[chosen], moves[index])
        detail[chosen] = _correlation(fine[0][chosen], fine[1][chosen], moves[index])
    return whole, detail


def _moves(height: int, width: int) -> list[tuple[bool, int, int]]:
    """Mirroring, rows and columns."""
    far = max(round(SHIFT * min(height, width) / SIDE), 1)
    steps = range(-far, far + 1)
    return [(flip, down, right) for flip in (False, True) for down in steps for right in steps]


def _correlation(first: np.ndarray, second: np.ndarray, move: tuple[bool, int, int]) -> np.ndarray:
    """Of what both show when the second is mirrored and moved."""
    flip, down, right = move
    second = second[..., ::-1] if flip else second
    height, width = first.shape[2:]
    a = first[:, :, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
    b = second[:, :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
    n = a.shape[2] * a.shape[3]
    mean_a, mean_b = a.mean((2, 3), dtype=np.float64), b.mean((2, 3), dtype=np.float64)
    product = np.einsum("nchw,nchw->nc", a, b, dtype=np.float64) / n - mean_a * mean_b
    spread_a = np.einsum("nchw,nchw->nc", a, a, dtype=np.float64) / n - mean_a**2
    spread_b = np.einsum("nchw,nchw->nc", b, b, dtype=np.float64) / n - mean_b**2
    length = np.sqrt(np.clip(spread_a, 0, None) * np.clip(spread_b, 0, None)).sum(1)
    result: np.ndarray = np.divide(product.sum(1), length, out=np.zeros_like(length), where=length > 1e-3)
    return result
