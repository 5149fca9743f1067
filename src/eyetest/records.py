"""Everything that is written as JSON: findings with their estimates and blocks, and the record of a run."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Status = Literal["ok", "concern", "inconclusive", "not_applicable", "error"]
Better = Literal["higher", "lower", "neither"]
RunKind = Literal["train", "audit", "compare", "study", "sweep", "validate"]
RunStatus = Literal["running", "interrupted", "complete"]
Result = Literal["pass", "fail", "cannot_tell"]
Cell = str | int | float | bool | None


class Record(BaseModel):
    """A frozen record whose floats are finite and whose fields are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(Record):
    """One number with its interval: never a number without n, interval and method."""

    name: str
    """As a gate addresses it, a class or severity in brackets: `accuracy[frog]`."""
    value: float
    low: float
    high: float
    confidence: float = 0.95
    n: int
    """Images behind the number."""
    unit: str
    """`fraction`, `fraction, points` for differences of fractions, `nats`, …"""
    better: Better
    method: str
    """How the interval was made, with its parameters."""
    statistic: str | None = None
    """Name in stats.STATISTICS, or None if it is no statistic of per-image columns."""
    columns: tuple[str, ...] = ()
    """What the statistic reads from scores/<CODE>.parquet, in the order of its arguments."""


def of_whole_cue(name: str) -> bool:
    """Whether an estimate of this name is the reliance on a cue, not on one cell of the where map."""
    return name.endswith(".reliance") and not name.startswith("cell")


class Scalar(Record):
    """One number that stands in for a figure, by the name of its estimate."""

    kind: Literal["scalar"] = "scalar"
    title: str
    estimate: str


class Table(Record):
    """Rows to read; the first column names the row."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Series(Record):
    """One line of a curve, with an optional band."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Curve(Record):
    """Lines over one axis."""

    kind: Literal["curve"] = "curve"
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    mark_x: float | None = None
    """A vertical line, such as the chosen epoch."""
    mark_label: str = ""
    diagonal: bool = False
    x_unit: str = ""
    """`fraction`, `nats`, …; empty where the label says all."""
    y_unit: str = ""


class Matrix(Record):
    """Counts of rows against columns, such as a confusion matrix."""

    kind: Literal["matrix"] = "matrix"
    title: str
    row_label: str
    column_label: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Forest(Record):
    """Estimates with their intervals on one axis, by their names."""

    kind: Literal["forest"] = "forest"
    title: str
    x_label: str
    estimates: tuple[str, ...]


class Grid(Record):
    """Estimates laid out as parts of the image, by their names, row by row."""

    kind: Literal["grid"] = "grid"
    title: str
    estimates: tuple[tuple[str, ...], ...]


class Counts(Record):
    """How many of one group fall into each bin."""

    name: str
    counts: tuple[int, ...]


class Histogram(Record):
    """Groups counted in the same bins, such as right and wrong answers by confidence."""

    kind: Literal["histogram"] = "histogram"
    title: str
    x_label: str
    edges: tuple[float, ...]
    """Ends of the bins in rising order, one more than bins; only the last bin holds its upper end."""
    series: tuple[Counts, ...]
    x_unit: str = ""


class MapPicture(Record):
    """One explanation map of a gallery image."""

    method: str
    target: str
    """`predicted` or `label`."""
    class_name: str
    low: float
    high: float
    """The scale that is shared by all maps of this method in the gallery, in the method's units."""
    own_maximum: float
    """Largest value of this map in the method's units; at or below 0 there is no positive evidence."""
    file: str
    """Path inside the run directory."""
    stamp: str = ""
    """`trust`, `do not trust` or `cannot tell`, of this method and target; empty where it was not put to the test."""
    stamp_reason: str = ""
    """The tests that stand in the way of trust, in words."""


