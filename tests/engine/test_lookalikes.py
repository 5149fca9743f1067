"""Planted duplicates are found, and pictures that only look alike are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from eyetest import stats
from eyetest.data.base import Dataset
from eyetest.data.split import ArraySplit
from eyetest.engine.likeness import closeness, mirrored, shrunk, spectrum
from eyetest.engine.lookalikes import duplicates
from eyetest.store import RunDir
from eyetest.types import SPLITS, Lookalikes

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def textured(n: int, seed: int, side: int = 32) -> np.ndarray:
    """Pictures with the spectrum of natural ones: amplitude one over frequency, colours weaker and smoother."""
    random = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    radius[0, 0] = 1
    grey, colour = (np.fft.fft2(random.normal(size=(n, k, side, side))) for k in (1, 3))
    waves = np.real(np.fft.ifft2(grey / radius + 0.03 * colour / radius**2))
    waves = (waves - waves.mean((1, 2, 3), keepdims=True)) / waves.std((1, 2, 3), keepdims=True)
    return np.clip(128 + 40 * waves, 0, 255).astype(np.uint8)


def data(train: np.ndarray, test: np.ndarray, test_labels: np.ndarray | None = None) -> Dataset:
    def split(name, pixels, labels=None):
        labels = np.arange(len(pixels)) % 2 if labels is None else labels
        return ArraySplit(name, labels.astype(np.int64), np.arange(len(pixels)), pixels)

    side = train.shape[2]
    splits = {"train": split("train", train), "validation": split("validation", textured(20, 99, side))}
    splits["test"] = split("test", test, test_labels)
    return Dataset("made", "made", ("a", "b"), train.shape[2:], "print", splits)


def found(made: Dataset) -> Lookalikes:
    return duplicates(made, 0, lambda *_: None)


def jpeg(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file)).transpose(2, 0, 1)


def moved(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    far = max(round(2 * image.shape[1] / 32), 1)
    down, right = random.choice([-far, far], 2)
    padded = np.pad(image, ((0, 0), (far, far), (far, far)), mode="reflect")
    side = image.shape[1]
    return padded[:, far - down : far - down + side, far - right : far - right + side]


CHANGES: dict[str, Change] = {
    "mirrored": lambda image, _: image[:, :, ::-1],
    "moved by 2 pixels both ways": moved,
    "jpeg 75": jpeg,
    "gain 1.1": lambda image, _: np.clip(image * 1.1, 0, 255).astype(np.uint8),
    "all of it": lambda image, random: jpeg(
        np.clip(moved(image[:, :, ::-1], random) * 1.1, 0, 255).astype(np.uint8), random
    ),
}


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("change", CHANGES)
def test_planted_duplicates_are_found(change, side):
    random, train = np.random.default_rng(0), textured(300, 0, side)
    copies = np.stack([CHANGES[change](image, random) for image in train[:100]])
    pairs = found(data(train, np.concatenate([copies, textured(100, 1, side)])))
    right = (pairs.rows < 100) & (pairs.other == pairs.rows) & (pairs.other_split == 0)
    assert stats.wilson(int(right.sum()), 100).low > 0.9
    assert not (~right).any()
    assert not pairs.exact.any()


def test_equal_pixels_are_exact_in_every_split_and_both_ways_within_the_test_split():
    train, fresh = textured(50, 0), textured(3, 1)
    pairs = found(data(train, np.concatenate([train[[7]], fresh[[0, 0, 1]]]), np.array([0, 1, 1, 1])))
    named = list(zip(pairs.rows.tolist(), pairs.other_split.tolist(), pairs.other.tolist(), strict=True))
    assert named == [(0, SPLITS.index("train"), 7), (1, SPLITS.index("test"), 2), (2, SPLITS.index("test"), 1)]
    assert pairs.exact.all()
    assert pairs.correlation.tolist() == [1, 1, 1]
    assert pairs.other_labels.tolist() == [1, 1, 1]
    assert pairs.tested.tolist() == [4]


def test_noise_has_no_duplicates():
    random = np.random.default_rng(0)
    train, test = (random.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8) for n in (2000, 1000))
    pairs = found(data(train, test))
    assert len(pairs.rows) == 0
    assert pairs.null_rate.tolist() == [0]


def test_two_horizons_are_no_duplicates():
    random, ramp = np.random.default_rng(0), np.linspace(0.2, 0.8, 32)[:, None]
    sky = np.rint(255 * ramp + random.normal(0, 8, (400, 3, 32, 32))).clip(0, 255).astype(np.uint8)
    correlation, detail = closeness(sky[:200], sky[200:])
    assert np.median(correlation) > 0.9
    assert detail.max() < 0.5
    assert len(found(data(sky[:200], sky[200:])).rows) == 0


def test_blank_pictures_are_exact_duplicates_and_no_more_than_four_are_listed():
    blank = np.zeros((30, 3, 32, 32), dtype=np.uint8)
    pairs = found(data(blank, blank[:10]))
    assert pairs.exact.all()
    assert np.bincount(pairs.rows).tolist() == [8] * 10


def test_closeness_agrees_with_the_correlation_of_every_move():
    random = np.random.default_rng(0)
    a, b = textured(1, 3)[0].astype(float), textured(1, 4)[0].astype(float)
    best = -1.0
    for flip in (b, b[:, :, ::-1]):
        for down in range(-2, 3):
            for right in range(-2, 3):
                at = np.s_[:, max(down, 0) : 32 + min(down, 0), max(right, 0) : 32 + min(right, 0)]
                to = np.s_[:, max(-down, 0) : 32 + min(-down, 0), max(-right, 0) : 32 + min(-right, 0)]
                one, two = a[at].reshape(3, -1), flip[to].reshape(3, -1)
                weights = one.std(1) * two.std(1)
                each = [np.corrcoef(x, y)[0, 1] for x, y in zip(one, two, strict=True)]
                best = max(best, float(np.average(each, weights=weights)))
    whole, _ = closeness(a[None].astype(np.uint8), b[None].astype(np.uint8))
    assert whole[0] == pytest.approx(best, abs=0.05)  # the move is chosen on luma
    shuffled = random.permuted(a.reshape(3, -1), axis=1).reshape(a.shape)
    assert closeness(a[None].astype(np.uint8), shuffled[None].astype(np.uint8))[0][0] < 0.3


def test_gain_and_offset_of_each_channel_do_not_matter():
    image = textured(1, 5)[0] // 2
    other = (image * np.array([0.5, 1, 1.5])[:, None, None] + 20).astype(np.uint8)
    whole, detail = closeness(image[None], other[None])
    assert whole[0] > 0.999
    assert detail[0] > 0.99


def test_the_spectrum_of_a_mirrored_picture_is_the_mirrored_spectrum():
    images = textured(5, 6)
    assert np.allclose(
        spectrum(images[..., ::-1]), mirrored(spectrum(images)), atol=0.05
    )  # the root of nothing is never quite nothing


def test_large_pictures_are_averaged_down_and_small_ones_stay():
    assert np.array_equal(
        shrunk(np.full((1, 3, 224, 100), 7, dtype=np.uint8)), np.full((1, 3, 32, 32), 7, dtype=np.uint8)
    )
    image = textured(1, 7, 64)
    assert np.array_equal(shrunk(image), np.rint(image.reshape(1, 3, 32, 2, 32, 2).mean((3, 5))).astype(np.uint8))
    assert shrunk(textured(1, 8, 16)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize("side", [8, 16])
def test_tiny_pictures_work(side):
    train = textured(40, 0, side)
    pairs = found(data(train, np.concatenate([train[:5], textured(20, 1, side)])))
    assert set(pairs.rows[pairs.exact].tolist()) == {0, 1, 2, 3, 4}


def test_pairs_come_back_from_disk_as_they_were(tmp_path):
    train = textured(30, 0)
    pairs = found(data(train, train[:3]))
    run = RunDir(tmp_path)
    run.write_annotation("resemble-test", pairs)
    again = run.annotation("resemble-test", Lookalikes)
    assert np.array_equal(again.other, pairs.other)
    assert np.array_equal(again.other_labels, pairs.other_labels)
