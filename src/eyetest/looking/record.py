"""What was seen in one image, as JSON."""

from __future__ import annotations

from typing import Literal

from ..records import Record

Aim = Literal["predicted", "contender", "contrast"]
"""Why this? · What speaks for the other? · Why this rather than that?"""


class LookedMap(Record):
    """One map of one method."""

    aim: Aim
    question: str
    """`why disc?`."""
    largest: float
    """In the method's unit."""
    evidence: bool
    """Whether anything speaks for it at all: the largest value is above 0."""
    stamp: str = ""
    """`trust`, `do not trust` or `cannot tell`; empty where this method and target were not put to the test."""
    stamp_reason: str = ""
    """The tests that stand in the way of trust, in words."""


class LookedMethod(Record):
    """One method: its maps on one scale, or why there are none."""

    method: str
    unit: str
    high: float = 0.0
    """Full colour in the maps, in the method's unit; clear at 0 and below."""
    shared_scale: bool = False
    """Whether the scale is that of the audit's confident errors, else the largest value here."""
    correlation: float | None = None
    """Spearman's, of the map of the predicted class with that of the contender; None if either is flat."""
    target_sensitive: bool | None = None
    """Whether that correlation is below 0.9: such a map is about the class, not about the image alone."""
    maps: tuple[LookedMap, ...] = ()
    problem: str = ""
    """Why there are no maps."""

    @property
    def distrusted(self) -> bool:
        """Whether the maps of any target failed; then none is drawn in colour."""
        return any(one.stamp == "do not trust" for one in self.maps)


class Looked(Record):
    """One image, what was answered, and all methods."""

    image: str
    """Its id, or the path of the photo."""
    data: str
    """Title of the data set that it is from; empty for a photo."""
    model: str
    resized: str
    """What was done to a photo to make it fit; empty for an image of the data set."""
    truth: str | None
    """Its label; None where that is not known."""
    predicted: str
    confidence: float
    """Probability of the predicted class."""
    runner_up: str
    runner_up_confidence: float
    contender: str
    """The class that the maps are held against: the label of a wrong answer, else the runner-up."""
    audited: bool
    """Whether an audit of this model was there to read stamps from."""
    methods: tuple[LookedMethod, ...]
