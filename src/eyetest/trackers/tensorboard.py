"""TensorBoard: one folder a run under tensorboard/ here, or under TENSORBOARD_LOGDIR. Needs no torch."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from .base import Told, Tracker

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

FOLDER, VARIABLE = "tensorboard", "TENSORBOARD_LOGDIR"


@final
class Tensorboard(Tracker):
    """Estimates and curves as scalars, parameters and headlines as text; the page and the findings lie beside them."""

    library: ClassVar[str] = "tensorboard"

    def log(self, told: Told) -> str:
        """Write one folder of events; its path. An older one of that name is replaced."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = Path(os.environ.get(VARIABLE) or FOLDER) / told.group
        folder = folder if told.name == told.group else folder / told.name
        _emptied(folder)
        writer = EventFileWriter(str(folder))
        values = [(0, Summary.Value(tag=name, simple_value=value)) for name, value in told.metrics.items()]
        for name, points in told.curves.items():
            values += [(epoch, Summary.Value(tag=name, simple_value=value)) for epoch, value in points]
        values += [(0, _text(name, said)) for name, said in {**told.params, **told.headlines}.items()]
        for step, value in values:
            writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))
        writer.close()
        for file in told.files:
            shutil.copy(file, folder)
        return str(folder)


def _emptied(folder: Path) -> None:
    """Take the events away that an earlier call wrote here; curves of two calls would lie over each other."""
    for events in folder.glob("events.out.tfevents.*"):
        events.unlink()


def _text(name: str, said: str) -> Summary.Value:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.plugins.text.metadata import create_summary_metadata

    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype="DT_STRING", string_val=[said.encode()], tensor_shape=shape)
    return Summary.Value(tag=f"{name}/text", metadata=create_summary_metadata(name, ""), tensor=tensor)
