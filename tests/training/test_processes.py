"""One training by two processes on the CPU, as torchrun starts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file
from torch import allclose

from eyetest.store import RunDir
from eyetest.training.processes import Processes

TRAINING = """
import sys
import torch

torch.set_num_threads(1)
# Batch norm reads each process's own share, so only a norm of single images can agree to the last digits.
torch.nn.BatchNorm2d = lambda channels: torch.nn.GroupNorm(1, channels)

from eyetest import flow
from eyetest.data.planted import PlantedSpec, planted
from eyetest.training.recipe import Recipe

data = planted(PlantedSpec(classes=3, train=120, validation=60, test=6))
recipe = Recipe(
    epochs=2, width=4, blocks=1, batch_size=33, optimizer="sgd", learning_rate=0.05, crop=2, flip=True, erasing=0.5
)
flow.train(data, recipe, out=sys.argv[1], device="cpu")
"""
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Processes()),
        ({"WORLD_SIZE": "4", "RANK": "1"}, Processes()),
        (
            {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "RANK": "5"},
            Processes(8, 2, 5),
        ),
        (
            {"SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_NUM_NODES": "3", "SLURM_PROCID": "0"},
            Processes(6, 3, 0),
        ),
        ({"SLURM_NTASKS": "6"}, Processes()),
    ],
)
def test_torchrun_and_srun_say_how_many_there_are(environment: dict[str, str], expected: Processes) -> None:
    assert Processes.of(environment) == expected
    assert expected.first == (expected.number == 0)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    """Shares of 17 and 16 images: the losses, the augmentation and the averaged gradients are those of 33."""
    script = tmp_path / "training.py"
    script.write_text(TRAINING, encoding="utf-8")
    python(str(script), str(tmp_path / "one"))
    python(*TWO, str(script), str(tmp_path / "two"))
    one, two = RunDir.open(tmp_path / "one"), RunDir.open(tmp_path / "two")
    assert two.record.status == "complete"
    for alone, together in zip(one.metrics(), two.metrics(), strict=True):
        assert together.train_loss == pytest.approx(alone.train_loss, rel=1e-5)
        assert together.validation_loss == pytest.approx(alone.validation_loss, rel=1e-4)
        assert together.learning_rate == alone.learning_rate
    weights, others = load_file(one.model), load_file(two.model)
    assert all(allclose(value, others[name], atol=1e-5) for name, value in weights.items())
    assert not list(two.path.rglob("*.part"))


@pytest.mark.slow
def test_a_study_by_two_processes_speaks_and_writes_once(tmp_path: Path) -> None:
    for label, colour in enumerate(("ant", "bee")):
        (tmp_path / "photos" / colour).mkdir(parents=True)
        for k in range(20):
            Image.new("RGB", (32, 32), (10 * k, 100 * label, 50)).save(tmp_path / "photos" / colour / f"{k}.png")
    sizes = ["--set", "epochs=1", "width=4", "blocks=1", "batch_size=8"]
    study = ["study", "--data", str(tmp_path / "photos"), "--profile", "demo", *sizes, "--device", "cpu"]
    told = python(*TWO, "-m", "eyetest", *study, "--checks", "accuracy", "--quiet", "--out", str(tmp_path / "run"))
    assert told.count("report: ") == 1
    run = RunDir.open(tmp_path / "run")
    assert run.record.status == "complete"
    assert [child.record.status for child in run.children] == ["complete"] * 3
