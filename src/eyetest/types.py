"""NumPy aliases with their shapes, and the payloads that a run stores. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, final, get_args

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from .errors import MissingEvidence

Pixels = UInt8[np.ndarray, "n 3 h w"]
"""Stored images: RGB, 0 to 255."""
Masks = Bool[np.ndarray, "n h w"]
"""True on the object."""
Rows = Int64[np.ndarray, " _"]
"""Row numbers within one split."""
Labels = Int64[np.ndarray, " n"]
"""Class indices, 0 to k-1."""
Answers = Int64[np.ndarray, " _"]
"""Predicted classes of as many images as were asked."""
Logits = Float32[np.ndarray, "n k"]
Probabilities = Float64[np.ndarray, "n k"]
Votes = Int64[np.ndarray, "n k"]
"""How many people gave each image each class."""
Column = Float64[np.ndarray, " n"]
"""One number an image; booleans are 0 and 1."""

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
Target = Literal["predicted", "label", "contrast"]
"""What an explanation explains: a class's logit, or the predicted one's minus the contender's (why this, not that?)."""
Given = Literal["logits", "probabilities", "classes"]
"""What a model said: logits; only probabilities (their logarithms stand in for logits); only the predicted class."""
Progress = Callable[[str, float, float], None]
"""Told of long work: what is being done, the fraction of it that is done, images a second (0: not known)."""


def silent(what: str, fraction: float, images_per_second: float) -> None:
    """A Progress that says nothing."""


IDENTITY = "identity"
"""Key of the pass on images as they are."""
TriageVerdict = Literal[
    "duplicate", "label_error", "ambiguous", "outlier", "label_suspect", "model_error", "cannot_tell"
]
VERDICTS: tuple[TriageVerdict, ...] = get_args(TriageVerdict)
"""What an error may turn out to be, in the order of precedence."""


def image_ids(split: str, rows: Rows) -> tuple[str, ...]:
    """The ids `<split>-<row>` of rows of a split."""
    return tuple(f"{split}-{row}" for row in rows.tolist())


