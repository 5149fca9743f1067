"""A run on disk. The only module that knows the names of a run's files."""

from __future__ import annotations

import glob
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from ..errors import RunError
from ..records import (
    SCHEMA_VERSION,
    ChoiceRecord,
    CrashRecord,
    EpochMetrics,
    Finding,
    GateRecord,
    Plan,
    RunRecord,
    RunStatus,
    TrainResult,
)
from ..types import Column, DonorTable, MapSet, Predictions, ProbeArm, Probes, Swaps, TrainingHistory
from .files import (
    UNFINISHED,
    find_record,
    read_header,
    read_json,
    read_record,
    read_table,
    read_tensors,
    replacing,
    write_record,
    write_table,
    write_tensors,
)
from .payloads import (
    A,
    Annotation,
    annotation_of,
    annotation_tensors,
    donor_columns,
    donor_tensors,
    donors_of,
    map_tensors,
    maps_of,
    prediction_columns,
    probe_columns,
    probe_tensors,
    probes_of,
    swap_names,
    swap_tensors,
    swaps_of,
)

if TYPE_CHECKING:
    from ..report.options import PageOptions

TRAINED_ON = "hashes-train"
"""Name of the annotation in which a training keeps the hashes of its images."""
TENSORS = ".safetensors"
_METRICS = TypeAdapter(list[EpochMetrics])


