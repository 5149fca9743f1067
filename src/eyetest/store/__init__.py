"""Runs on disk. Only RunDir knows the names of a run's files; every file appears by rename."""

from .files import replacing
from .payloads import Annotation
from .run_dir import TRAINED_ON, RunDir
from .runs import RUNS, delete_run, finished, list_runs, new_run_path, recorded, run_path

__all__ = [
    "RUNS",
    "TRAINED_ON",
    "Annotation",
    "RunDir",
    "delete_run",
    "finished",
    "list_runs",
    "new_run_path",
    "recorded",
    "replacing",
    "run_path",
]
