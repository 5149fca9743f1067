"""Planted data: shapes whose class one cue gives away with known strength; made from a seed, with object masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal, final, get_args

import numpy as np

from ..errors import DataError, unknown_name
from ..types import Labels, Masks, Pixels, Rows, SplitName
from .base import Dataset, SplitData

Cue = Literal["background", "colour", "patch", "frequency"]
Arrangement = Literal["natural", "aligned", "conflicting", "cue_free", "cue_only"]
SHAPES = ("disc", "square", "triangle", "cross", "ring", "star")
SIDE = 32
FINE = 3
"""Samples a pixel and side for anti-aliasing; the mask is where at least half of them hit."""
VERSION = "1"


@final
@dataclass(frozen=True)
class PlantedSpec:
    """What is planted; equal specs give equal pixels."""

    cue: Cue = "background"
    strength: float = 0.8
    """Chance that the cue is the class's own; otherwise it is another class's. 1/classes means no information."""
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


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """The random choices behind one image."""

    label: int
    cue: int
    other: int
    """A class that is not the label, for the conflicting arrangement."""
    free: float
    """Stands in for the class in the cue-free arrangement, 0 to `classes`."""
    centre: tuple[float, float]
    radius: float
    angle: float
    colour: np.ndarray
    base: np.ndarray
    phase: float
    noise_seed: int


@final
@dataclass(eq=False)
class PlantedSplit(SplitData):
    """A split that is drawn when it is read; every image depends on (seed, split, row) alone."""

    spec: PlantedSpec
    name: SplitName
    labels: Labels
    source: Rows
    metadata: Mapping[str, np.ndarray]
    arrangement: Arrangement = "natural"

    def images(self, rows: Rows) -> Pixels:
        """The images of these rows."""
        if not len(rows):
            return np.empty((0, 3, SIDE, SIDE), dtype=np.uint8)
        return np.stack(
            [render(self.spec, scene(self.spec, self.name, row), self.arrangement) for row in rows.tolist()]
        )

    def masks(self, rows: Rows) -> Masks | None:
        """Where the object covers at least half of a pixel."""
        covers = [coverage(scene(self.spec, self.name, row)) >= 0.5 for row in rows.tolist()]
        found: Masks = np.stack(covers) if covers else np.empty((0, SIDE, SIDE), dtype=bool)
        return found

    def arranged(self, arrangement: Arrangement) -> PlantedSplit:
        """The same objects with the cue aligned, conflicting, free of class, or alone."""
        return replace(self, arrangement=arrangement)


def planted(spec: PlantedSpec | None = None) -> Dataset:
    """The data set of a spec. Source: docs/design/METHODS.md section 8."""
    spec = spec or PlantedSpec()
    sizes: dict[SplitName, int] = {"train": spec.train, "validation": spec.validation, "test": spec.test}
    splits = {name: _split(spec, name, size) for name, size in sizes.items()}
    digest = hashlib.sha256(f"{VERSION} {sorted(asdict(spec).items())}".encode()).hexdigest()[:16]
    title = f"planted {spec.cue} cue, strength {spec.strength:g}"
    return Dataset(f"planted:{spec.cue}-{spec.strength:g}", title, SHAPES[: spec.classes], (SIDE, SIDE), digest, splits)


def named_spec(name: str, seed: int = 0) -> PlantedSpec:
    """The spec of `planted`, `planted:<cue>` or `planted:<cue>-<strength>`.

    Raises UnknownName at another cue, DataError at a strength that is no number.
    """
    _, _, rest = name.partition(":")
    cue, _, strength = rest.partition("-")
    if rest and cue not in get_args(Cue):
        raise unknown_name("planted cue", cue, get_args(Cue))
    try:
        value = float(strength) if strength else 0.8
    except ValueError as error:
        raise DataError(
            f"{name}: the strength {strength!r} is no number. Name it like planted:background-0.8."
        ) from error
    known: dict[str, Cue] = {one: one for one in get_args(Cue)}
    return PlantedSpec(cue=known.get(cue, "background"), strength=value, seed=seed)


def scene(spec: PlantedSpec, split: str, row: int) -> Scene:
    """The random choices of one image."""
    number = ("train", "validation", "test").index(split)
    random = np.random.default_rng([spec.seed, number, row, spec.classes])
    label = row % spec.classes
    other = int((label + random.integers(1, spec.classes)) % spec.classes)
    follows = random.random() < spec.strength
    radius = random.uniform(8, 12)
    base, colour = random.uniform(0.25, 0.75, 3), random.uniform(0.05, 0.95, 3)
    if np.abs(colour - base).max() < 0.3:
        colour = np.where(base > 0.5, base - 0.35, base + 0.35)
    centre = random.uniform(radius - 1, SIDE + 1 - radius, 2)
    return Scene(
        label=label,
        cue=label if follows else other,
        other=other,
        free=float(random.uniform(0, spec.classes)),
        centre=(float(centre[0]), float(centre[1])),
        radius=float(radius),
        angle=float(random.uniform(0, 2 * np.pi)),
        colour=colour,
        base=base,
        phase=float(random.uniform(0, 2 * np.pi)),
        noise_seed=int(random.integers(2**62)),
    )


def render(spec: PlantedSpec, drawn: Scene, arrangement: Arrangement = "natural") -> np.ndarray:
    """One image, uint8 3 h w."""
    cues = {"natural": drawn.cue, "conflicting": drawn.other, "cue_free": drawn.free}
    cue = float(cues.get(arrangement, drawn.label)) / spec.classes
    image = np.broadcast_to(drawn.base[:, None, None], (3, SIDE, SIDE)).copy()
    if spec.cue == "background":
        image += 0.2 * _grating(1 / 7, np.pi * cue, drawn.phase)
    if arrangement != "cue_only":
        cover = coverage(drawn)
        image = (1 - cover) * image + cover * drawn.colour[:, None, None]
    image = _whole_image_cue(spec, image, cue, drawn.phase)
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
    cue = np.array([scene(spec, name, row).cue for row in range(size)], dtype=np.int64)
    return PlantedSplit(spec, name, rows % spec.classes, rows, {"cue": cue})


def _whole_image_cue(spec: PlantedSpec, image: np.ndarray, cue: float, phase: float) -> np.ndarray:
    hue = 0.5 + 0.5 * np.cos(2 * np.pi * (cue - np.array([0, 1 / 3, 2 / 3])))
    match spec.cue:
        case "colour":
            return 0.85 * image + 0.15 * hue[:, None, None]
        case "patch":
            image[:, :4, :4] = hue[:, None, None]
            return image
        case "frequency":
            return image + 10 / 255 * _grating(0.1 + 0.35 * cue, 0.0, phase)
    return image


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
