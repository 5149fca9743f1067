from __future__ import annotations

import numpy as np
import pytest

from eyetest.data.split import ArraySplit
from eyetest.engine.properties import described


def plain(*colour: int, side: int = 8) -> np.ndarray:
    return np.broadcast_to(np.array(colour, dtype=np.uint8)[:, None, None], (3, side, side)).copy()


def one(image: np.ndarray) -> dict[str, float]:
    return {name: float(values[0]) for name, values in described(image[None]).items()}


def test_colourfulness_has_its_published_values():
    assert one(plain(255, 0, 0))["colourfulness"] == pytest.approx(85.5296, abs=1e-4)
    four = np.array([[[255, 0], [0, 255]], [[0, 255], [0, 255]], [[0, 0], [255, 255]]], dtype=np.uint8)
    assert one(four)["colourfulness"] == pytest.approx(238.5307, abs=1e-4)
    assert one(plain(90, 90, 90))["colourfulness"] == 0


def test_a_plain_picture_has_no_contrast_edges_or_detail():
    found = one(plain(255, 128, 0))
    assert found["brightness"] == pytest.approx(0.299 + 0.587 * 128 / 255)
    assert found["saturation"] == 1
    assert [found[name] for name in ("contrast", "edge_density", "sharpness", "fine_detail")] == pytest.approx(
        [0] * 4, abs=1e-12
    )
    assert one(plain(0, 0, 0))["saturation"] == 0


def test_a_step_has_edges_on_both_sides_of_it():
    image = plain(0, 0, 0)
    image[:, :, 4:] = 255
    found = one(image)
    assert found["edge_density"] == 2 / 8
    assert found["contrast"] == pytest.approx(0.5)
    assert found["sharpness"] == pytest.approx(0.25)  # the Laplacian is +1 and -1 beside the step, 0 elsewhere


def test_fine_detail_is_above_a_quarter_of_a_cycle_a_pixel():
    x = np.arange(32)
    for cycles, share in ((4, 0), (8, 0), (9, 1), (14, 1)):
        wave = np.rint(127.5 + 100 * np.sin(2 * np.pi * cycles * x / 32)).astype(np.uint8)
        image = np.broadcast_to(wave, (3, 32, 32)).copy()
        assert one(image)["fine_detail"] == pytest.approx(share, abs=0.01), cycles


def test_a_split_without_columns_of_its_own_has_none():
    split = ArraySplit("test", np.zeros(2, dtype=np.int64), np.arange(2), np.zeros((2, 3, 4, 4), dtype=np.uint8))
    assert split.attributes(split.rows) == {}
