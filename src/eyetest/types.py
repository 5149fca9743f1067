"""NumPy aliases with their shapes, and the payloads that a run stores. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, final

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
Logits = Float32[np.ndarray, "n k"]
Probabilities = Float64[np.ndarray, "n k"]
Votes = Int64[np.ndarray, "n k"]
"""How many people gave each image each class."""
Column = Float64[np.ndarray, " n"]
"""One number an image; booleans are 0 and 1."""

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
Target = Literal["predicted", "label"]
"""The class that an explanation explains."""
Given = Literal["logits", "probabilities", "classes"]
"""What a model said: logits; only probabilities (their logarithms stand in for logits); only the predicted class."""


def image_ids(split: str, rows: Rows) -> tuple[str, ...]:
    """The ids `<split>-<row>` of rows of a split."""
    return tuple(f"{split}-{row}" for row in rows.tolist())


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

    @property
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
