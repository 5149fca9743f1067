"""An audit with a training, written by hand."""

from __future__ import annotations

from pathlib import Path

from hand_made import add, begin, estimate

from eyetest.records import EpochMetrics
from eyetest.store import RunDir

HOSTILE = "a<script>\"'|\n@`\x1b\x00 אב 🐸 " + "é" * 600


def tracked_run(path: Path) -> RunDir:
    run = begin(path)
    config = {"recipes": [{"epochs": 2}], "checks": ["ACC001", "CAL001"], "note": HOSTILE, "none": None}
    data = run.record.data.model_copy(update={"images": {"train": 120, "validation": 60, "test": 60}})
    run.write_record(run.record.model_copy(update={"config": config, "data": data}))
    names = ("accuracy", "accuracy[a<b]", "accuracy[a>b]", f"accuracy[{HOSTILE}]")
    add(run, "ACC001", *(estimate(name, 0.91, 0.9, 0.92) for name in names))
    run.write_metrics(
        EpochMetrics(
            epoch=epoch,
            train_loss=1 / epoch,
            train_accuracy=0.5,
            validation_loss=1.0,
            validation_accuracy=(0.5, 0.6)[epoch - 1],
            learning_rate=0.1,
            seconds=1.0,
            images_per_second=100.0,
        )
        for epoch in (1, 2)
    )
    run.page.write_text("<p>page</p>", encoding="utf-8")
    return run
