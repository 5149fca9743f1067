"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from eyetest.engine.plan import gather
from eyetest.errors import MissingEvidence, RunError
from eyetest.evidence import Predict
from eyetest.provenance import new_record
from eyetest.records import DataRecord, ModelRecord
from eyetest.store import RunDir, files
from eyetest.types import Features, HumanVotes, MapSet, Predictions, Properties
from eyetest.views.grayscale import Grayscale

FULL = Path("/dev/full")
ROWS = np.arange(4, dtype=np.int64)
ONCE = Predictions("test", ROWS, ROWS % 2, np.ones((4, 2), dtype=np.float32))


WRITERS: dict[str, Callable[[RunDir], None]] = {
    "samples.parquet": lambda run: run.write_samples({"id": ["test-0"], "label": [0]}),
    "predictions/identity.parquet": lambda run: run.write_predictions("identity", ONCE),
    "images/x.webp": lambda run: run.write_image("images/x.webp", np.zeros((64, 64, 3), dtype=np.uint8)),
    "thumbnails.parquet": lambda run: run.write_thumbnails(("test-0",), [b"RIFF"]),
    "limits.json": lambda run: run.write_limits({"test": 3}),
    "copy": lambda run: run.copy_file(Path(__file__), "copy"),
}


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_full_disk_leaves_the_old_file_and_nothing_else(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"the old one")
    file.with_name(f".{file.name}.{os.getpid()}.part").symlink_to(FULL)
    with pytest.raises(RunError, match=r"disk is full.*resumes"):
        WRITERS[name](RunDir(tmp_path))
    assert file.read_bytes() == b"the old one"
    assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_while_tensors_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """safetensors writes beside the name and renames, so /dev/full does not stop it; this is what a full disk made it say."""

    def full(tensors: object, path: Path, header: object) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    run = RunDir(tmp_path)
    maps = MapSet("test", ROWS, ROWS, np.ones((4, 2, 2), dtype=np.float32))
    run.write_maps("x", maps)
    monkeypatch.setattr(files, "save_file", full)
    with pytest.raises(RunError, match=r"maps/x\.safetensors could not be written"):
        run.write_maps("x", MapSet("test", ROWS, ROWS, 2 * maps.values))
    found = run.maps("x")
    assert found is not None
    assert (found.values == 1).all()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("left", [(), (".run.json.7.part",)])
def test_a_run_that_was_killed_at_its_first_file_begins_anew(left: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    for name in left:
        (path / name).write_text("{")
    data = DataRecord(name="x", title="x", fingerprint="f", classes=("a", "b"), images={})
    record = new_record("audit", data, (), seed=0, device="cpu", config={})
    assert RunDir.begin(path, record).record == record


def test_annotations_come_back_as_they_were(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_annotation("features-test", Features("test", ROWS, np.eye(4, dtype=np.float32)))
    run.write_annotation("vote-test", HumanVotes("test", ROWS, np.arange(8).reshape(4, 2)))
    run.write_annotation("describe-test", Properties("test", ROWS, {"brightness": np.linspace(0, 1, 4)}))
    features, votes = run.annotation("features-test", Features), run.annotation("vote-test", HumanVotes)
    assert (features.split, features.values.tolist()) == ("test", np.eye(4).tolist())
    assert votes.counts.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert run.annotation("describe-test", Properties).values["brightness"].tolist() == np.linspace(0, 1, 4).tolist()


def test_predicted_classes_alone_have_no_confidence(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_predictions("identity", Predictions("test", ROWS, ROWS % 2, np.eye(4, 2, dtype=np.float32), "classes"))
    back = run.predictions("identity", "test")
    assert back.predicted.tolist() == [0, 1, 0, 0]
    for read in ("probabilities", "confidence", "loss", "margin", "contender"):
        with pytest.raises(MissingEvidence, match="only the predicted classes"):
            getattr(back, read)


@pytest.mark.parametrize("limits", [{}, {"swaps": 3}, {"swaps": 3, "test": 2}])
def test_answers_to_a_removal_are_found_under_the_name_that_the_engine_gives_them(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    run = RunDir(tmp_path)
    assert run.answers_to("grayscale") is None
    run.write_predictions("grayscale-2", ONCE)
    run.write_predictions("grayscale-2@test-4", ONCE)
    run.write_predictions("grayscale@validation-3", ONCE)
    assert run.answers_to("grayscale") is None
    n = min(limits.values(), default=len(ROWS))
    asked = Predictions("test", ROWS[:n], ROWS[:n] % 2, np.ones((n, 2), dtype=np.float32))
    run.write_predictions(gather((), limits).key(Predict(Grayscale(), swapped=True)), asked)
    found = run.answers_to("grayscale")
    assert found is not None
    assert found.rows.tolist() == list(range(n))


READERS: dict[str, Callable[[RunDir], object]] = {
    "scores/ACC001.parquet": lambda run: run.scores("ACC001"),
    "thumbnails.parquet": lambda run: run.thumbnails(),
    "predictions/identity.safetensors": lambda run: run.predictions("identity", "test"),
    "maps/x.safetensors": lambda run: run.maps("x"),
    "annotations/features-test.safetensors": lambda run: run.annotation("features-test", Features),
}


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize("cut", [0, 40])
def test_a_damaged_file_is_named_with_what_to_do(name: str, cut: int, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_scores("ACC001", ("test-0",), {"correct": np.ones(1)})
    run.write_thumbnails(("test-0",), [b"RIFF"])
    run.write_predictions("identity", ONCE)
    run.write_maps("x", MapSet("test", ROWS, ROWS, np.ones((4, 2, 2), dtype=np.float32)))
    run.write_annotation("features-test", Features("test", ROWS, np.eye(4, dtype=np.float32)))
    READERS[name](run)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:cut])
    with pytest.raises(RunError, match=f"{name}.*cannot be read.*delete it and give the command again"):
        READERS[name](run)


def test_a_run_is_named_by_its_models() -> None:
    data = DataRecord(name="x", title="x", fingerprint="f", classes=("a", "b"), images={})
    models = [ModelRecord(name=name, fingerprint=name, parameters=0, source="") for name in ("a", "b", "c")]
    told = [new_record("compare", data, tuple(models[:n]), seed=0, device="cpu", config={}).subject for n in range(4)]
    assert told == ["", "a", "b against a", "b, c against a"]
