"""The processes that train one model together: a single one, unless torchrun or srun started several."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@final
@dataclass(frozen=True)
class Processes:
    """How many train together, on how many machines, and which of them this is."""

    count: int = 1
    machines: int = 1
    number: int = 0
    """From 0; only process 0 writes files and speaks."""

    @staticmethod
    def of(environment: Mapping[str, str]) -> Processes:
        """What torchrun or srun say in these environment variables."""
        if "TORCHELASTIC_RUN_ID" in environment:
            count, here = int(environment["WORLD_SIZE"]), int(environment["LOCAL_WORLD_SIZE"])
            return Processes(count, count // here, int(environment["RANK"]))
        if "SLURM_STEP_NUM_TASKS" in environment:
            machines = int(environment.get("SLURM_STEP_NUM_NODES", "1"))
            return Processes(int(environment["SLURM_STEP_NUM_TASKS"]), machines, int(environment["SLURM_PROCID"]))
        return Processes()

    @staticmethod
    def here() -> Processes:
        """Those that this process belongs to."""
        return Processes.of(os.environ)

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.number == 0

    def fabric(self, device: str) -> Fabric:
        """Fabric on `device` (cpu, cuda or mps), connected to the other processes; one device a process."""
        from lightning_fabric import Fabric

        several = "ddp" if self.count > 1 else "auto"
        fabric = Fabric(
            accelerator=device, strategy=several, devices=self.count // self.machines, num_nodes=self.machines
        )
        fabric.launch()
        if self.count > 1:
            atexit.register(_leave)
        return fabric


def _leave() -> None:
    """Leave the other processes: threads of gloo now and then abort a process that ends among them."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