def places(rows: Rows, wanted: Rows) -> Rows:
    """Where each wanted row stands among `rows`, which are distinct; KeyError if one is not there."""
    if not len(wanted):
        return np.empty(0, dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    found: Rows = order[np.searchsorted(rows, wanted, sorter=order).clip(max=len(rows) - 1)]
    if not np.array_equal(rows[found], wanted):
        raise KeyError(f"rows {wanted[rows[found] != wanted][:3].tolist()} are not among these {len(rows)}")
    return found


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about rows of a split, with the labels beside it."""

    split: str
    rows: Rows
    labels: Labels
    logits: Logits
    """1 at the predicted class, else 0, where only that class was given."""
    given: Given = "logits"

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The image ids `<split>-<row>`."""
        return image_ids(self.split, self.rows)

    @property
    def probabilities(self) -> Probabilities:
        """Softmax of the logits in float64; MissingEvidence if only the predicted classes were given."""
        return np.exp(self.log_probabilities)

    @property
    def log_probabilities(self) -> Probabilities:
        """Log-softmax of the logits in float64; MissingEvidence if only the predicted classes were given."""
        self._require_scores()
        logits = self.logits.astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        result: Probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return result

    @property
    def predicted(self) -> Labels:
        """The predicted class; ties go to the lowest index."""
        result: Labels = self.logits.argmax(axis=1).astype(np.int64)
        return result

    @property
    def correct(self) -> Bool[np.ndarray, " n"]:
        """Whether the predicted class is the label."""
        result: Bool[np.ndarray, " n"] = self.predicted == self.labels
        return result

    @property
    def confidence(self) -> Column:
        """Probability of the predicted class."""
        result: Column = self.probabilities.max(axis=1)
        return result

    @property
    def contender(self) -> Labels:
        """The class that lost to the predicted one: the label where the answer is wrong, else the runner-up.

        MissingEvidence if only the predicted classes were given.
        """
        self._require_scores()
        others = self.logits.copy()
        others[np.arange(len(others)), self.predicted] = -np.inf
        result: Labels = np.where(self.correct, others.argmax(axis=1), self.labels).astype(np.int64)
        return result

    @property
    def margin(self) -> Column:
        """Logit of the predicted class minus logit of the contender; at least 0.

        MissingEvidence if only the predicted classes were given.
        """
        self._require_scores()
        row = np.arange(len(self.labels))
        result: Column = (self.logits[row, self.predicted] - self.logits[row, self.contender]).astype(np.float64)
        return result

    @property
    def loss(self) -> Column:
        """Negative log-likelihood of the label, in nats."""
        result: Column = -self.log_probabilities[np.arange(len(self.labels)), self.labels]
        return result

    def _require_scores(self) -> None:
        if self.given == "classes":
            raise MissingEvidence(
                "only the predicted classes were given; a probability or a logit for every class is needed"
            )


@final
@dataclass(frozen=True, eq=False)
class DonorTable:
    """Which image lends its cue to which, in each of r draws and both arms."""

    rows: Rows
    """Rows of the evaluated split; those of a class with too few donors are left out."""
    donors: Int64[np.ndarray, "r 2 n"]
    """Rows of the donor pool; arm 0 is the image's own class, arm 1 another class."""
    classes: Int64[np.ndarray, "r 2 n"]
    """Class of each donor."""
    left_out: int
    """Images without a donor of their own class or of another."""


ARMS = ("same", "other")


@final
@dataclass(frozen=True, eq=False)
class Swaps:
    """What a model said when one cue of each image came from a donor, in r draws and both arms."""

    table: DonorTable
    labels: Labels
    logits: Float32[np.ndarray, "r 2 n k"]
    distance: Float32[np.ndarray, "r 2 n"]
    """Euclidean distance from the unchanged image, pixels in [0, 1]."""

    @property
    def predicted(self) -> Int64[np.ndarray, "r 2 n"]:
        """The predicted class."""
        result: Int64[np.ndarray, "r 2 n"] = self.logits.argmax(axis=3).astype(np.int64)
        return result

    @property
    def correct(self) -> Bool[np.ndarray, "r 2 n"]:
        """Whether the predicted class is the label."""
        result: Bool[np.ndarray, "r 2 n"] = self.predicted == self.labels
        return result


ProbeArm = Literal["predicted", "third", "contender"]
"""Whose cue: the predicted class's (kept), that of neither class (made neutral), the contender's (handed to it)."""


@final
@dataclass(frozen=True, eq=False)
class Probes:
    """What a model said to selected test images with each of c cues from r donors in each of a arms."""

    rows: Rows
    """Of the test split, in the order of the selection."""
    predicted_class: Labels
    """What was answered to the unchanged image."""
    contender: Labels
    """The label where that was wrong, else the runner-up."""
    arms: tuple[ProbeArm, ...]
    donors: Int64[np.ndarray, "a r n"]
    """Rows of the validation split; the same for all cues."""
    classes: Int64[np.ndarray, "a r n"]
    """Class of each donor."""
    cues: tuple[str, ...]
    """Keys of the transplants that this data allows."""
    answers: Int64[np.ndarray, "c a r n"]
    """The predicted class with the cue of the donor."""
    confidence: Float32[np.ndarray, "c a r n"]
    """Probability of that answer."""
    left_out: int
    """Selected images without enough donors in every arm."""

    def wins(self, arm: ProbeArm) -> Int64[np.ndarray, "c n"]:
        """In how many of the draws of an arm the contender was answered."""
        result: Int64[np.ndarray, "c n"] = (self.answers[:, self.arms.index(arm)] == self.contender).sum(axis=1)
        return result


@final
@dataclass(frozen=True, eq=False)
class Features:
    """Penultimate features of rows of a split."""

    split: str
    rows: Rows
    values: Float32[np.ndarray, "n d"]


@final
@dataclass(frozen=True, eq=False)
class HumanVotes:
    """How many people gave each image of a split each class."""

    split: str
    rows: Rows
    counts: Votes


@final
@dataclass(frozen=True, eq=False)
class Properties:
    """Properties of the pixels of rows of a split that people have words for, such as brightness."""

    split: str
    rows: Rows
    values: Mapping[str, Column]
    """By name, in the units that engine/properties.py states; and numeric columns of the data set's own."""
    groups: Mapping[str, Column] = field(default_factory=dict)
    """1 for the images of each value of a column of the data set's own, such as `camera is phone`."""


@final
@dataclass(frozen=True, eq=False)
class Lookalikes:
    """Pairs of a test image with an image of any split that show the same thing, exactly or nearly."""

    rows: Rows
    """Of the test split, one a pair, ascending."""
    other: Rows
    """Rows of the other image within its own split."""
    other_split: Int64[np.ndarray, " p"]
    """Index into SPLITS."""
    exact: Bool[np.ndarray, " p"]
    """Whether all pixels are equal."""
    correlation: Float64[np.ndarray, " p"]
    """Best normalised correlation of the pixels over small shifts and a flip, after gain and offset; 1 if exact."""
    tested: Int64[np.ndarray, "1"]
    """Test images that were looked at."""
    null_rate: Float64[np.ndarray, "1"]
    """Share of test images whose most alike image of another class passes the same rule: nearly all of these differ."""
    other_labels: Int64[np.ndarray, " p"] | None = None
    """Label of the other image."""


@final
@dataclass(frozen=True, eq=False)
class PixelHashes:
    """64-bit hashes of the pixels of a split's images; equal images have equal hashes."""

    split: str
    hashes: Int64[np.ndarray, " n"]


@final
@dataclass(frozen=True, eq=False)
class InputTrials:
    """What a model said to some validation images that were fed to it in several ways, and which images it has seen."""

    rows: Rows
    """Of the validation split, in the order of asking."""
    labels: Labels
    logits: Logits
    """Fed as stated."""
    again: Float32[np.ndarray, "m k"]
    """Of the first of these images, asked once more in the same batches."""
    mixed: Float32[np.ndarray, "m k"]
    """Of the same first images, asked in batches of other ones."""
    answers: Mapping[str, Answers]
    """The predicted class by way of feeding; -1 where the logits were not finite. A way that fared worse on the first
    images was given up, and has the answers to those alone."""
    training_layers: str
    """Names of layers that stay in training mode when evaluation mode is asked for, with commas."""
    trained_on: str
    """Where the training images are known from: `run` (the training kept their hashes), `data` (its own training split),
    `unknown` (a training of ours on other data that kept none; the data's own training split stands in)."""
    seen_test: Rows
    """Rows of the test split whose pixels are among the training images."""
    seen_validation: Rows
    compared: Int64[np.ndarray, "3"]
    """How many test, validation and training images were compared."""


@final
@dataclass(frozen=True, eq=False)
class MapSet:
    """Explanation maps of rows of a split, in the method's own units (never stretched per image)."""

    split: str
    rows: Rows
    classes: Labels
    """The class that each map explains."""
    values: Float32[np.ndarray, "n h w"]
    reliability: Column | None = None
    """Rank correlation of each map from half of the draws with that from the other half; None where nothing is drawn."""


@final
@dataclass(frozen=True, eq=False)
class Attention:
    """Where the maps of one method put their positive evidence, over many images."""

    split: str
    rows: Rows
    maps: Float32[np.ndarray, "n u v"]
    """At the method's own resolution."""
    positive: Float64[np.ndarray, " n"]
    """Sum of each map's positive values; 0 where it has no evidence."""
    shares: Mapping[str, Column]
    """Part of it by region: `centre`, `border`, and `object` where there are masks."""
    areas: Mapping[str, Float64[np.ndarray, "1"]]
    """Part of the image that each fixed region covers."""


CONTROLS = ("random", "centre", "edges")
"""Maps that know nothing of the model: of the map's own spectrum, a dot in the middle, the outlines of the image."""


@final
@dataclass(frozen=True, eq=False)
class TrustTrial:
    """What one explanation method did on n sampled test images, beside controls; correlations are Spearman's."""

    rows: Rows
    """Of the test split."""
    redrawn: Float64[np.ndarray, "m n"]
    """Correlation with the map of a model whose every layer was drawn anew, m times; m is 0 where layers cannot be drawn."""
    redrawn_absolute: Float64[np.ndarray, "m n"]
    """The same of absolute values, which a change of sign does not fool."""
    cascade: Float64[np.ndarray, "s n"]
    """The same with the last quarter, half and three quarters of the layers drawn anew."""
    single: Float64[np.ndarray, "l n"]
    """The same with one layer at a time drawn anew, from input to output."""
    faithful: Float64[np.ndarray, " n"]
    """Half the probability lost more by taking the strongest pixels away than the weakest."""
    faithful_controls: Float64[np.ndarray, "c n"]
    """The same of the controls, in the order of CONTROLS."""
    movable: Float64[np.ndarray, " n"]
    """How far the probability moves when a random half of the pixels is taken away."""
    agreement: Float64[np.ndarray, " a"]
    """Correlation with the transplant map of the same image, on its grid; empty where there is none."""
    agreement_controls: Float64[np.ndarray, "c a"]
    stability: Float64[np.ndarray, " n"]
    """Correlation with the map of a copy with tiny noise, mean over copies."""
    sensitivity: Float64[np.ndarray, " n"]
    """Correlation with the map of the contender."""
    largest: Float64[np.ndarray, " n"]
    """Largest value of the map in the method's units; at or below 0 there is no positive evidence."""
    incomplete: Float64[np.ndarray, " p"]
    """Distance of the map's sum from the target's change, as a part of what is allowed; empty where nothing is promised."""


@final
@dataclass(frozen=True, eq=False)
class TrainingHistory:
    """Per-epoch training metrics, and the validation loss of every image after every epoch."""

    epoch: Int64[np.ndarray, " e"]
    """1 for the first epoch."""
    train_loss: Float64[np.ndarray, " e"]
    """The loss that was minimised, with augmentation and label smoothing as the recipe says."""
    train_accuracy: Float64[np.ndarray, " e"]
    """On clean training images in evaluation mode (a fixed stratified sample)."""
    validation_loss: Float64[np.ndarray, " e"]
    validation_accuracy: Float64[np.ndarray, " e"]
    learning_rate: Float64[np.ndarray, " e"]
    chosen_epoch: int
    image_validation_loss: Float32[np.ndarray, "e n"]
    """Un-smoothed negative log-likelihood of each validation image after each epoch, in nats."""
    image_validation_correct: Bool[np.ndarray, "e n"]
