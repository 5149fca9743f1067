"""Images of one group (patient, scene) stay together."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import eyetest as et
from eyetest.data import load_data
from eyetest.data.donors import donor_table
from eyetest.data.split import carve_groups
from eyetest.errors import DataError, RunError
from eyetest.types import SPLITS

CLASSES = ("ant", "bee")


def png(k: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (k % 256, k // 256, 50)).save(file, "PNG")
    return file.getvalue()


def grouped_folder(path: Path, patients: int = 60, each: int = 4) -> Path:
    rows = ["file,patient,age"]
    for k in range(patients * each):
        name = f"{CLASSES[k % 2]}/{k}.png"
        (path / CLASSES[k % 2]).mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(png(k))
        rows.append(f"{name},p{k // each},{20 + k // each}")
    (path / "metadata.csv").write_text("\n".join(rows))
    return path


def parquet_folder(path: Path, **splits: list[object]) -> Path:
    path.mkdir()
    for part, patients in splits.items():
        table = {
            "image": [{"bytes": png(k), "path": ""} for k in range(len(patients))],
            "label": [CLASSES[k % 2] for k in range(len(patients))],
            "patient": patients,
            "box": [[1, 2]] * len(patients),
        }
        pq.write_table(pa.table(table), path / f"{part}-0.parquet")
    return path


def members(data: et.Dataset) -> list[set[str]]:
    return [set(data.splits[part].metadata["patient"].tolist()) for part in SPLITS]


def test_no_patient_lies_in_two_splits_and_every_class_in_all(tmp_path: Path) -> None:
    data = load_data(grouped_folder(tmp_path / "p"), group="patient")
    train, validation, test = members(data)
    assert not (train & validation or train & test or validation & test)
    assert len(train | validation | test) == 60
    assert [len(data.splits[part]) for part in SPLITS] == pytest.approx([192, 24, 24], abs=4)
    assert all(set(split.labels.tolist()) == {0, 1} for split in data.splits.values())
    assert data.record().group == "patient"
    assert data.test.metadata["age"].dtype.kind == "i"
    assert data.sample_columns()["group"][0] == data.train.metadata["patient"][0]


def test_grouping_changes_splits_and_so_the_fingerprint(tmp_path: Path) -> None:
    folder = grouped_folder(tmp_path / "p")
    plain, grouped = load_data(folder), load_data(folder, group="patient")
    assert plain.groups("test") is None
    assert "patient" in plain.test.metadata
    assert plain.fingerprint != grouped.fingerprint
    assert grouped.fingerprint == load_data(folder, group="patient").fingerprint
    assert grouped.fingerprint != load_data(folder, group="patient", seed=1).fingerprint


def test_donors_are_of_other_patients(tmp_path: Path) -> None:
    data = load_data(grouped_folder(tmp_path / "p"), group="patient")
    table = donor_table(data.test, data.validation, seed=0, draws=4)
    own = data.test.metadata["patient"][table.rows]
    assert not (data.validation.metadata["patient"][table.donors] == own).any()


def test_carving_takes_whole_groups_near_the_fraction_of_each_class() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), random.integers(1, 30, 200))
    labels = (random.random(len(groups)) < np.repeat(random.random(200), np.bincount(groups))).astype(np.int64)
    kept, held = carve_groups(labels, groups, 0.2, 3)
    assert not set(groups[kept]) & set(groups[held])
    assert sorted([*kept, *held]) == list(range(len(labels)))
    for k in (0, 1):
        assert (labels[held] == k).sum() == pytest.approx(0.2 * (labels == k).sum(), rel=0.05)
    assert held.tolist() != carve_groups(labels, groups, 0.2, 4)[1].tolist()


def test_a_rare_class_gets_a_group_in_both_parts() -> None:
    labels, groups = (
        np.array([0] * 100 + [1] * 8),
        np.array([*np.repeat(np.arange(20), 5), 20, 20, 20, 20, 21, 21, 21, 21]),
    )
    for seed in range(20):
        kept, held = carve_groups(labels, groups.astype(np.int64), 0.1, seed)
        assert (labels[kept] == 1).any()
        assert (labels[held] == 1).any()


def test_given_splits_that_share_a_patient_are_refused(tmp_path: Path) -> None:
    own = [f"a{k // 2}" for k in range(60)]
    shared = parquet_folder(tmp_path / "p", train=own, test=["a7", "a7", "b1", "b1"])
    with pytest.raises(DataError, match=r"patient a7 \(and 0 more\) lies both in \w+ and in test"):
        load_data(shared, group="patient")
    assert load_data(shared).group == ""
    apart = load_data(parquet_folder(tmp_path / "q", train=own, test=["b0", "b0", "b1", "b1"]), group="patient")
    assert sorted(np.bincount(apart.groups("test"))) == [2, 2]
    assert "box" not in apart.test.metadata


def test_a_column_that_is_missing_or_has_gaps_is_named(tmp_path: Path) -> None:
    own = [f"a{k // 2}" for k in range(60)]
    folder = parquet_folder(tmp_path / "p", train=own, test=["b0", "b0", "b1", None])
    with pytest.raises(DataError, match=r"no column 'scene'.*further columns are: patient"):
        load_data(folder, group="scene")
    with pytest.raises(DataError, match="row 3 has no patient"):
        load_data(folder, group="patient")
    with pytest.raises(DataError, match="one patient only"):
        load_data(parquet_folder(tmp_path / "q", train=own, test=["b0"] * 4), group="patient")
    with pytest.raises(DataError, match="planted has no column"):
        load_data("planted", group="patient")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text.replace("bee/7.png,", "bee/700.png,"), r"no row for bee/7\.png"),
        (lambda text: text + "\nbee/7.png,p1,3", r"names bee/7\.png twice"),
        (lambda text: text + "\nx,y,z,w,v", "cannot be read"),
        (lambda text: text.replace("file,", "where,"), "no column 'patient'"),
    ],
)
def test_a_metadata_file_that_does_not_fit_is_named(tmp_path: Path, spoil, says: str) -> None:
    folder = grouped_folder(tmp_path / "p")
    (folder / "metadata.csv").write_text(spoil((folder / "metadata.csv").read_text()))
    with pytest.raises(DataError, match=says):
        load_data(folder, group="patient")


def test_audits_resample_patients_and_so_does_their_comparison(tmp_path: Path) -> None:
    data = load_data(grouped_folder(tmp_path / "p", 300), group="patient")
    patients = len(np.unique(data.groups("test")))
    runs = []
    for seed in (0, 1):
        logits = np.random.default_rng(seed).normal(size=(len(data.test), 2)).astype(np.float32)
        np.savez(tmp_path / f"m{seed}.npz", logits=logits)
        runs.append(et.audit_predictions(tmp_path / f"m{seed}.npz", data, out=tmp_path / f"run{seed}"))
    finding = runs[0]["FAIL001"]
    assert all(" groups" in one.method for one in finding.estimates)
    assert f"over {patients} groups" in finding.estimate("auroc").method
    assert not any("come in groups" in limit for limit in finding.limits)
    compared = et.compare(*runs, out=tmp_path / "c", data=data)
    assert f"at the effective n over {patients} groups" in compared["CMP001"].estimate("accuracy").method
    assert f"over {patients} groups" in compared["CMP004"].estimate("auroc").method
    assert all(f"over {patients} groups" in one.method for one in compared["CMP090"].estimates)
    assert set(compared["CMP001"].params) == {
        "only_first_right",
        "only_second_right",
        "p_mid",
        "p",
        "p_adjusted",
        "family",
    }
    plain = load_data(tmp_path / "p")
    np.savez(tmp_path / "plain.npz", logits=np.zeros((len(plain.test), 2)))
    other = et.audit_predictions(tmp_path / "plain.npz", plain, out=tmp_path / "plain")
    with pytest.raises(RunError, match="different images"):
        et.compare(runs[0], other, out=tmp_path / "d")


def test_a_check_that_does_not_know_of_groups_says_so(tmp_path: Path) -> None:
    data = load_data(grouped_folder(tmp_path / "p"), group="patient")
    logits = np.random.default_rng(0).normal(size=(len(data.test), 2)).astype(np.float32)
    np.savez(tmp_path / "m.npz", logits=logits)
    own = Path(__file__).parents[1] / "plain_rate.py"
    run = et.audit_predictions(tmp_path / "m.npz", data, checks=[str(own)], out=tmp_path / "run")
    assert any(
        "come in groups here, which the intervals of share do not know" in limit for limit in run["OWN001"].limits
    )
