"""The real libraries: what they hold after a run was told to them, read back through their own interfaces, offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracked_run import HOSTILE, tracked_run

from eyetest.trackers import find_trackers, track

pytestmark = [
    pytest.mark.extras,
    pytest.mark.filterwarnings("ignore"),  # of the libraries, not ours
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_DIR", "TENSORBOARD_LOGDIR"):
        monkeypatch.delenv(variable, raising=False)


def test_mlflow_holds_numbers_curves_settings_and_the_page(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    (tracker,) = find_trackers(["mlflow"])
    track(tracked_run(tmp_path / "net"), tracker)
    client = MlflowClient()
    experiment = client.get_experiment_by_name("eyetest")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("net", "FINISHED")
    assert run.data.metrics["ACC001.accuracy.low"] == 0.9
    assert run.data.params["config.recipes.0.epochs"] == "2"
    assert run.data.params["config.note"] == HOSTILE[:500]
    history = client.get_metric_history(run.info.run_id, "validation_accuracy")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.6)]
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["findings", "report.html"]


def test_tensorboard_holds_numbers_curves_settings_and_the_page(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tracker,) = find_trackers(["tensorboard"])
    run = tracked_run(tmp_path / "net")
    track(run, tracker)
    (place,) = track(run, tracker)
    assert Path(place) == Path("tensorboard/net")
    events = EventAccumulator(place).Reload()
    assert [one.value for one in events.Scalars("ACC001.accuracy.high")] == pytest.approx([0.92])
    assert [(one.step, one.value) for one in events.Scalars("train_loss")] == [(1, 1.0), (2, 0.5)]
    assert events.Tensors("config.recipes.0.epochs/text")[0].tensor_proto.string_val[0] == b"2"
    assert {"report.html", "ACC001.json"} <= {file.name for file in Path(place).iterdir()}


def test_wandb_keeps_an_offline_run(tmp_path: Path) -> None:
    pytest.importorskip("wandb")

    (tracker,) = find_trackers(["wandb"])
    track(tracked_run(tmp_path / "net"), tracker)
    (log,) = Path("wandb").glob("offline-run-*/run-*.wandb")
    held = log.read_bytes()
    for text in (b"ACC001.accuracy.low", b"config.recipes.0.epochs", b"validation_accuracy", b"What ACC001 says."):
        assert text in held
