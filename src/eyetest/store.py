"""A run on disk. The only module that knows the names of a run's files; every file appears by rename."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from .errors import RunError
from .records import (
    SCHEMA_VERSION,
    ChoiceRecord,
    CrashRecord,
    EpochMetrics,
    Finding,
    GateRecord,
    Plan,
    Record,
    RunKind,
    RunRecord,
    RunStatus,
    TrainResult,
)
from .types import (
    ARMS,
    Attention,
    Column,
    DonorTable,
    Features,
    HumanVotes,
    InputTrials,
    Lookalikes,
    MapSet,
    PixelHashes,
    Predictions,
    ProbeArm,
    Probes,
    Properties,
    Swaps,
    TrainingHistory,
    TrustTrial,
    image_ids,
)

if TYPE_CHECKING:
    from .report.options import PageOptions

R = TypeVar("R", bound=Record)
Annotation = Attention | Features | HumanVotes | Properties | Lookalikes | PixelHashes | InputTrials | TrustTrial
A = TypeVar("A", Attention, Features, HumanVotes, Properties, Lookalikes, PixelHashes, InputTrials, TrustTrial)
RUNS = Path("runs")
TRAINED_ON = "hashes-train"
"""Name of the annotation in which a training keeps the hashes of its images."""
_TENSORS = ".safetensors"
_UNFINISHED = ".part"
_METRICS = TypeAdapter(list[EpochMetrics])


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place at the end; on any error nothing is left behind.

    A link stays, and what it points to is replaced. Raises RunError when the disk is full or the place cannot be
    written, and before anything is written when `path` is a device, a pipe or a directory.
    """
    if path.exists() and not path.is_file():
        raise RunError(
            f"{path} is no ordinary file (it is a device, a pipe or a directory), and nothing was written; the name of a "
            "new file, or of an old one to replace, was expected. Give another --out."
        )
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "os error 28" in str(error):
            raise RunError(
                f"The disk is full: {path} could not be written. What was finished before is intact. "
                "Free some space (`eyetest runs` lists sizes) and give the same command again; it resumes."
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EROFS):
            raise RunError(
                f"{path} cannot be written ({error.strerror}); a directory of yours was expected. Give another --out."
            ) from error
        raise
    finally:
        # Where it could not be made it cannot be removed either, and the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


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
        old = RunDir.open(path).record if run._file("run.json").is_file() else None
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
        for unfinished in path.rglob(f".*{_UNFINISHED}"):
            unfinished.unlink()
        run.write_record(old.model_copy(update={"status": "running"}))
        return run

    @staticmethod
    def open(path: Path) -> RunDir:
        """The run in an existing directory; RunError if there is none or it is damaged."""
        run = RunDir(path)
        if not run._file("run.json").is_file():
            raise RunError(
                f"There is no run at {path}: a directory with a run.json was expected. `eyetest runs` lists those under runs/."
            )
        version = run._json("run.json").get("schema_version")
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
        return self._read("run.json", RunRecord)

    def write_record(self, record: RunRecord) -> None:
        """Write run.json."""
        self._write("run.json", record)

    def update(self, status: RunStatus, seconds: float = 0.0) -> None:
        """Set the status and add to the seconds."""
        old = self.record
        self.write_record(old.model_copy(update={"status": status, "seconds": round(old.seconds + seconds, 1)}))

    def write_plan(self, plan: Plan) -> None:
        """Write plan.json."""
        self._write("plan.json", plan)

    def plan(self) -> Plan:
        """plan.json."""
        return self._read("plan.json", Plan)

    def write_limits(self, limits: Mapping[str, int]) -> None:
        """Write limits.json: images of each split that the budget bought."""
        with replacing(self._file("limits.json")) as temporary:
            temporary.write_text(json.dumps(dict(limits)), encoding="utf-8")

    def limits(self) -> dict[str, int]:
        """Images of each split that the budget bought; empty if all are read."""
        return self._json("limits.json") if self._file("limits.json").is_file() else {}

    def write_finding(self, finding: Finding) -> None:
        """Write findings/<CODE>.json."""
        self._write(f"findings/{finding.code}.json", finding)

    def finding(self, code: str) -> Finding | None:
        """One finding, or None if it is not there yet."""
        name = f"findings/{code}.json"
        return self._read(name, Finding) if self._file(name).is_file() else None

    @property
    def findings(self) -> dict[str, Finding]:
        """All findings by code, in the order of their codes."""
        files = sorted((self.path / "findings").glob("*.json"))
        return {file.stem: self._read(f"findings/{file.name}", Finding) for file in files}

    def write_gate(self, gate: GateRecord) -> None:
        """Write gate.json, in the place of an older one."""
        self._write("gate.json", gate)

    def gate(self) -> GateRecord | None:
        """What the last gate said of this run, or None."""
        return self._read("gate.json", GateRecord) if self._file("gate.json").is_file() else None

    def __getitem__(self, code: str) -> Finding:
        finding = self.finding(code)
        if finding is None:
            raise RunError(f"The run {self.path} has no finding {code}. It has: {', '.join(self.findings) or 'none'}.")
        return finding

    def write_scores(self, code: str, ids: tuple[str, ...], columns: Mapping[str, Column]) -> None:
        """Write scores/<CODE>.parquet."""
        self._parquet(f"scores/{code}.parquet", {"id": list(ids)} | dict(columns))

    def scores(self, code: str) -> tuple[tuple[str, ...], dict[str, Column]]:
        """Ids and per-image columns of a finding; empty if it has none."""
        file = self._file(f"scores/{code}.parquet")
        if not file.is_file():
            return (), {}
        table = pq.read_table(file)
        columns = {name: table[name].to_numpy() for name in table.column_names if name != "id"}
        return tuple(table["id"].to_pylist()), columns

    # -- samples, predictions, maps, images -------------------------------------------------------------------------

    def write_samples(self, columns: Mapping[str, Any]) -> None:
        """Write samples.parquet: id, split, label, source row of every image."""
        self._parquet("samples.parquet", columns)

    def groups(self) -> dict[str, str] | None:
        """The group of each image id, or None where the data has no groups."""
        if not self.record.data.group:
            return None
        table = pq.read_table(self._file("samples.parquet"), columns=["id", "group"])
        return dict(zip(table["id"].to_pylist(), table["group"].to_pylist(), strict=True))

    def has_predictions(self, key: str) -> bool:
        """Whether this pass is done."""
        return self._file(f"predictions/{key}.parquet").is_file()

    def write_predictions(self, key: str, predictions: Predictions) -> None:
        """Write logits, then the readable table; the table says that the pass is done."""
        tensors = {"rows": predictions.rows, "labels": predictions.labels, "logits": predictions.logits}
        header = {"split": predictions.split, "given": predictions.given}
        self._tensors(f"predictions/{key}{_TENSORS}", tensors, header)
        columns: dict[str, Any] = {"id": list(predictions.ids), "predicted": predictions.predicted}
        if predictions.given != "classes":
            of_label = {"p_label": np.exp(-predictions.loss), "loss": predictions.loss}
            columns |= {"p_predicted": predictions.confidence} | of_label
        columns["correct"] = predictions.correct
        self._parquet(f"predictions/{key}.parquet", columns)

    def predictions(self, key: str, split: str) -> Predictions:
        """The predictions of a pass."""
        tensors = self._load(f"predictions/{key}{_TENSORS}")
        given: Any = self._header(f"predictions/{key}{_TENSORS}").get("given", "logits")
        return Predictions(split, tensors["rows"], tensors["labels"], tensors["logits"], given)

    def out_of_sample(self, split: str) -> Predictions | None:
        """The predictions of a cross-validation's models on a split, or None if there are none."""
        key = _out_of_sample_key(split)
        return self.predictions(key, split) if self.has_predictions(key) else None

    def write_out_of_sample(self, predictions: Predictions) -> None:
        """Write what a cross-validation's models say of a split."""
        self.write_predictions(_out_of_sample_key(predictions.split), predictions)

    def fold(self, number: int) -> RunDir:
        """Where one fold of a cross-validation is trained, until its predictions are written."""
        return RunDir(self._file(f"folds/{number}"))

    def has_annotation(self, name: str) -> bool:
        """Whether this annotation is made."""
        return self._file(f"annotations/{name}{_TENSORS}").is_file()

    def write_annotation(self, name: str, payload: Annotation) -> None:
        """Write what is known of images beside the answers: the arrays of a payload, by their field names."""
        tensors: dict[str, np.ndarray] = {}
        header = {}
        for field in dataclasses.fields(payload):
            value = getattr(payload, field.name)
            if value is None:
                continue
            if isinstance(value, str):
                header[field.name] = value
            elif isinstance(value, Mapping):
                tensors |= {f"{field.name}.{key}": one for key, one in value.items()}
            else:
                tensors[field.name] = value
        self._tensors(f"annotations/{name}{_TENSORS}", tensors, header)

    def annotation(self, name: str, kind: type[A]) -> A:
        """The annotation of that name."""
        tensors = self._load(f"annotations/{name}{_TENSORS}")
        values: dict[str, Any] = dict(self._header(f"annotations/{name}{_TENSORS}"))
        for key, tensor in tensors.items():
            field, dot, part = key.partition(".")
            if dot:
                values.setdefault(field, {})[part] = tensor
            else:
                values[field] = tensor
        return kind(**values)

    def write_donors(self, table: DonorTable, split: str, pool: str) -> None:
        """Write donors.parquet: which image lends its cues to which, one row a draw, arm and image."""
        draws, _, n = table.donors.shape
        columns = {
            "id": list(image_ids(split, table.rows)) * (2 * draws),
            "draw": np.repeat(np.arange(draws), 2 * n),
            "arm": [arm for _ in range(draws) for arm in ARMS for _ in range(n)],
            "donor": list(image_ids(pool, table.donors.ravel())),
            "donor_class": table.classes.ravel(),
        }
        self._parquet("donors.parquet", columns)
        tensors = {"rows": table.rows, "donors": table.donors, "classes": table.classes}
        self._tensors("swaps/donors" + _TENSORS, tensors | {"left_out": np.array([table.left_out])})

    def donors(self) -> DonorTable | None:
        """The donor table, or None if nothing was swapped."""
        if not self._file("swaps/donors" + _TENSORS).is_file():
            return None
        found = self._load("swaps/donors" + _TENSORS)
        return DonorTable(found["rows"], found["donors"], found["classes"], int(found["left_out"][0]))

    def has_swaps(self, part: int) -> bool:
        """Whether this part of the images is done."""
        return self._file(f"swaps/part-{part:05d}{_TENSORS}").is_file()

    def write_swaps(self, part: int, labels: np.ndarray, answers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Write logits (r 2 n k) and distances (r 2 n) of one part of the images, all transplants by key."""
        tensors = {f"{key}.logits": logits for key, (logits, _) in answers.items()}
        tensors |= {f"{key}.distance": distance for key, (_, distance) in answers.items()}
        self._tensors(f"swaps/part-{part:05d}{_TENSORS}", tensors | {"labels": labels})

    def swaps(self, key: str) -> Swaps | None:
        """What the model said with this cue swapped, or None if that was not asked."""
        files = sorted((self.path / "swaps").glob("part-*" + _TENSORS))
        parts = [self._load(f"swaps/{file.name}", (f"{key}.logits", f"{key}.distance", "labels")) for file in files]
        table = self.donors()
        if table is None or not parts or any(len(part) < 3 for part in parts):
            return None
        logits, distance = (
            np.concatenate([part[f"{key}.{name}"] for part in parts], 2) for name in ("logits", "distance")
        )
        done = logits.shape[2]
        known = DonorTable(table.rows[:done], table.donors[..., :done], table.classes[..., :done], table.left_out)
        return Swaps(known, np.concatenate([part["labels"] for part in parts]), logits, distance)

    def has_probe(self, key: str) -> bool:
        """Whether this probe is done."""
        return self._file(f"probes/{key}.parquet").is_file()

    def write_probe(self, key: str, probes: Probes, pool: str) -> None:
        """Write the answers of a probe, then one readable row a draw, arm and image; that table says that it is done."""
        tensors = {"rows": probes.rows, "predicted_class": probes.predicted_class, "contender": probes.contender}
        tensors |= {"donors": probes.donors, "classes": probes.classes, "left_out": np.array([probes.left_out])}
        tensors |= {f"{cue}.answers": answers for cue, answers in zip(probes.cues, probes.answers, strict=True)}
        tensors |= {f"{cue}.confidence": sure for cue, sure in zip(probes.cues, probes.confidence, strict=True)}
        self._tensors(f"probes/{key}{_TENSORS}", tensors)
        arms, draws, n = probes.donors.shape
        columns = {
            "id": list(image_ids("test", probes.rows)) * (arms * draws),
            "arm": [arm for arm in probes.arms for _ in range(draws * n)],
            "draw": np.tile(np.repeat(np.arange(draws), n), arms),
            "donor": list(image_ids(pool, probes.donors.ravel())),
            "donor_class": probes.classes.ravel(),
        }
        columns |= {cue: answers.ravel() for cue, answers in zip(probes.cues, probes.answers, strict=True)}
        self._parquet(f"probes/{key}.parquet", columns)

    def probe(self, key: str, arms: tuple[ProbeArm, ...], cues: tuple[str, ...]) -> Probes | None:
        """The answers of a probe with those of the cues that it has, or None if it is not done."""
        if not self.has_probe(key):
            return None
        found = self._load(f"probes/{key}{_TENSORS}")
        known = tuple(cue for cue in cues if f"{cue}.answers" in found)
        shape = (len(known), *found["donors"].shape)
        return Probes(
            found["rows"],
            found["predicted_class"],
            found["contender"],
            arms,
            found["donors"],
            found["classes"],
            known,
            np.array([found[f"{cue}.answers"] for cue in known], dtype=np.int64).reshape(shape),
            np.array([found[f"{cue}.confidence"] for cue in known], dtype=np.float32).reshape(shape),
            int(found["left_out"][0]),
        )

    def write_maps(self, key: str, maps: MapSet) -> None:
        """Write the raw maps of one method and target."""
        tensors = {"rows": maps.rows, "classes": maps.classes, "values": maps.values}
        tensors |= {} if maps.reliability is None else {"reliability": maps.reliability}
        self._tensors(f"maps/{key}{_TENSORS}", tensors)

    def maps(self, key: str) -> MapSet | None:
        """The maps of one method and target of test images, or None."""
        if not self._file(f"maps/{key}{_TENSORS}").is_file():
            return None
        tensors = self._load(f"maps/{key}{_TENSORS}")
        return MapSet("test", tensors["rows"], tensors["classes"], tensors["values"], tensors.get("reliability"))

    def write_image(self, name: str, pixels: np.ndarray) -> None:
        """Write uint8 pixels, h w 3 or with alpha h w 4, exactly, as the WebP `name` inside the run."""
        with replacing(self._file(name)) as temporary:
            Image.fromarray(pixels).save(temporary, format="WEBP", lossless=True, exact=True, method=1, quality=20)

    def has_thumbnails(self) -> bool:
        """Whether small pictures of test images are kept."""
        return self._file("thumbnails.parquet").is_file()

    def write_thumbnails(self, ids: tuple[str, ...], pictures: list[bytes]) -> None:
        """Write small WebP pictures of test images, the most telling first."""
        self._parquet("thumbnails.parquet", {"id": list(ids), "webp": pictures})

    def thumbnails(self) -> dict[str, bytes]:
        """Small WebP pictures by image id, the most telling first; empty in runs that keep none."""
        if not self.has_thumbnails():
            return {}
        try:
            table = pq.read_table(self._file("thumbnails.parquet"), columns=["id", "webp"])
        except (OSError, pa.ArrowException) as error:
            raise self._damaged("thumbnails.parquet", error) from error
        return dict(zip(table["id"].to_pylist(), table["webp"].to_pylist(), strict=True))

    def copy_file(self, source: Path, name: str) -> None:
        """Copy a file of another run into this one."""
        with replacing(self._file(name)) as temporary:
            shutil.copyfile(source, temporary)

    # -- training ---------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Path:
        """Weights of the chosen epoch."""
        return self._file("train/model.safetensors")

    @property
    def checkpoint(self) -> Path:
        """What a killed training resumes from."""
        return self._file("train/checkpoint.safetensors")

    def borrow_training(self, source: RunDir) -> None:
        """Copy the training history of the run that made the audited model."""
        for name in ("metrics.jsonl", "validation_loss.safetensors", "result.json"):
            self.copy_file(source._file(f"train/{name}"), f"train/{name}")

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return self._file("train/result.json").is_file()

    def write_metrics(self, metrics: Iterable[EpochMetrics]) -> None:
        """Write train/metrics.jsonl, one line an epoch."""
        with replacing(self._file("train/metrics.jsonl")) as temporary:
            temporary.write_text("".join(m.model_dump_json() + "\n" for m in metrics), encoding="utf-8")

    def metrics(self) -> list[EpochMetrics]:
        """The epochs so far; empty if nothing was trained here."""
        file = self._file("train/metrics.jsonl")
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        return _METRICS.validate_python([json.loads(line) for line in lines])

    def write_history(self, losses: np.ndarray, correct: np.ndarray) -> None:
        """Write every validation image's loss and correctness after every epoch, both e n."""
        self._tensors("train/validation_loss.safetensors", {"loss": losses, "correct": correct})

    def write_train_result(self, result: TrainResult) -> None:
        """Write train/result.json; training has ended."""
        self._write("train/result.json", result)

    def train_result(self) -> TrainResult:
        """train/result.json."""
        return self._read("train/result.json", TrainResult)

    def history(self) -> TrainingHistory | None:
        """How the training went, or None if this run was not trained by eyetest."""
        metrics = self.metrics()
        if not metrics or not self.trained:
            return None
        tensors = self._load("train/validation_loss.safetensors")
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
        return self._file("claims")

    @property
    def chosen_recipe(self) -> Path:
        """The recipe that a sweep chose, as `train --recipe` reads it."""
        return self._file("chosen.toml")

    def cell(self, training: str) -> RunDir:
        """Where one training of a sweep is."""
        return RunDir(self._file(f"cells/{training}"))

    def tested(self, training: str) -> RunDir:
        """Where the test images of one training of a sweep are read."""
        return RunDir(self._file(f"test/{training}"))

    def write_crash(self, training: str, crash: CrashRecord) -> None:
        """Write crashes/<training>.json."""
        self._write(f"crashes/{training}.json", crash)

    def crash(self, training: str) -> CrashRecord | None:
        """Why a training of a sweep came to nothing, or None if it did not."""
        name = f"crashes/{training}.json"
        return self._read(name, CrashRecord) if self._file(name).is_file() else None

    def forget_crash(self, training: str) -> None:
        """Let a training be tried again."""
        self._file(f"crashes/{training}.json").unlink(missing_ok=True)

    def write_choice(self, choice: ChoiceRecord, recipe: str) -> None:
        """Write the recipe (TOML), then choice.json."""
        with replacing(self.chosen_recipe) as temporary:
            temporary.write_text(recipe, encoding="utf-8")
        self._write("choice.json", choice)

    def choice(self) -> ChoiceRecord | None:
        """What a sweep chose, or None if it has not."""
        return self._read("choice.json", ChoiceRecord) if self._file("choice.json").is_file() else None

    # -- what a person sees -----------------------------------------------------------------------------------------

    @property
    def page(self) -> Path:
        """report.html of this run."""
        return self._file("report.html")

    def report(self, out: Path | str | None = None, options: PageOptions | None = None) -> Path:
        """Write the page (by default report.html inside the run) and return its path."""
        from .report.compose import write_report

        page = Path(out) if out else self.page
        return write_report(self, page, options) if options else write_report(self, page)

    @property
    def children(self) -> tuple[RunDir, ...]:
        """The runs that this one holds or compares."""
        return tuple(RunDir.open(self.path / child) for child in self.record.children)

    def _repr_html_(self) -> str:
        from .report.compose import summary_html

        return summary_html(self)

    # -- files ------------------------------------------------------------------------------------------------------

    def _file(self, name: str) -> Path:
        return self.path / name

    def _write(self, name: str, record: Record) -> None:
        with replacing(self._file(name)) as temporary:
            temporary.write_text(record.model_dump_json(indent=1), encoding="utf-8")

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(name, error) from error
        return value

    def _read(self, name: str, kind: type[R]) -> R:
        try:
            return kind.model_validate_json(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise self._damaged(name, error) from error

    def _load(self, name: str, only: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
        """All tensors of a file, or those of these names that it has."""
        try:
            if not only:
                tensors: dict[str, np.ndarray] = load_file(self._file(name))
                return tensors
            with safe_open(self._file(name), framework="np") as opened:
                tensors = {key: opened.get_tensor(key) for key in only if key in opened.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise self._damaged(name, error) from error
        return tensors

    def _header(self, name: str) -> dict[str, str]:
        try:
            with safe_open(self._file(name), framework="np") as opened:
                return dict(opened.metadata() or {})
        except (OSError, SafetensorError) as error:
            raise self._damaged(name, error) from error

    def _tensors(self, name: str, tensors: Mapping[str, np.ndarray], header: Mapping[str, str] | None = None) -> None:
        whole = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
        with replacing(self._file(name)) as temporary:
            save_file(whole, temporary, dict(header or {}))

    def _parquet(self, name: str, columns: Mapping[str, Any]) -> None:
        with replacing(self._file(name)) as temporary:
            pq.write_table(pa.table(dict(columns)), temporary, compression="zstd")

    def _damaged(self, name: str, error: Exception) -> RunError:
        reason = str(error).splitlines()[0]
        return RunError(
            f"{self.path / name} cannot be read ({reason}); a file written by eyetest was expected. "
            "The run is damaged: delete it and give the command again."
        )


def finished(path: Path) -> RunDir | None:
    """The complete run in a directory; None if there is none, or one that is not complete."""
    run = RunDir.open(path) if (path / "run.json").is_file() else None
    return run if run is not None and run.record.status == "complete" else None


def delete_run(path: Path) -> None:
    """Delete a run's directory, also that of a damaged run; RunError if it holds none."""
    if not (path / "run.json").is_file():
        RunDir.open(path)
    shutil.rmtree(path)


def list_runs(folder: Path) -> list[RunDir]:
    """All runs directly under a folder, newest last."""
    return sorted((RunDir(file.parent) for file in folder.glob("*/run.json")), key=lambda run: run.record.created)


def new_run_path(folder: Path, created: str, data: str, model: str, kind: RunKind) -> Path:
    """`<utc>-<data>-<model>` under a folder; numbered if it is taken."""
    stamp = created.replace(":", "").replace("-", "")[:15]
    name = "-".join(
        "".join(c if c.isalnum() else "_" for c in part)[:40] for part in (stamp, data, model or kind) if part
    )
    path, number = folder / name, 2
    while path.exists():
        path, number = folder / f"{name}-{number}", number + 1
    return path


def run_path(out: Path | str | None, record: RunRecord, model: str) -> Path:
    """`out`, or a new path under runs/."""
    return Path(out) if out else new_run_path(RUNS, record.created, record.data.name, model, record.kind)


@contextmanager
def recorded(run: RunDir, salvage: Callable[[], None] = lambda: None, *, status: str = "complete") -> Iterator[None]:
    """Seconds and status into run.json; Ctrl-C leaves what is done as an interrupted, usable run."""
    started = time.perf_counter()
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            salvage()
        run.update("interrupted", time.perf_counter() - started)
        raise
    run.update("complete" if status == "complete" else "running", time.perf_counter() - started)


def _out_of_sample_key(split: str) -> str:
    return "ensemble@test" if split == "test" else f"out_of_sample@{split}"


def _prints(record: RunRecord) -> list[str]:
    return [model.fingerprint for model in record.models]
