from __future__ import annotations

import io
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eyetest.cli.app import app
from eyetest.data import load_data
from eyetest.data.human_labels import add_human_labels, agreement, counted
from eyetest.data.planted import PlantedSpec, planted
from eyetest.errors import DataError
from eyetest.models.ours import Architecture, save_model

CLASSES = ("ant", "bee", "cat")


def made():
    return planted(PlantedSpec(classes=3, train=12, validation=12, test=60))


def votes_for(labels, k=3):
    counts = np.full((len(labels), k), 1, dtype=np.int64)
    counts[np.arange(len(labels)), labels] = 8
    return counts


def written(folder, counts, kind, classes=None, ids=None):
    file = folder / f"people.{kind}"
    names = list(classes or map(str, range(counts.shape[1])))
    if kind == "npy":
        np.save(file, counts)
    elif kind == "npz":
        np.savez(file, counts=counts, **({} if ids is None else {"id": np.array(ids)}))
    elif kind == "parquet":
        columns = {name: counts[:, k] for k, name in enumerate(names)}
        pq.write_table(pa.table(columns | ({} if ids is None else {"id": ids})), file)
    else:
        head = names if ids is None else ["id", *names]
        rows = [[*([] if ids is None else [ids[k]]), *row] for k, row in enumerate(counts.tolist())]
        file.write_text("\n".join(",".join(map(str, row)) for row in [head, *rows]))
    return file


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_counts(kind, tmp_path):
    data = made()
    counts = votes_for(data.test.labels)
    add_human_labels(data, written(tmp_path, counts, kind))
    assert np.array_equal(data.test.human_counts(np.array([5, 2])), counts[[5, 2]])
    assert data.train.human_counts(data.train.rows) is None


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
def test_ids_bring_rows_and_names_bring_columns_into_order(kind, tmp_path):
    data = made()
    order = np.random.default_rng(0).permutation(60)
    counts, ids = votes_for(data.test.labels), [f"test-{row}" for row in order]
    if kind == "npz":
        file = written(tmp_path, counts[order], kind, ids=ids)
    else:
        file = written(tmp_path, counts[order][:, ::-1], kind, data.classes[::-1], ids)
    add_human_labels(data, file)
    assert np.array_equal(data.test.human_counts(data.test.rows), counts)


def test_rows_that_ids_leave_out_have_no_votes(tmp_path):
    data = made()
    counts = votes_for(data.test.labels)
    add_human_labels(data, written(tmp_path, counts[:50], "csv", ids=list(range(50))))
    assert not data.test.human_counts(data.test.rows)[50:].any()
    assert np.array_equal(data.test.human_counts(data.test.rows)[:50], counts[:50])


def test_rows_go_by_the_source_order_of_the_split(tmp_path):
    data = made()
    counts = votes_for(data.test.labels)
    back = np.arange(60)[::-1].copy()
    data.test.source = back
    add_human_labels(data, written(tmp_path, counts[back], "npy"))
    assert np.array_equal(data.test.human_counts(data.test.rows), counts)


def test_a_file_in_another_order_is_refused(tmp_path):
    data = made()
    shuffled = np.random.default_rng(0).permutation(60)
    with pytest.raises(DataError, match=r"only .* of the images.*another order"):
        add_human_labels(data, written(tmp_path, votes_for(data.test.labels)[shuffled], "npy"))
    with pytest.raises(DataError, match="another order than the classes"):
        add_human_labels(data, written(tmp_path, votes_for(data.test.labels)[:, [1, 2, 0]], "npy"))


def test_two_classes_in_another_order_are_refused_too(tmp_path):
    data = planted(PlantedSpec(classes=2, train=10, validation=10, test=200))
    shuffled = np.random.default_rng(0).permutation(200)
    with pytest.raises(DataError, match="by chance of 5"):
        add_human_labels(data, written(tmp_path, votes_for(data.test.labels, 2)[shuffled], "npy"))