@final
class RunDir:
    """Everything one run knows. A run never writes into another run's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def begin(path: Path, record: RunRecord) -> RunDir:
        """A new run directory, or the unfinished one that lies there if it asks the same.

        Raises RunError if `path` holds a complete run, another run, or something else.
        """
        run = RunDir(path)
        if not path.exists() or (path.is_dir() and all(one.name.startswith(".run.json.") for one in path.iterdir())):
            run.write_record(record)
            return run
        old = RunDir.open(path).record if (path / "run.json").is_file() else None
        if old is None or old.status == "complete":
            what = "a complete run" if old else "something that is no eyetest run"
            raise RunError(
                f"{path} already exists and holds {what}; a new or an unfinished run's directory was expected. "
                "Nothing was changed. Give another --out, or delete that directory first."
            )
        differing = [name for name in ("kind", "seed", "config") if getattr(old, name) != getattr(record, name)]
        differing += ["data"] if old.data.fingerprint != record.data.fingerprint else []
        differing += ["models"] if record.models and _prints(old) != _prints(record) else []
        if differing:
            raise RunError(
                f"{path} holds an unfinished run of another command: {', '.join(differing)} differ. It was begun with "
                f"`{old.command}`. Give that command again to resume it, or another --out."
            )
        for unfinished in path.rglob(f".*{UNFINISHED}"):
            unfinished.unlink()
        run.write_record(old.model_copy(update={"status": "running"}))
        return run

    @staticmethod
    def open(path: Path) -> RunDir:
        """The run in an existing directory; RunError if there is none or it is damaged."""
        run = RunDir(path)
        if not (path / "run.json").is_file():
            raise RunError(
                f"There is no run at {path}: a directory with a run.json was expected. `eyetest runs` lists those under runs/."
            )
        version = read_json(path / "run.json").get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunError(
                f"The run at {path} has schema version {version}; this eyetest reads {SCHEMA_VERSION}. "
                "Use the eyetest that wrote it, or run the audit again."
            )
        return run

    # -- record, plan, findings -------------------------------------------------------------------------------------

    @property
    def record(self) -> RunRecord:
        """run.json."""
        return read_record(self.path / "run.json", RunRecord)

    def write_record(self, record: RunRecord) -> None:
        """Write run.json."""
        write_record(self.path / "run.json", record)

    def update(self, status: RunStatus, seconds: float = 0.0) -> None:
        """Set the status and add to the seconds."""
        old = self.record
        self.write_record(old.model_copy(update={"status": status, "seconds": round(old.seconds + seconds, 1)}))

    def write_plan(self, plan: Plan) -> None:
        """Write plan.json."""
        write_record(self.path / "plan.json", plan)

    def plan(self) -> Plan:
        """plan.json."""
        return read_record(self.path / "plan.json", Plan)

    def write_limits(self, limits: Mapping[str, int]) -> None:
        """Write limits.json: images of each split that the budget bought."""
        with replacing(self.path / "limits.json") as temporary:
            temporary.write_text(json.dumps(dict(limits)), encoding="utf-8")

    def limits(self) -> dict[str, int]:
        """Images of each split that the budget bought; empty if all are read."""
        return read_json(self.path / "limits.json") if (self.path / "limits.json").is_file() else {}

    def write_finding(self, finding: Finding) -> None:
        """Write findings/<CODE>.json."""
        write_record(self.path / f"findings/{finding.code}.json", finding)

    def finding(self, code: str) -> Finding | None:
        """One finding, or None if it is not there yet."""
        name = f"findings/{code}.json"
        return find_record(self.path / name, Finding)

    @property
    def findings(self) -> dict[str, Finding]:
        """All findings by code, in the order of their codes."""
        files = sorted((self.path / "findings").glob("*.json"))
        return {file.stem: read_record(self.path / f"findings/{file.name}", Finding) for file in files}

    def write_gate(self, gate: GateRecord) -> None:
        """Write gate.json, in the place of an older one."""
        write_record(self.path / "gate.json", gate)

    def gate(self) -> GateRecord | None:
        """What the last gate said of this run, or None."""
        return find_record(self.path / "gate.json", GateRecord)

    def __getitem__(self, code: str) -> Finding:
        finding = self.finding(code)
        if finding is None:
            raise RunError(f"The run {self.path} has no finding {code}. It has: {', '.join(self.findings) or 'none'}.")
        return finding

    def write_scores(self, code: str, ids: tuple[str, ...], columns: Mapping[str, Column]) -> None:
        """Write scores/<CODE>.parquet."""
        write_table(self.path / f"scores/{code}.parquet", {"id": list(ids)} | dict(columns))

    def scores(self, code: str) -> tuple[tuple[str, ...], dict[str, Column]]:
        """Ids and per-image columns of a finding; empty if it has none."""
        file = self.path / f"scores/{code}.parquet"
        if not file.is_file():
            return (), {}
        table = read_table(file)
        columns = {name: table[name].to_numpy() for name in table.column_names if name != "id"}
        return tuple(table["id"].to_pylist()), columns

    # -- samples, predictions, maps, images -------------------------------------------------------------------------

    def write_samples(self, columns: Mapping[str, Any]) -> None:
        """Write samples.parquet: id, split, label, source row of every image."""
        write_table(self.path / "samples.parquet", columns)

    def groups(self) -> dict[str, str] | None:
        """The group of each image id, or None where the data has no groups."""
        if not self.record.data.group:
            return None
        table = read_table(self.path / "samples.parquet", ["id", "group"])
        return dict(zip(table["id"].to_pylist(), table["group"].to_pylist(), strict=True))

    def has_predictions(self, key: str) -> bool:
        """Whether this pass is done."""
        return (self.path / f"predictions/{key}.parquet").is_file()

    def write_predictions(self, key: str, predictions: Predictions) -> None:
        """Write logits, then the readable table; the table says that the pass is done."""
        tensors = {"rows": predictions.rows, "labels": predictions.labels, "logits": predictions.logits}
        header = {"split": predictions.split, "given": predictions.given}
        write_tensors(self.path / f"predictions/{key}{TENSORS}", tensors, header)
        write_table(self.path / f"predictions/{key}.parquet", prediction_columns(predictions))

    def predictions(self, key: str, split: str) -> Predictions:
        """The predictions of a pass."""
        tensors = read_tensors(self.path / f"predictions/{key}{TENSORS}")
        given: Any = read_header(self.path / f"predictions/{key}{TENSORS}").get("given", "logits")
        return Predictions(split, tensors["rows"], tensors["labels"], tensors["logits"], given)

    def answers_to(self, view: str) -> Predictions | None:
        """What was said of the test images under a view, or of as many as the budget allowed; None if it was not asked."""
        some = sorted((self.path / "predictions").glob(f"{glob.escape(view)}@test-*.parquet"))
        keys = [view] if self.has_predictions(view) else [file.stem for file in some]
        return self.predictions(keys[0], "test") if keys else None

    def out_of_sample(self, split: str) -> Predictions | None:
        """The predictions of a cross-validation's models on a split, or None if there are none."""
        key = _out_of_sample_key(split)
        return self.predictions(key, split) if self.has_predictions(key) else None

    def write_out_of_sample(self, predictions: Predictions) -> None:
        """Write what a cross-validation's models say of a split."""
        self.write_predictions(_out_of_sample_key(predictions.split), predictions)

    def fold(self, number: int) -> RunDir:
        """Where one fold of a cross-validation is trained, until its predictions are written."""
        return RunDir(self.path / f"folds/{number}")

    def has_annotation(self, name: str) -> bool:
        """Whether this annotation is made."""
        return (self.path / f"annotations/{name}{TENSORS}").is_file()

    def write_annotation(self, name: str, payload: Annotation) -> None:
        """Write what is known of images beside the answers: the arrays of a payload, by their field names."""
        write_tensors(self.path / f"annotations/{name}{TENSORS}", *annotation_tensors(payload))

    def annotation(self, name: str, kind: type[A]) -> A:
        """The annotation of that name."""
        file = self.path / f"annotations/{name}{TENSORS}"
        return annotation_of(kind, read_tensors(file), read_header(file))

    def write_donors(self, table: DonorTable, split: str, pool: str) -> None:
        """Write donors.parquet: which image lends its cues to which, one row a draw, arm and image."""
        write_table(self.path / "donors.parquet", donor_columns(table, split, pool))
        write_tensors(self.path / f"swaps/donors{TENSORS}", donor_tensors(table))

    def donors(self) -> DonorTable | None:
        """The donor table, or None if nothing was swapped."""
        file = self.path / f"swaps/donors{TENSORS}"
        return donors_of(read_tensors(file)) if file.is_file() else None

    def has_swaps(self, part: int) -> bool:
        """Whether this part of the images is done."""
        return (self.path / f"swaps/part-{part:05d}{TENSORS}").is_file()

    def write_swaps(self, part: int, labels: np.ndarray, answers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Write logits (r 2 n k) and distances (r 2 n) of one part of the images, all transplants by key."""
        write_tensors(self.path / f"swaps/part-{part:05d}{TENSORS}", swap_tensors(labels, answers))

    def swaps(self, key: str) -> Swaps | None:
        """What the model said with this cue swapped, or None if that was not asked."""
        files = sorted((self.path / "swaps").glob(f"part-*{TENSORS}"))
        return swaps_of(key, self.donors(), [read_tensors(file, swap_names(key)) for file in files])

    def has_probe(self, key: str) -> bool:
        """Whether this probe is done."""
        return (self.path / f"probes/{key}.parquet").is_file()

    def write_probe(self, key: str, probes: Probes, pool: str) -> None:
        """Write the answers of a probe, then one readable row a draw, arm and image; that table says that it is done."""
        write_tensors(self.path / f"probes/{key}{TENSORS}", probe_tensors(probes))
        write_table(self.path / f"probes/{key}.parquet", probe_columns(probes, pool))

    def probe(self, key: str, arms: tuple[ProbeArm, ...], cues: tuple[str, ...]) -> Probes | None:
        """The answers of a probe with those of the cues that it has, or None if it is not done."""
        if not self.has_probe(key):
            return None
        return probes_of(read_tensors(self.path / f"probes/{key}{TENSORS}"), arms, cues)

    def write_maps(self, key: str, maps: MapSet) -> None:
        """Write the raw maps of one method and target."""
        write_tensors(self.path / f"maps/{key}{TENSORS}", map_tensors(maps))

    def maps(self, key: str) -> MapSet | None:
        """The maps of one method and target of test images, or None."""
        file = self.path / f"maps/{key}{TENSORS}"
        return maps_of(read_tensors(file)) if file.is_file() else None

    def write_image(self, name: str, pixels: np.ndarray) -> None:
        """Write uint8 pixels, h w 3 or with alpha h w 4, exactly, as the WebP `name` inside the run."""
        with replacing(self.path / name) as temporary:
            Image.fromarray(pixels).save(temporary, format="WEBP", lossless=True, exact=True, method=1, quality=20)

    def has_thumbnails(self) -> bool:
        """Whether small pictures of test images are kept."""
        return (self.path / "thumbnails.parquet").is_file()

    def write_thumbnails(self, ids: tuple[str, ...], pictures: list[bytes]) -> None:
        """Write small WebP pictures of test images, the most telling first."""
        write_table(self.path / "thumbnails.parquet", {"id": list(ids), "webp": pictures})

    def thumbnails(self) -> dict[str, bytes]:
        """Small WebP pictures by image id, the most telling first; empty in runs that keep none."""
        if not self.has_thumbnails():
            return {}
        table = read_table(self.path / "thumbnails.parquet", ["id", "webp"])
        return dict(zip(table["id"].to_pylist(), table["webp"].to_pylist(), strict=True))

    def copy_file(self, source: Path, name: str) -> None:
        """Copy a file of another run into this one."""
        with replacing(self.path / name) as temporary:
            shutil.copyfile(source, temporary)

    # -- training ---------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Path:
        """Weights of the chosen epoch."""
        return self.path / "train/model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """What a killed training resumes from."""
        return self.path / "train/checkpoint.safetensors"

    def borrow_training(self, source: RunDir) -> None:
        """Copy the training history of the run that made the audited model."""
        for name in ("metrics.jsonl", "validation_loss.safetensors", "result.json"):
            self.copy_file(source.path / f"train/{name}", f"train/{name}")

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return (self.path / "train/result.json").is_file()

    def write_metrics(self, metrics: Iterable[EpochMetrics]) -> None:
        """Write train/metrics.jsonl, one line an epoch."""
        with replacing(self.path / "train/metrics.jsonl") as temporary:
            temporary.write_text("".join(m.model_dump_json() + "\n" for m in metrics), encoding="utf-8")

    def metrics(self) -> list[EpochMetrics]:
        """The epochs so far; empty if nothing was trained here."""
        file = self.path / "train/metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        return _METRICS.validate_python([json.loads(line) for line in lines])

    def write_history(self, losses: np.ndarray, correct: np.ndarray) -> None:
        """Write every validation image's loss and correctness after every epoch, both e n."""
        write_tensors(self.path / "train/validation_loss.safetensors", {"loss": losses, "correct": correct})

    def write_train_result(self, result: TrainResult) -> None:
        """Write train/result.json; training has ended."""
        write_record(self.path / "train/result.json", result)

    def train_result(self) -> TrainResult:
        """train/result.json."""
        return read_record(self.path / "train/result.json", TrainResult)

    def history(self) -> TrainingHistory | None:
        """How the training went, or None if this run was not trained by eyetest."""
        metrics = self.metrics()
        if not metrics or not self.trained:
            return None
        tensors = read_tensors(self.path / "train/validation_loss.safetensors")
        columns = {name: np.array([getattr(m, name) for m in metrics]) for name in EpochMetrics.columns}
        return TrainingHistory(
            epoch=np.array([m.epoch for m in metrics], dtype=np.int64),
            **columns,
            learning_rate=np.array([m.learning_rate for m in metrics]),
            chosen_epoch=self.train_result().chosen_epoch,
            image_validation_loss=tensors["loss"],
            image_validation_correct=tensors["correct"],
        )

    # -- sweeps -----------------------------------------------------------------------------------------------------

    @property
    def claims(self) -> Path:
        """Folder of the claims of processes that share a sweep."""
        return self.path / "claims"

    @property
    def chosen_recipe(self) -> Path:
        """The recipe that a sweep chose, as `train --recipe` reads it."""
        return self.path / "chosen.toml"

    def cell(self, training: str) -> RunDir:
        """Where one training of a sweep is."""
        return RunDir(self.path / f"cells/{training}")

    def tested(self, training: str) -> RunDir:
        """Where the test images of one training of a sweep are read."""
        return RunDir(self.path / f"test/{training}")

    def write_crash(self, training: str, crash: CrashRecord) -> None:
        """Write crashes/<training>.json."""
        write_record(self.path / f"crashes/{training}.json", crash)

    def crash(self, training: str) -> CrashRecord | None:
        """Why a training of a sweep came to nothing, or None if it did not."""
        name = f"crashes/{training}.json"
        return find_record(self.path / name, CrashRecord)

    def forget_crash(self, training: str) -> None:
        """Let a training be tried again."""
        (self.path / f"crashes/{training}.json").unlink(missing_ok=True)

    def write_choice(self, choice: ChoiceRecord, recipe: str) -> None:
        """Write the recipe (TOML), then choice.json."""
        with replacing(self.chosen_recipe) as temporary:
            temporary.write_text(recipe, encoding="utf-8")
        write_record(self.path / "choice.json", choice)

    def choice(self) -> ChoiceRecord | None:
        """What a sweep chose, or None if it has not."""
        return find_record(self.path / "choice.json", ChoiceRecord)

    # -- what a person sees -----------------------------------------------------------------------------------------

    @property
    def page(self) -> Path:
        """report.html of this run."""
        return self.path / "report.html"

    def report(self, out: Path | str | None = None, options: PageOptions | None = None) -> Path:
        """Write the page (by default report.html inside the run) and return its path."""
        from ..report.compose import write_report

        page = Path(out) if out else self.page
        return write_report(self, page, options) if options else write_report(self, page)

    @property
    def children(self) -> tuple[RunDir, ...]:
        """The runs that this one holds or compares."""
        return tuple(RunDir.open(self.path / child) for child in self.record.children)

    def _repr_html_(self) -> str:
        from ..report.compose import summary_html

        return summary_html(self)


def _out_of_sample_key(split: str) -> str:
    return "ensemble@test" if split == "test" else f"out_of_sample@{split}"


def _prints(record: RunRecord) -> list[str]:
    return [model.fingerprint for model in record.models]
