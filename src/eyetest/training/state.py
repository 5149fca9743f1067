"""What a killed training run needs to go on: one safetensors file, replaced after every epoch. No pickle."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ..records import EpochMetrics
from ..store import replacing

_METRICS = TypeAdapter(list[EpochMetrics])


@final
@dataclass
class TrainingState:
    """Epochs done so far, the best weights so far, and every image's validation loss after every epoch."""

    metrics: list[EpochMetrics] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    validation_loss: list[np.ndarray] = field(default_factory=list)
    validation_correct: list[np.ndarray] = field(default_factory=list)

    @property
    def chosen_epoch(self) -> int:
        """Best validation accuracy, ties to the earlier; 0 before the first epoch."""
        best = max((m.validation_accuracy for m in self.metrics), default=0.0)
        return next((m.epoch for m in self.metrics if m.validation_accuracy == best), 0)

    def save(self, path: Path, module: nn.Module, optimizer: Optimizer) -> None:
        """Write everything by rename."""
        tensors = {f"model.{name}": value for name, value in module.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for index, parameter in enumerate(_parameters(optimizer)):
            tensors |= {f"optimizer.{index}.{name}": value for name, value in optimizer.state[parameter].items()}
        tensors["validation_loss"] = torch.from_numpy(np.stack(self.validation_loss))
        tensors["validation_correct"] = torch.from_numpy(np.stack(self.validation_correct))
        whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        with replacing(path) as temporary:
            save_file(whole, temporary, {"metrics": _METRICS.dump_json(self.metrics).decode()})

    @staticmethod
    def load(path: Path, module: nn.Module, optimizer: Optimizer) -> TrainingState:
        """Fill module and optimizer from the file, or start anew if there is none."""
        if not path.is_file():
            return TrainingState()
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            metrics = _METRICS.validate_json((opened.metadata() or {})["metrics"])
        module.load_state_dict(_under("model.", tensors))
        for index, parameter in enumerate(_parameters(optimizer)):
            values = _under(f"optimizer.{index}.", tensors)
            optimizer.state[parameter] = {
                name: value if name == "step" else torch.empty_like(parameter).copy_(value)
                for name, value in values.items()
            }
        return TrainingState(
            metrics,
            _under("best.", tensors),
            list(tensors["validation_loss"].numpy()),
            list(tensors["validation_correct"].numpy()),
        )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
