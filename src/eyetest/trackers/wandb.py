"""Weights & Biases; offline in wandb/ here, unless WANDB_MODE says otherwise (`wandb sync` uploads such a run)."""

from __future__ import annotations

import os
from typing import ClassVar, final

from .base import PROJECT, Told, Tracker


@final
class Wandb(Tracker):
    """A run of the project `eyetest`: estimates as its summary, curves as its history, page and findings as an artifact."""

    library: ClassVar[str] = "wandb"

    def log(self, told: Told) -> str:
        """Make one finished run; its folder."""
        import wandb

        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=told.name,
            group=told.group,
            config=dict(told.params),
            notes="\n".join(told.headlines.values()),
            mode=os.environ.get("WANDB_MODE", "offline"),
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True),
        )
        with run:
            epochs = sorted({epoch for points in told.curves.values() for epoch, _ in points})
            for epoch in epochs:
                run.log({name: dict(points)[epoch] for name, points in told.curves.items()}, step=epoch)
            run.summary.update(dict(told.metrics))
            artifact = wandb.Artifact(f"{PROJECT}-{run.id}", type="eyetest-run")
            for file in told.files:
                artifact.add_file(str(file), name=file.name)
            run.log_artifact(artifact)
        return str(run.dir)