def test_some_disagreement_is_a_warning_and_a_little_is_none(tmp_path):
    data = made()
    counts = votes_for(data.test.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counts[0] = [4, 4, 4]
        add_human_labels(data, written(tmp_path, counts, "npy"))
    counts[:12] = np.roll(counts[:12], 1, axis=1)
    with pytest.warns(UserWarning, match="8[0-9].[0-9]% of the images; 98 %"):
        add_human_labels(data, written(tmp_path, counts, "npy"))


def test_agreement_counts_ties_for_the_label():
    assert agreement(np.array([[2, 2, 0], [0, 1, 2], [5, 0, 0]]), np.array([1, 1, 0])) == 2 / 3


def test_files_that_do_not_fit_say_what_was_expected(tmp_path):
    data, counts = made(), votes_for(made().test.labels)
    cases = {
        "no such kind": (tmp_path / "people.xlsx", "is no .npy"),
        "not there": (tmp_path / "none.npy", "cannot be read"),
        "shares": (written(tmp_path, counts / 10, "npy"), "are no counts"),
    }
    for file, message in cases.values():
        with pytest.raises(DataError, match=message):
            add_human_labels(data, file)
    for wrong, message in ((counts[:, :2], "counts of shape"), (counts[:-1], "59 rows"), (counts - 2, "are no counts"),
                           (counts * 0, "no votes at all")):  # fmt: skip
        with pytest.raises(DataError, match=message):
            add_human_labels(data, written(tmp_path, wrong, "npy"))
    with pytest.raises(DataError, match="stands there twice"):
        add_human_labels(data, written(tmp_path, counts[:2], "csv", ids=["test-1", "1"]))
    with pytest.raises(DataError, match="is no test image"):
        add_human_labels(data, written(tmp_path, counts[:1], "csv", ids=["train-1"]))
    with pytest.raises(DataError, match="one a class was expected"):
        add_human_labels(data, written(tmp_path, counts, "csv", ["x", "y", "z"]))


def test_a_pickle_is_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('run')",))

    file = tmp_path / "people.npy"
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        add_human_labels(made(), file)


def test_a_cell_is_counts_or_votes():
    assert counted([3, 0, 1], CLASSES, "here") == (3, 0, 1)
    assert counted([0, 0, 0, 2], CLASSES, "here") == (3, 0, 1)
    assert counted(["cat", "ant", "ant"], CLASSES, "here") == (2, 0, 1)
    assert counted(None, CLASSES, "here") == (0, 0, 0)
    for bad in ([7, 0], ["dog"], [-1, 0, 3]):
        with pytest.raises(DataError, match="none of the classes"):
            counted(bad, CLASSES, "here")


def parquet_folder(folder, human):
    random = np.random.default_rng(0)

    def image():
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(file, "PNG")
        return {"bytes": file.getvalue()}

    for part, n in (("train", 20), ("test", 10)):
        labels = [("ant", "bee")[k % 2] for k in range(n)]
        columns = {
            "image": [image() for _ in range(n)],
            "label": labels,
            "camera": ["phone", "phone", "slr", "slr", "slr"] * (n // 5),
        }
        columns |= {"age": [float(k) for k in range(n)]}
        if part == "test":
            columns["human_labels"] = [human(k % 2) for k in range(n)]
        pq.write_table(pa.table(columns), folder / f"{part}-0.parquet")


def test_a_parquet_column_of_counts_or_votes_is_read_with_the_other_columns(tmp_path):
    parquet_folder(tmp_path, lambda label: ["ant", "bee"][label : label + 1] * 4 + ["ant"])
    data = load_data(tmp_path)
    assert data.test.human_counts(np.array([0, 1])).tolist() == [[5, 0], [1, 4]]
    assert data.test.attributes(np.array([1, 2]))["camera"].tolist() == ["phone", "slr"]
    assert sorted(data.test.attributes(data.test.rows)) == ["age", "camera"]
    assert data.train.human_counts(data.train.rows) is None


def test_a_parquet_column_in_another_order_is_refused(tmp_path):
    parquet_folder(tmp_path, lambda label: [4, 0] if label else [0, 4])
    with pytest.raises(DataError, match="The column human_labels"):
        load_data(tmp_path)


@pytest.mark.parametrize("command", ["audit", "study"])
def test_the_commands_take_the_file(command, tmp_path):
    file = tmp_path / "none.npy"
    classes = load_data("planted").classes
    architecture = Architecture(width=4, dropout=0, blocks=1, classes=classes, mean=(0, 0, 0), std=(1, 1, 1))
    save_model(tmp_path / "model.safetensors", architecture.build(), architecture)
    model = [str(tmp_path / "model.safetensors")] if command == "audit" else []
    with pytest.raises(DataError, match=r"none.npy cannot be read"):
        app([command, *model, "--data", "planted", "--human-labels", str(file), "--plan"])
