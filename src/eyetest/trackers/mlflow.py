"""MLflow, where MLFLOW_TRACKING_URI says, or where MLflow itself puts runs by default (here: mlflow.db, mlruns)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, final

from .base import PROJECT, Told, Tracker

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

MOST_METRICS, MOST_PARAMS = 1000, 100
"""That MLflow takes in one call."""


@final
class Mlflow(Tracker):
    """A run of the experiment `eyetest`: estimates and curves as metrics, page and findings as artifacts."""

    library: ClassVar[str] = "mlflow"

    def log(self, told: Told) -> str:
        """Make one finished run; its address."""
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        client = MlflowClient()
        tags = {"group": told.group} | {f"headline.{code}": said for code, said in told.headlines.items()}
        run_id = client.create_run(_experiment(client), run_name=told.name, tags=tags).info.run_id
        metrics, params = list(_metrics(told)), [Param(key, value) for key, value in told.params.items()]
        for first in range(0, len(metrics), MOST_METRICS):
            client.log_batch(run_id, metrics=metrics[first : first + MOST_METRICS])
        for first in range(0, len(params), MOST_PARAMS):
            client.log_batch(run_id, params=params[first : first + MOST_PARAMS])
        for file in told.files:
            client.log_artifact(run_id, str(file), "findings" if file.suffix == ".json" else None)
        client.set_terminated(run_id)
        return f"{client.tracking_uri}, run {run_id}"


def _experiment(client: MlflowClient) -> str:
    known = client.get_experiment_by_name(PROJECT)
    made: str = client.create_experiment(PROJECT) if known is None else known.experiment_id
    return made


def _metrics(told: Told) -> Iterator[Metric]:
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    for name, value in told.metrics.items():
        yield Metric(name, value, now, 0)
    for name, points in told.curves.items():
        for epoch, value in points:
            yield Metric(name, value, now, epoch)
