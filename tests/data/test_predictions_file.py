"""Files of predictions, friendly and hostile."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from eyetest.data.base import Dataset
from eyetest.data.predictions_file import read_predictions
from eyetest.errors import DataError
from eyetest.types import Predictions

N, K = 60, 3


def scores(n: int = N, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, K)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    wide = np.exp(logits.astype(np.float64))
    return wide / wide.sum(1, keepdims=True)


def columns(data: Dataset, logits: np.ndarray, prefix: str = "logit_") -> dict[str, np.ndarray]:
    return {f"{prefix}{name}": logits[:, k] for k, name in enumerate(data.classes)}


def written(path: Path, table: dict[str, object]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **table)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(pa.table(table), path)
    else:
        pq.write_table(pa.table(table), path)
    return path


def read(tiny: Dataset, path: Path, **table: object) -> Predictions:
    return read_predictions(written(path, table), tiny)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("prefix", ["logit_", "p_"])
@pytest.mark.parametrize("by", ["name", "index"])
def test_scores_by_name_or_index_give_the_same_answers(
    tiny: Dataset, tmp_path: Path, suffix: str, prefix: str, by: str
) -> None:
    logits = scores()
    values = logits if prefix == "logit_" else softmax(logits)
    names = tiny.classes if by == "name" else ("0", "1", "2")
    table = {f"{prefix}{name}": values[:, k] for k, name in reversed([*enumerate(names)])}
    found = read(tiny, tmp_path / f"a{suffix}", **table)
    assert found.given == ("logits" if prefix == "logit_" else "probabilities")
    assert found.probabilities == pytest.approx(softmax(logits), abs=1e-6)
    assert (found.labels == tiny.test.labels).all()


def test_arrays_of_an_npz_file(tiny: Dataset, tmp_path: Path) -> None:
    logits = scores()
    assert (read(tiny, tmp_path / "a.npz", logits=logits).logits == logits).all()
    half = read(tiny, tmp_path / "b.npz", probabilities=softmax(logits).astype(np.float16))
    assert half.probabilities == pytest.approx(softmax(logits), abs=2e-3)
    ids = np.array([5, 3, 59])
    some = read(tiny, tmp_path / "c.npz", predicted=np.array([2, 1, 0]), ids=ids)
    assert (some.given, some.rows.tolist(), some.predicted.tolist()) == ("classes", [3, 5, 59], [1, 2, 0])


def test_rows_come_in_any_order_and_need_not_be_all(tiny: Dataset, tmp_path: Path) -> None:
    logits, order = scores(), np.random.default_rng(1).permutation(N)[:40]
    whole = read(tiny, tmp_path / "a.csv", **columns(tiny, logits))
    for suffix, ids in ((".csv", order), (".parquet", [f"test-{row}" for row in order]), (".csv", order.astype(float))):
        some = read(tiny, tmp_path / f"b{suffix}", id=ids, **columns(tiny, logits[order]))
        assert (some.rows == np.sort(order)).all()
        assert some.logits == pytest.approx(whole.logits[some.rows])
        assert (some.labels == tiny.test.labels[some.rows]).all()


def test_answers_by_name_and_a_label_that_agrees(tiny: Dataset, tmp_path: Path) -> None:
    names = np.array(tiny.classes)
    found = read(tiny, tmp_path / "a.csv", predicted=names[scores().argmax(1)], label=names[tiny.test.labels])
    assert (found.predicted == scores().argmax(1)).all()
    assert found.given == "classes"


def test_a_probability_of_nought_costs_no_infinity(tiny: Dataset, tmp_path: Path) -> None:
    found = read(tiny, tmp_path / "a.npz", probabilities=np.eye(K)[(tiny.test.labels + 1) % K])
    assert found.loss == pytest.approx(-np.log(np.finfo(np.float64).eps), abs=1e-4)


def spoiled(values: np.ndarray, row: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[row, 0] = value
    return changed


BAD = {
    "no finite number in row 7": lambda d: columns(d, spoiled(scores(), 7, np.nan)),
    "logit_disc has no finite number": lambda d: columns(d, spoiled(scores(), 7, -np.inf)),
    r"probabilities of row 4 sum to": lambda d: columns(d, spoiled(softmax(scores()), 4, 0.9), "p_"),
    "Scores before softmax": lambda d: columns(d, scores(), "p_"),
    "go from -0.5": lambda d: columns(d, np.tile([-0.5, 0.5, 1.0], (N, 1)), "p_"),
    "no logit_square": lambda d: {k: v for k, v in columns(d, scores()).items() if "square" not in k},
    "59 rows, the test split 60": lambda d: columns(d, scores(59)),
    "has no row": lambda d: columns(d, scores(0)),
    "id 60 is no test image": lambda d: {"id": np.arange(N) + 1} | columns(d, scores()),
    "id -1 is no test image": lambda d: {"id": np.arange(N) - 1} | columns(d, scores()),
    "id 3 comes 2 times": lambda d: {"id": np.where(np.arange(N) == 4, 3, np.arange(N))} | columns(d, scores()),
    "the id 'train-0' was given": lambda d: {"id": [f"train-{k}" for k in range(N)]} | columns(d, scores()),
    "the id 0.5 was given": lambda d: {"id": np.arange(N) + 0.5} | columns(d, scores()),
    "the id '² ' was given|the id '²' was given": lambda d: {"id": ["²"] * N} | columns(d, scores()),
    "predicted is 'dog' in row 0": lambda d: {"predicted": ["dog"] * N},
    "predicted is '3' in row 0": lambda d: {"predicted": [3] * N},
    "predicted holds 0.5": lambda d: {"predicted": [0.5] * N},
    "predicted is not the class with the highest score, first in row": lambda d: (
        columns(d, scores()) | {"predicted": (scores().argmax(1) + 1) % K}
    ),
    "labels are not those of the data, first in row 0": lambda d: (
        columns(d, scores()) | {"label": (d.test.labels + 1) % K}
    ),
    "columns logit_<class>, p_<class> or predicted": lambda d: {"score": np.arange(N)},
    "numbers were expected in every row": lambda d: columns(d, scores()) | {"logit_disc": ["high"] * N},
}


@pytest.mark.parametrize("says", BAD)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_cannot_be_so_is_named(tiny: Dataset, tmp_path: Path, says: str, suffix: str) -> None:
    with pytest.raises(DataError, match=says):
        read(tiny, tmp_path / f"a{suffix}", **BAD[says](tiny))


def test_arrays_of_another_shape_or_number_are_named(tiny: Dataset, tmp_path: Path) -> None:
    for says, arrays in (
        ("shape 60 × 2, and n × 3", {"logits": scores()[:, :2]}),
        ("shape 60, and n × 3", {"logits": scores()[:, 0]}),
        ("59 ids for 60 rows", {"logits": scores(), "ids": np.arange(59)}),
        ("no finite number", {"logits": scores().astype(np.float64) * 1e300}),
        ("arrays logits, probabilities or predicted", {"x": scores()}),
        ("2 dimensions", {"predicted": scores()}),
    ):
        with pytest.raises(DataError, match=says):
            read(tiny, tmp_path / "a.npz", **arrays)


def test_what_is_no_table_is_refused_and_nothing_in_it_is_run(tiny: Dataset, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'harm'}",)

    np.savez(tmp_path / "evil.npz", logits=np.array([Evil()], dtype=object))
    for name in ("a.npz", "a.parquet", "a.csv"):
        (tmp_path / name).write_bytes(b"\x93\x00,\n\xff,1,2\n" * 3)
    np.save(tmp_path / "one.npy", scores())
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "folder.csv").mkdir()
    for name in ("evil.npz", "a.npz", "a.parquet", "a.csv", "one.npz", "empty.csv", "folder.csv", "none.csv", "a.pkl"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_predictions(tmp_path / name, tiny)
    assert not (tmp_path / "harm").exists()


def test_classes_named_by_other_numbers_are_never_guessed(tiny: Dataset, tmp_path: Path) -> None:
    numbered = dataclasses.replace(tiny, classes=("0", "2", "1"))
    for table in ({"predicted": [0] * N}, columns(numbered, scores())):
        with pytest.raises(DataError, match="could be the names of the classes or their indices"):
            read(numbered, tmp_path / "a.csv", **table)
    found = read(numbered, tmp_path / "a.npz", predicted=np.full(N, 2))
    assert (found.predicted == 2).all()
