"""Which images a run keeps small pictures of, and that they come back."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyetest.data.base import Dataset, SplitData
from eyetest.engine.pictures import map_layer
from eyetest.engine.thumbnails import SIDE, keep_thumbnails, telling_rows, thumbnail
from eyetest.errors import DataError
from eyetest.store import RunDir
from eyetest.types import Labels, Pixels, Predictions, Rows


def answers(labels: np.ndarray, predicted: np.ndarray, strength: np.ndarray, classes: int) -> Predictions:
    logits = np.zeros((len(labels), classes), dtype=np.float32)
    logits[np.arange(len(labels)), predicted] = strength
    return Predictions("test", np.arange(len(labels), dtype=np.int64), labels.astype(np.int64), logits)


def random_answers(n: int, classes: int, error: float) -> Predictions:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, classes, n)
    shifted = (labels + rng.integers(1, classes, n)) % classes
    return answers(labels, np.where(rng.random(n) < error, shifted, labels), rng.uniform(1, 9, n), classes)


def test_all_are_kept_where_all_fit_errors_first_surest_first() -> None:
    known = random_answers(50, 3, 0.3)
    rows = telling_rows(known, 100, 0)
    errors = int((~known.correct).sum())
    assert sorted(rows.tolist()) == list(range(50))
    assert not known.correct[rows[:errors]].any()
    assert rows[0] == np.argmax(np.where(known.correct, -1, known.confidence))


def test_the_cap_holds_and_every_cell_and_class_has_some() -> None:
    known = random_answers(5000, 10, 0.3)
    rows = telling_rows(known, 400, 0)
    assert len(set(rows.tolist())) == len(rows) == 400
    cells = set(zip(known.labels.tolist(), known.predicted.tolist(), strict=True))
    assert {(known.labels[row], known.predicted[row]) for row in rows.tolist()} == cells
    surest = np.argsort(-np.where(known.correct, -1, known.confidence), kind="stable")[:100]
    assert rows[:100].tolist() == surest.tolist()
    wrong = ~known.correct[rows]
    assert wrong.sum() == 300
    unsure = np.argsort(np.where(known.correct, known.confidence, 2), kind="stable")[:50]
    assert set(unsure.tolist()) <= set(rows.tolist())
    assert np.bincount(known.labels[rows[~wrong]][50:], minlength=10).min() >= 4


def test_few_errors_leave_room_for_right_answers_and_the_seed_draws_them() -> None:
    known = random_answers(3000, 5, 0.01)
    one, other = telling_rows(known, 400, 0), telling_rows(known, 400, 1)
    assert len(one) == 400
    assert set(np.flatnonzero(~known.correct)) <= set(one.tolist())
    assert one.tolist() == telling_rows(known, 400, 0).tolist() != other.tolist()


def test_nothing_but_errors_fill_the_cap_and_classes_alone_are_enough() -> None:
    known = random_answers(900, 4, 1.1)
    assert len(telling_rows(known, 400, 0)) == 400
    assert len(telling_rows(replace(known, given="classes"), 400, 0)) == 400


def test_a_thumbnail_is_never_enlarged_and_at_most_64_pixels() -> None:
    for shape, size in (((32, 32), (32, 32)), ((20, 200), (SIDE, 6)), ((640, 320), (32, SIDE))):
        with Image.open(io.BytesIO(thumbnail(np.full((*shape, 3), 90, dtype=np.uint8)))) as image:
            assert (image.format, image.size) == ("WEBP", size)


def test_a_run_keeps_them_in_order_once(tiny: Dataset, tmp_path: Path) -> None:
    run, n = RunDir(tmp_path), len(tiny.test)
    assert run.thumbnails() == {}
    keep_thumbnails(run, "identity", tiny, seed=0)
    assert not run.has_thumbnails()
    run.write_predictions("identity", answers(tiny.test.labels, np.zeros(n, dtype=int), np.ones(n), 3))
    keep_thumbnails(run, "identity", tiny, seed=0)
    kept = run.thumbnails()
    assert list(kept) == list(tiny.test.ids(telling_rows(run.predictions("identity", "test"), 1200, 0)))
    row = int(next(iter(kept)).removeprefix("test-"))
    with Image.open(io.BytesIO(kept[f"test-{row}"])) as image:
        shown = np.asarray(image.convert("RGB"), dtype=float)
    truth = tiny.test.images(np.array([row]))[0].transpose(1, 2, 0).astype(float)
    assert np.abs(shown - truth).mean() < 12
    before = (tmp_path / "thumbnails.parquet").stat().st_mtime_ns
    keep_thumbnails(run, "identity", tiny, seed=0)
    assert (tmp_path / "thumbnails.parquet").stat().st_mtime_ns == before


class Unreadable(SplitData):
    name = "test"

    def __init__(self, labels: Labels) -> None:
        self.labels, self.source, self.metadata = labels, np.arange(len(labels)), {}

    def images(self, rows: Rows) -> Pixels:
        raise DataError("gone")


def test_pictures_that_cannot_be_read_do_not_stop_an_audit(tiny: Dataset, tmp_path: Path) -> None:
    run, labels = RunDir(tmp_path), tiny.test.labels
    run.write_predictions("identity", answers(labels, labels, np.ones(len(labels)), 3))
    keep_thumbnails(run, "identity", replace(tiny, splits={**tiny.splits, "test": Unreadable(labels)}), seed=0)
    assert run.thumbnails() == {}


@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (-1.0, 1.0)])
def test_a_stored_map_has_its_share_of_the_scale_as_alpha(low: float, high: float, tmp_path: Path) -> None:
    values = np.array([[low - 1, low], [(low + high) / 2, high + 5]], dtype=np.float32)
    layer = map_layer(values, low, high)
    assert layer[..., 3].tolist() == [[0, 0], [128, 255]]
    RunDir(tmp_path).write_image("m.webp", layer)
    with Image.open(tmp_path / "m.webp") as image:
        assert np.array_equal(np.asarray(image.convert("RGBA")), layer)
    assert map_layer(np.zeros((300, 150), dtype=np.float32), 0.0, 1.0).shape == (64, 32, 4)
