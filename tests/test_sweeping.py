"""A sweep at tiny size: resumed, shared, crashed, grown; and the test split, which waits for the choice."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import eyetest
from eyetest import flow, sweeping
from eyetest.__main__ import code
from eyetest.data.base import Dataset, SplitData
from eyetest.data.split import ArraySplit
from eyetest.errors import RunError, UserError
from eyetest.store import RunDir
from eyetest.training.claims import Claims
from eyetest.training.grid import Sweep, sweep_of
from eyetest.training.loop import Trainer
from eyetest.training.recipe import recipe

BASE = {"epochs": 2, "width": 4, "blocks": 1, "batch_size": 32, "watched": 60}
RAW: dict[str, Any] = {"base": BASE, "ingredient": {"flip": {"flip": True}, "fast": {"learning_rate": 0.02}}}
GRID = "[base]\nepochs = {epochs}\nwidth = 4\nblocks = 1\nbatch_size = 8\n[grid]\ndropout = [0.1, 0.2]\n"


def begin(plan: Sweep, data: Dataset, out: Path, **options: Any) -> RunDir:
    return eyetest.sweep(plan, data, out=out, device="cpu", **options)


@pytest.fixture(scope="module")
def swept(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return begin(sweep_of(RAW), tiny, tmp_path_factory.mktemp("runs") / "sweep")


def test_every_cell_is_a_training_and_the_result_a_finding(swept: RunDir):
    assert (swept.record.kind, swept.record.status) == ("sweep", "complete")
    assert [child.record.kind for child in swept.children] == ["train"] * 4
    finding = swept["SWP001"]
    for child in swept.children:
        assert child.record.status == "complete"
    result = {child.path.name.rpartition("-")[0]: child.train_result() for child in swept.children}
    for cell in sweep_of(RAW).cells:
        value = finding.estimate(f"validation_accuracy[{cell.name}]").value
        assert value == pytest.approx(result[cell.folder].chosen_validation_accuracy)
    assert {one.name for one in finding.estimates if one.name.startswith("gain")} == {
        f"gain[{name}, {setting}]" for name in ("flip", "fast") for setting in ("added to the base", "left out of all")
    }


def test_the_best_on_validation_is_chosen_and_tested(swept: RunDir, tiny: Dataset):
    choice, finding = swept.choice(), swept["SWP001"]
    assert choice is not None
    accuracy = [finding.estimate(f"validation_accuracy[{cell.name}]").value for cell in sweep_of(RAW).cells]
    assert choice.chosen == sweep_of(RAW).cells[int(np.argmax(accuracy))].folder
    chosen = swept.tested(f"{choice.chosen}-0")
    assert finding.estimate("test_accuracy[chosen]").value == chosen["ACC001"].estimate("accuracy").value
    assert sorted(one.name for one in (swept.path / "test").iterdir()) == sorted(
        {f"{choice.chosen}-0", f"{choice.base}-0"}
    )
    read = recipe(str(swept.chosen_recipe))
    assert dataclasses.replace(read, name="") == dataclasses.replace(
        next(cell for cell in sweep_of(RAW).cells if cell.folder == choice.chosen).recipe, name=""
    )


def test_page_and_terminal_show_it(swept: RunDir, capsys: pytest.CaptureFixture[str]):
    page = swept.page.read_text(encoding="utf-8")
    for text in ("What each ingredient bought", "base + flip", "base + fast", "chosen on these validation images"):
        assert text in page
    assert code(["show", str(swept.path)]) == 0
    assert "SWP001" in capsys.readouterr().out


def test_report_writes_the_page_of_a_sweep_again(swept: RunDir, tmp_path: Path):
    page = tmp_path / "page.html"
    assert code(["report", str(swept.path), "--theme", "dark", "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert 'data-theme="dark"' in text
    assert "What each ingredient bought" in text
    assert "unfinished" not in text


def test_report_says_how_far_an_unfinished_sweep_has_come(swept: RunDir, tmp_path: Path):
    run = RunDir(shutil.copytree(swept.path, tmp_path / "sweep"))
    shutil.rmtree(run.path / "findings")
    lost, stopped, *_ = run.children
    shutil.rmtree(lost.path)
    stopped.update("interrupted")
    run.write_record(run.record.model_copy(update={"status": "running", "children": ()}))
    assert code(["report", str(run.path)]) == 0
    text = run.page.read_text(encoding="utf-8")
    assert "This run is unfinished. 2 of 4 trainings have ended; they are compared when all have." in text
    assert "Finish it with" in text


def test_the_same_command_changes_nothing_when_all_is_done(
    swept: RunDir, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be trained or read again")

    before, choice = swept["SWP001"], swept.choice()
    monkeypatch.setattr(flow, "train", forbidden)
    monkeypatch.setattr(flow, "audit", forbidden)
    again = begin(sweep_of(RAW), tiny, swept.path)
    assert again["SWP001"] == before
    assert again.choice() == choice
    assert again.record.status == "complete"


def test_no_test_image_is_read_before_the_choice_is_written(tiny: Dataset, tmp_path: Path):
    out, read = tmp_path / "sweep", []

    class Spied(ArraySplit):
        def images(self, rows: np.ndarray) -> np.ndarray:
            read.append((out / "choice.json").is_file())
            return super().images(rows)

    whole = tiny.test
    test = Spied("test", whole.labels, whole.rows, whole.images(whole.rows))
    splits: dict[Any, SplitData] = {**tiny.splits, "test": test}
    plan = sweep_of({"base": BASE | {"epochs": 1}, "grid": {"flip": [True]}})
    begin(plan, dataclasses.replace(tiny, splits=splits), out)
    assert read
    assert all(read)


def test_a_cell_that_another_process_trains_is_left_to_it(tiny: Dataset, tmp_path: Path):
    plan = sweep_of({"base": BASE | {"epochs": 1}, "grid": {"flip": [True]}})
    first, second = (f"{cell.folder}-0" for cell in plan.cells)
    sweeping._join(
        RunDir(tmp_path / "sweep"),
        sweeping.new_record("sweep", tiny.record(), (), seed=0, device="cpu", config=sweeping._config(plan)),
    )
    with Claims(tmp_path / "sweep" / "claims").take(first):
        run = begin(plan, tiny, tmp_path / "sweep")
        assert run.record.status == "running"
        assert not run.cell(first).path.exists()
        assert run.cell(second).record.status == "complete"
        assert run.choice() is None
    assert begin(plan, tiny, tmp_path / "sweep").record.status == "complete"


def test_a_crash_is_told_the_others_go_on_and_the_choice_waits(tiny: Dataset, tmp_path: Path, monkeypatch, capsys):
    plan = sweep_of({"base": BASE | {"epochs": 1}, "grid": {"flip": [True], "crop": [1, 2]}})
    broken, epoch = plan.cells[1].recipe, Trainer.epoch

    def failing(self: Trainer) -> None:
        if self.recipe == broken:
            raise MemoryError("no <b>memory</b>")
        epoch(self)

    monkeypatch.setattr(Trainer, "epoch", failing)
    run = begin(plan, tiny, tmp_path / "sweep")
    assert run["SWP001"].headline.startswith("1 of 3 trainings crashed.")
    assert list(sweeping.crashes(run)) == [f"{plan.cells[1].folder}-0"]
    assert run.choice() is None and not (run.path / "test").exists()
    assert "no <b>memory" not in run.page.read_text(encoding="utf-8")
    monkeypatch.setattr(Trainer, "epoch", epoch)
    assert begin(plan, tiny, tmp_path / "sweep").choice() is None
    assert sweeping.crashes(run)
    assert begin(plan, tiny, tmp_path / "sweep", retry=True).choice() is not None
    assert sweeping.crashes(run) == {}


def test_a_sweep_grows_and_the_choice_stands(tiny: Dataset, tmp_path: Path):
    small = {"base": BASE | {"epochs": 1}, "grid": {"dropout": [0.1]}}
    run = begin(sweep_of(small), tiny, tmp_path / "sweep")
    choice, was = run.choice(), {child.path: child.record.created for child in run.children}
    begin(sweep_of(small | {"grid": {"dropout": [0.1, 0.2]}}), tiny, tmp_path / "sweep")
    assert run.choice() == choice
    assert "The sweep grew after the test images were read: dropout=0.2" in run["SWP001"].headline
    assert len(run.children) == 3
    assert was.items() <= {child.path: child.record.created for child in run.children}.items()


def test_other_data_another_seed_or_another_run_is_refused(swept: RunDir, tiny: Dataset, tmp_path: Path):
    with pytest.raises(RunError, match="seed differ"):
        begin(sweep_of(RAW), tiny, swept.path, seed=1)
    with pytest.raises(RunError, match="data differ"):
        begin(sweep_of(RAW | {"train_images": 60}), tiny, swept.path)
    with pytest.raises(RunError, match="kind"):
        begin(sweep_of(RAW), tiny, swept.children[0].path)


def test_fewer_training_images_are_other_data(tiny: Dataset):
    fewer = sweeping.with_fewer_training_images(tiny, 30, 0)
    assert len(fewer.train) == 30
    assert np.bincount(fewer.train.labels).tolist() == [10, 10, 10]
    assert fewer.fingerprint != tiny.fingerprint
    assert fewer.title.endswith("30 training images")
    assert (fewer.test, fewer.validation) == (tiny.test, tiny.validation)
    assert sweeping.with_fewer_training_images(tiny, 500, 0) is tiny


@pytest.mark.slow
def test_three_seeds_have_intervals_over_trainings(tiny: Dataset, tmp_path: Path):
    plan = sweep_of({"base": BASE | {"epochs": 1}, "grid": {"flip": [True]}, "seeds": 3})
    run = begin(plan, tiny, tmp_path / "sweep")
    assert len(run.children) == 6
    gain = run["SWP001"].estimate("gain[flip=true, against the base]")
    assert "3 + 3 trainings" in gain.method
    assert len(list((run.path / "test").iterdir())) in (3, 6)


def test_a_plan_trains_nothing(tiny: Dataset, tmp_path: Path):
    plan = sweeping.plan_sweep(sweep_of(RAW | {"seeds": 2}), tiny, out=tmp_path / "none", device="cpu", processes=2)
    assert [one.what for one in plan.passes] == ["base", "base + flip", "base + fast", "all"]
    assert plan.passes[0].images == 2 * 2 * 120
    assert "4 cells × 2 seeds: 8 of 8 trainings are left" in plan.note
    assert not (tmp_path / "none").exists()


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label, colour in enumerate(("ant", "bee")):
        (tmp_path / "photos" / colour).mkdir(parents=True)
        for k in range(40):
            Image.new("RGB", (32, 32), (5 * k, 100 * label, 50)).save(tmp_path / "photos" / colour / f"{k}.png")
    return tmp_path / "photos"


def command(photos: Path, out: Path, *further: str) -> list[str]:
    grid = photos.parent / "grid.toml"
    return ["sweep", str(grid), "--data", str(photos), "--out", str(out), "--device", "cpu", "--quiet", *further]


def started(photos: Path, out: Path, *further: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "eyetest", *command(photos, out, *further)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def holders(out: Path) -> list[int]:
    """Processes that train now, by claims that may be given back while they are read."""
    found = []
    for file in (out / "claims").glob("*-0.*"):
        with suppress(FileNotFoundError, ValueError):
            found.append(json.loads(file.read_text(encoding="utf-8"))["pid"])
    return found


def test_slips_of_the_pen_end_with_code_2(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "grid.toml").write_text("[grid]\noptimiser = ['sgd']\n", encoding="utf-8")
    assert code(command(photos, tmp_path / "run")) == 2
    assert "Did you mean 'optimizer'?" in capsys.readouterr().err
    (tmp_path / "grid.toml").unlink()
    assert code(command(photos, tmp_path / "run")) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_diverges_ends_with_code_3(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    grid = GRID.format(epochs=1) + "learning_rate = [1e30]\noptimizer = ['sgd']\n"
    (tmp_path / "grid.toml").write_text(grid.replace("0.1, 0.2", "0.1"), encoding="utf-8")
    assert code(command(photos, tmp_path / "run", "--plan")) == 0
    assert "2 of 2 trainings are left" in " ".join(capsys.readouterr().out.split())
    assert code(command(photos, tmp_path / "run")) == 3
    said = capsys.readouterr().out
    assert "RecipeError: The training diverged" in said
    run = RunDir.open(tmp_path / "run")
    assert run.choice() is not None, "a recipe that diverges is a result, so the choice need not wait"
    assert "next: eyetest train" in said


@pytest.mark.slow
def test_a_killed_sweep_goes_on_at_the_epoch_it_was_in(photos: Path, tmp_path: Path):
    out = tmp_path / "run"
    (tmp_path / "grid.toml").write_text(GRID.format(epochs=20), encoding="utf-8")
    process = started(photos, out)
    until(lambda: any(len(file.read_text().splitlines()) >= 3 for file in out.glob("cells/*/train/metrics.jsonl")))
    process.kill()
    process.communicate()
    (file,) = out.glob("cells/*/train/metrics.jsonl")
    before = file.read_text(encoding="utf-8").splitlines()
    assert len(before) < 20 and len(list((out / "claims").iterdir())) == 1
    assert code(command(photos, out)) == 0
    assert file.read_text(encoding="utf-8").splitlines()[: len(before)] == before
    run = RunDir.open(out)
    assert run.record.status == "complete" and len(run.children) == 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_worker_that_is_killed_is_told_of_and_the_others_go_on(photos: Path, tmp_path: Path):
    out = tmp_path / "run"
    (tmp_path / "grid.toml").write_text(GRID.format(epochs=12), encoding="utf-8")
    process = started(photos, out, "--processes", "2")
    until(lambda: len(set(holders(out))) == 2)
    held = holders(out)
    assert process.pid not in held
    os.kill(held[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 3, said
    assert "died: Its process ended with exit code -9" in said
    run = RunDir.open(out)
    assert (len(run.children), run.choice()) == (2, None)
    assert code(command(photos, out, "--retry")) == 0
    assert len(run.children) == 3 and run.choice() is not None


@pytest.mark.slow
def test_two_commands_share_a_directory(photos: Path, tmp_path: Path):
    out = tmp_path / "run"
    (tmp_path / "grid.toml").write_text(GRID.format(epochs=8), encoding="utf-8")
    both = [started(photos, out), started(photos, out)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    run = RunDir.open(out)
    assert run.record.status == "complete" and len(run.children) == 3
    assert sum("report: " in one for one in said) in (1, 2)


@pytest.mark.slow
def test_processes_of_a_launcher_share_each_training(photos: Path, tmp_path: Path):
    out = tmp_path / "run"
    (tmp_path / "grid.toml").write_text(GRID.format(epochs=1), encoding="utf-8")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "eyetest"]
    done = subprocess.run([*launcher, *command(photos, out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report: ") == 1
    assert len(RunDir.open(out).children) == 3


def test_workers_under_a_launcher_are_refused(tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Two:
        world_size = 2

    class Here:
        @staticmethod
        def here() -> Any:
            return Here()

        def fabric(self, device: str) -> Two:
            return Two()

    monkeypatch.setattr(sweeping, "Processes", Here)
    with pytest.raises(UserError, match="Leave --processes out"):
        begin(sweep_of(RAW), tiny, tmp_path / "run", processes=2)