class SwapPicture(Record):
    """A gallery image with one cue taken from a donor, and what was answered to it."""

    transplant: str
    donor: str
    """Image id."""
    donor_class: str
    predicted: str
    confidence: float
    file: str
    """Path inside the run directory."""


class TwinPicture(Record):
    """Another image that belongs beside a gallery image: its duplicate, or a training image near it."""

    id: str
    label: str
    note: str
    """What it is to the gallery image, in a few words."""
    file: str
    """Path inside the run directory."""


class Card(Record):
    """One image of a gallery with what was said about it."""

    id: str
    truth: str
    predicted: str
    confidence: float | None
    """None where only the answer is known."""
    image: str
    """Path inside the run directory."""
    note: str = ""
    group: str = ""
    """For filters and headings: `fixed`, `broken`, a direction, …"""
    maps: tuple[MapPicture, ...] = ()
    swaps: tuple[SwapPicture, ...] = ()
    twins: tuple[TwinPicture, ...] = ()
    other_predicted: str = ""
    other_confidence: float | None = None
    """The second model of a comparison."""
    other_maps: tuple[MapPicture, ...] = ()


class Gallery(Record):
    """Images to look at."""

    kind: Literal["gallery"] = "gallery"
    title: str
    total: int
    """How many there are; a gallery may show fewer."""
    cards: tuple[Card, ...]


class Note(Record):
    """A paragraph."""

    kind: Literal["note"] = "note"
    text: str


Block = Annotated[
    Scalar | Table | Curve | Matrix | Forest | Grid | Histogram | Gallery | Note, Field(discriminator="kind")
]


class Finding(Record):
    """The answer of one check: a plain sentence, its numbers, the images behind it and its limits."""

    schema_version: int = SCHEMA_VERSION
    code: str
    name: str
    title: str
    question: str
    status: Status
    headline: str
    estimates: tuple[Estimate, ...] = ()
    blocks: tuple[Block, ...] = ()
    samples: tuple[str, ...] = ()
    """Ids of the images it cites."""
    params: dict[str, Cell] = {}
    limits: tuple[str, ...]
    seconds: float = 0.0

    def estimate(self, name: str) -> Estimate:
        """The estimate called `name`; KeyError if there is none."""
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(f"{self.code} has no estimate {name!r}; it has {[e.name for e in self.estimates]}")

    def where_images_come_in_groups(self) -> Finding:
        """The finding with a limit that names the estimates whose intervals do not know of the groups, if there are any."""
        names = [one.name for one in self.estimates if " groups" not in one.method]
        if not names:
            return self
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        said = f"Images come in groups here, which the intervals of {listed} do not know; they may be too narrow."
        return self.model_copy(update={"limits": (*self.limits, said)})


class DataRecord(Record):
    """Which data a run read."""

    name: str
    """As given to --data, such as `cifar10`."""
    title: str
    """As printed beside every figure, such as `CIFAR-10 (JPEG copy)`."""
    fingerprint: str
    classes: tuple[str, ...]
    images: dict[str, int]
    """Images in each split."""
    group: str = ""
    """The column whose equal values belong together (patient, scene); empty if there is none."""
    image_size: tuple[int, int] | None = None
    """Height, width in pixels; None in runs that are older than this field."""


class ModelRecord(Record):
    """Which model a run looked at."""

    name: str
    """As printed, such as `baseline`."""
    fingerprint: str
    """SHA-256 of the weights (or of the file of answers), first 16 hex digits."""
    parameters: int
    """0 where only its answers are known."""
    source: str
    """Where the weights lie, relative to this run where possible."""


