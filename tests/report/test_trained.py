"""The page of a training."""

from __future__ import annotations

from eyetest.provenance import new_record
from eyetest.records import DataRecord, EpochMetrics, ModelRecord, TrainResult
from eyetest.report.compose import write_report
from eyetest.store import RunDir


def test_a_training_shows_its_curves_its_recipe_and_the_epoch_that_was_kept(tmp_path):
    data = DataRecord(name="x", title="drawn", fingerprint="f", classes=("a", "b"), images={"train": 40})
    model = ModelRecord(name="baseline", fingerprint="m", parameters=3, source="")
    config = {"recipe": {"name": "baseline", "epochs": 2}}
    made = new_record("train", data, (model,), seed=0, device="cpu", config=config)
    run = RunDir.begin(tmp_path / "t", made)
    run.write_metrics(
        EpochMetrics(
            epoch=epoch, train_loss=1 / epoch, train_accuracy=0.5, validation_loss=0.9, validation_accuracy=0.4,
            learning_rate=0.1, seconds=1, images_per_second=40,
        )
        for epoch in (1, 2)
    )  # fmt: skip
    unfinished = write_report(run, run.page).read_text(encoding="utf-8")
    assert "There are no findings yet." in unfinished
    assert 'role="alert"' in unfinished
    run.write_train_result(
        TrainResult(
            recipe="baseline", epochs=2, chosen_epoch=1, chosen_train_accuracy=0.5, last_train_accuracy=0.5,
            train_images=40, chosen_validation_accuracy=0.4, last_validation_accuracy=0.4, validation_images=10,
            seconds=2,
        )
    )  # fmt: skip
    run.update("complete")
    text = write_report(run, run.page).read_text(encoding="utf-8")
    assert "baseline was trained on 40 images of drawn (2 classes)." in text
    assert "Epoch 1 of 2 was kept: right on 40.0% of 10 validation" in text
    assert text.count("<svg") == 2
    assert "Recipe (2 rows)" in text
