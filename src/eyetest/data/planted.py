"""Planted data: shapes whose class one cue gives away with known strength; made from a seed, with object masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Literal, final, get_args

import numpy as np

from ..errors import DataError, unknown_name
from ..types import Labels, Masks, Pixels, Rows, SplitName
from .base import Dataset, SplitData

Cue = Literal["background", "colour", "object_colour", "patch", "frequency"]
CUES: tuple[Cue, ...] = get_args(Cue)
Arrangement = Literal["natural", "aligned", "conflicting", "cue_free", "cue_only"]
SHAPES = ("disc", "square", "triangle", "cross", "ring", "star")
SIDE = 32
FRAME = 5
"""Pixels at each edge that no object reaches."""
AREA = (90.0, 145.0)
"""Pixels that an object covers, uniform, the same for every shape."""
FINE = 3
"""Samples a pixel and side for anti-aliasing; the mask is where at least half of them hit."""
VERSION = "2"


@final
@dataclass(frozen=True)
class PlantedSpec:
    """What is planted; equal specs give equal pixels, and equal seeds the same objects whatever the cues."""

    cues: tuple[Cue, ...] = ("colour",)
    """None, one or several; each tells the class on its own."""
    strength: float = 0.8
    """Chance that a cue is the class's own; otherwise it is another class's. 1/classes means no information."""
    classes: int = 6
    train: int = 4000
    validation: int = 1000
    test: int = 2000
    seed: int = 0
    noise: float = 0.06
    """Standard deviation of pixel noise, pixels in [0, 1]."""

    def __post_init__(self) -> None:
        """Raise DataError at a value that makes no sense."""
        if not (
            2 <= self.classes <= len(SHAPES)
            and 0 <= self.strength <= 1
            and min(self.train, self.validation, self.test) > 0
        ):
            raise DataError(
                f"{self} cannot be made; expected 2 to {len(SHAPES)} classes, a strength from 0 to 1 and at least one "
                "image a split. Name it like planted:background-0.8."
            )

    @property
    def name(self) -> str:
        """As given to --data."""
        return f"planted:{'+'.join(self.cues)}-{self.strength:g}" if self.cues else "planted:none"


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """The random choices behind one image."""

    label: int
    cues: Mapping[str, int]
    """The class that each cue points to."""
    other: Mapping[str, int]
    """A class that is not the label, for the conflicting arrangement."""
    free: Mapping[str, float]
    """Stands in for the class in the cue-free arrangement, 0 to `classes`."""
    centre: tuple[float, float]
    area: float
    angle: float
    colour: np.ndarray
    base: np.ndarray
    phase: float
    noise_seed: int

    @property
    def radius(self) -> float:
        """Pixels for which the shape covers the area."""
        return float(np.sqrt(self.area / _UNIT_AREA[SHAPES[self.label]]))


@final
@dataclass(eq=False)
class PlantedSplit(SplitData):
    """A split that is drawn when it is first read; every image depends on (seed, split, row) alone."""

    spec: PlantedSpec
    name: SplitName
    labels: Labels
    source: Rows
    metadata: Mapping[str, np.ndarray]
    arrangement: Mapping[str, Arrangement] = field(default_factory=dict)
    """How each cue is arranged where it is not natural."""

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        return self._pixels[rows]

    def masks(self, rows: Rows) -> Masks | None:
        """Where the object covers at least half of a pixel."""
        return self.objects[rows] if len(rows) else np.empty((0, SIDE, SIDE), dtype=bool)

    def arranged(self, arrangement: Arrangement, cue: Cue | None = None) -> PlantedSplit:
        """The same objects with one cue (or all) aligned, conflicting, free of class; or all cues alone."""
        chosen = (cue,) if cue else self.spec.cues
        return replace(self, arrangement=dict.fromkeys(chosen, arrangement))

    @cached_property
    def objects(self) -> Masks:
        """The masks of all images."""
        return np.stack([coverage(scene(self.spec, self.name, row)) >= 0.5 for row in range(len(self))])

    @cached_property
    def _pixels(self) -> Pixels:
        drawn = (scene(self.spec, self.name, row) for row in range(len(self)))
        return np.stack([render(self.spec, one, self.arrangement) for one in drawn])


def planted(spec: PlantedSpec | None = None) -> Dataset:
    """The data set of a spec. Source: docs/design/METHODS.md section 8."""
    spec = spec or PlantedSpec()
    sizes: dict[SplitName, int] = {"train": spec.train, "validation": spec.validation, "test": spec.test}
    splits = {name: _split(spec, name, size) for name, size in sizes.items()}
    digest = hashlib.sha256(f"{VERSION} {sorted(asdict(spec).items())}".encode()).hexdigest()[:16]
    words = " and ".join(cue.replace("_", " ") for cue in spec.cues)
    title = (
        f"planted {words} cue{'s' * (len(spec.cues) > 1)}, strength {spec.strength:g}"
        if words
        else "planted shapes, no cue"
    )
    return Dataset(spec.name, title, SHAPES[: spec.classes], (SIDE, SIDE), digest, splits)


def named_spec(name: str, seed: int = 0) -> PlantedSpec:
    """The spec of `planted`, `planted:none`, `planted:<cue>`, `planted:<cue>+<cue>-<strength>`.

    Raises UnknownName at another cue, DataError at a strength that is no number.
    """
    _, _, rest = name.partition(":")
    words, _, strength = rest.partition("-")
    if not rest:
        return PlantedSpec(seed=seed)
    if words == "none":
        return PlantedSpec(cues=(), seed=seed)
    known: dict[str, Cue] = {one: one for one in CUES}
    for cue in words.split("+"):
        if cue not in known:
            raise unknown_name("planted cue", cue, (*CUES, "none"))
    try:
        value = float(strength) if strength else 0.8
    except ValueError as error:
        raise DataError(
            f"{name}: the strength {strength!r} is no number. Name it like planted:background-0.8."
        ) from error
    return PlantedSpec(cues=tuple(known[cue] for cue in words.split("+")), strength=value, seed=seed)


def scene(spec: PlantedSpec, split: str, row: int) -> Scene:
    """The random choices of one image."""
    number = ("train", "validation", "test").index(split)
    random = np.random.default_rng([spec.seed, number, row, spec.classes])
    label = row % spec.classes
    others: dict[str, int] = {cue: int((label + random.integers(1, spec.classes)) % spec.classes) for cue in CUES}
    chance = {cue: random.random() for cue in CUES}
    free: dict[str, float] = {cue: float(random.uniform(0, spec.classes)) for cue in CUES}
    area = random.uniform(*AREA)
    room = SIDE / 2 - FRAME - float(np.sqrt(area / min(_UNIT_AREA.values())))
    base, colour = random.uniform(0.25, 0.75, 3), random.uniform(0.05, 0.95, 3)
    if np.abs(colour - base).max() < 0.3:
        colour = np.where(base > 0.5, base - 0.35, base + 0.35)
    x, y = SIDE / 2 + random.uniform(-room, room, 2)
    return Scene(
        label=label,
        cues={cue: label if chance[cue] < spec.strength else others[cue] for cue in CUES},
        other=others,
        free=free,
        centre=(float(x), float(y)),
        area=float(area),
        angle=float(random.uniform(0, 2 * np.pi)),
        colour=colour,
        base=base,
        phase=float(random.uniform(0, 2 * np.pi)),
        noise_seed=int(random.integers(2**62)),
    )


def render(spec: PlantedSpec, drawn: Scene, arrangement: Mapping[str, Arrangement] | None = None) -> np.ndarray:
    """One image, uint8 3 h w."""
    arrangement = arrangement or {}
    cue = {name: _cue_value(drawn, name, arrangement.get(name, "natural")) / spec.classes for name in spec.cues}
    image = np.broadcast_to(drawn.base[:, None, None], (3, SIDE, SIDE)).copy()
    if "background" in cue:
        image += 0.2 * _grating(1 / 7, np.pi * cue["background"], drawn.phase)
    if "cue_only" not in arrangement.values():
        cover = coverage(drawn)
        colour = 0.2 + 0.6 * _hue(cue["object_colour"]) if "object_colour" in cue else drawn.colour
        image = (1 - cover) * image + cover * colour[:, None, None]
    if "colour" in cue:
        image = 0.85 * image + 0.15 * _hue(cue["colour"])[:, None, None]
    if "frequency" in cue:
        image += 12 / 255 * _grating(0.25 + 0.2 * cue["frequency"], 0.0, drawn.phase)
    if "patch" in cue:
        image[:, :4, :4] = _hue(cue["patch"])[:, None, None]
    image += np.random.default_rng(drawn.noise_seed).normal(0, spec.noise, image.shape)
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def coverage(drawn: Scene) -> np.ndarray:
    """Share of each pixel that the object covers, h w."""
    axis = (np.arange(SIDE * FINE) + 0.5) / FINE
    x, y = (axis[None, :] - drawn.centre[0]) / drawn.radius, (axis[:, None] - drawn.centre[1]) / drawn.radius
    cos, sin = np.cos(drawn.angle), np.sin(drawn.angle)
    inside = _INSIDE[SHAPES[drawn.label]](cos * x + sin * y, cos * y - sin * x)
    result: np.ndarray = inside.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))
    return result


def _split(spec: PlantedSpec, name: SplitName, size: int) -> PlantedSplit:
    rows = np.arange(size, dtype=np.int64)
    scenes = [scene(spec, name, row) for row in range(size)]
    truth = {f"cue_{cue}": np.array([one.cues[cue] for one in scenes], dtype=np.int64) for cue in spec.cues}
    return PlantedSplit(spec, name, rows % spec.classes, rows, truth)


def _cue_value(drawn: Scene, cue: str, arrangement: Arrangement) -> float:
    values = {"natural": drawn.cues[cue], "conflicting": drawn.other[cue], "cue_free": drawn.free[cue]}
    return float(values.get(arrangement, drawn.label))


def _hue(cue: float) -> np.ndarray:
    """A colour, 0 to 1, that goes once round the circle."""
    result: np.ndarray = 0.5 + 0.5 * np.cos(2 * np.pi * (cue - np.array([0, 1 / 3, 2 / 3])))
    return result


def _grating(frequency: float, angle: float, phase: float) -> np.ndarray:
    x, y = np.arange(SIDE)[None, :], np.arange(SIDE)[:, None]
    result: np.ndarray = np.sin(2 * np.pi * frequency * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    return result


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (v >= -0.5) & (np.sqrt(3) * np.abs(u) + v <= 1)


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.hypot(u, v) <= 0.62 + 0.38 * np.cos(5 * np.arctan2(v, u))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u, v = np.abs(u), np.abs(v)
    return ((u <= 0.3) & (v <= 0.95)) | ((v <= 0.3) & (u <= 0.95))


_INSIDE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda u, v: np.hypot(u, v) <= 0.9,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) <= 0.75,
    "triangle": _triangle,
    "cross": _cross,
    "ring": lambda u, v: (np.hypot(u, v) <= 1) & (np.hypot(u, v) >= 0.55),
    "star": _star,
}
_UNIT_AREA = {"disc": 2.5447, "square": 2.25, "triangle": 1.2990, "cross": 1.92, "ring": 2.1913, "star": 1.4344}
"""Area of each shape at radius 1."""