class RunRecord(Record):
    """run.json: what was asked, of what, with what, and how far it came."""

    schema_version: int = SCHEMA_VERSION
    kind: RunKind
    status: RunStatus
    id: str
    command: str
    created: str
    """UTC, ISO 8601."""
    seconds: float = 0.0
    seed: int
    data: DataRecord
    models: tuple[ModelRecord, ...]
    device: str
    versions: dict[str, str]
    git: str = ""
    config: dict[str, Any] = {}
    children: tuple[str, ...] = ()
    """Directories of the runs that this one holds or compares, relative to this one."""

    @property
    def seeds(self) -> range:
        """Of its trainings."""
        return range(self.seed, self.seed + int(self.config.get("seeds", 1)))

    @property
    def subject(self) -> str:
        """The model, or the others against the first; empty if there is none yet."""
        first, *others = [model.name for model in self.models] or [""]
        return f"{', '.join(others)} against {first}" if others else first


class EpochMetrics(Record):
    """One line of train/metrics.jsonl."""

    columns: ClassVar[tuple[str, ...]] = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    epoch: int
    train_loss: float
    train_accuracy: float
    """On clean images of a fixed stratified sample of the training split, evaluation mode."""
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    """At the end of the epoch."""
    seconds: float
    images_per_second: float


class TrainResult(Record):
    """train/result.json: what training ended with."""

    recipe: str
    epochs: int
    chosen_epoch: int
    """Best validation accuracy, ties to the earlier. The test split has no say."""
    chosen_train_accuracy: float
    last_train_accuracy: float
    """On all clean training images."""
    train_images: int
    chosen_validation_accuracy: float
    last_validation_accuracy: float
    validation_images: int
    seconds: float


class CrashRecord(Record):
    """crashes/<training>.json: why one training of a sweep came to nothing."""

    error: str
    """Kind of the error, such as `RecipeError`, or `died`."""
    message: str
    diverged: bool = False
    """Whether the recipe itself was at fault, so that another attempt would end the same."""


class ChoiceRecord(Record):
    """choice.json: what a sweep chose on validation images, written before any test image is read, and never again."""

    schema_version: int = SCHEMA_VERSION
    chosen: str
    """Directory of the chosen recipe's trainings, but for the seed."""
    chosen_name: str
    recipe: dict[str, Any]
    base: str
    seeds: tuple[int, ...]
    among: tuple[str, ...]
    """Directories of all that it was chosen among."""


class PassPlan(Record):
    """One planned pass of the model, with what it will cost."""

    what: str
    split: str
    images: int
    seconds: float


class ContractRecord(Record):
    """What the model is fed, and where each part of that is known from."""

    input_size: tuple[int, int]
    """Height, width in pixels."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of pixels in [0, 1], RGB."""
    classes: tuple[str, ...]
    sources: dict[str, str]
    preprocessing: str
    """In words."""
    note: str = ""
    """What the model's own pipeline does otherwise."""


class Plan(Record):
    """plan.json: everything the model will be asked, before it is asked."""

    schema_version: int = SCHEMA_VERSION
    passes: tuple[PassPlan, ...]
    seconds: float
    note: str = ""
    contract: ContractRecord | None = None


class Verdict(Record):
    """What one rule of a policy says of a run."""

    address: str
    """`CODE.name` of the estimate, or the code of the finding, or `*`."""
    demand: str
    """In words, such as `at least 0.9`."""
    result: Result
    sentence: str
    """What was measured, or why it cannot be told."""
    estimate: Estimate | None = None
    """What the demand was held against: the number, or its paired difference to the reference run."""
    ignored: str = ""
    """The reason why it does not count; empty where it counts."""
    line: int = 1
    """Where the rule begins in the policy."""

    @property
    def code(self) -> str:
        """Code of the finding that it is about; `all` for all."""
        return "all" if self.address == "*" else self.address.partition(".")[0]


class GateRecord(Record):
    """gate.json: whether a run meets a policy."""

    schema_version: int = SCHEMA_VERSION
    result: Result
    """`fail` if a rule that counts fails, else `cannot_tell` if one cannot be told or none counts, else `pass`."""
    run: str
    policy: str
    """Path of the file; empty where the rules were made in Python."""
    reference: str = ""
    model: str
    data: str
    """Title of the data."""
    verdicts: tuple[Verdict, ...]
