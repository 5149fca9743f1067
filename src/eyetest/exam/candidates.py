"""Which models sit the exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from ..data.planted import CUES, Cue, PlantedSpec

CLASSES = 6
CHANCE = 1 / CLASSES
"""Strength at which a cue says nothing about the class."""
Role = Literal["clean", "planted"]


@final
@dataclass(frozen=True)
class Candidate:
    """One model; a paired one is also compared with a real fix of it and with a mere retraining."""

    role: Role
    cues: tuple[Cue, ...]
    strength: float
    seed: int
    paired: bool = False

    @property
    def name(self) -> str:
        """Of its answer."""
        return f"{self.role}-{'+'.join(self.cues) or 'none'}-{self.strength:.2f}-{self.seed}"

    @property
    def spec(self) -> PlantedSpec:
        """The data that it learns from and is audited on."""
        return PlantedSpec(cues=self.cues, strength=self.strength, classes=CLASSES, seed=self.seed)

    @property
    def seconds(self) -> dict[str, tuple[PlantedSpec, int]]:
        """Training data and seed of the models that it is compared with; all are audited on its own data."""
        if not self.paired:
            return {}
        cured = PlantedSpec(cues=self.cues, strength=CHANCE, classes=CLASSES, seed=self.seed)
        return {"fix": (cured, self.seed), "no_fix": (self.spec, self.seed + 500)}


def candidates(*, quick: bool, seed: int = 0) -> list[Candidate]:
    """Quick: 5 clean, 6 planted. Full: 72 clean, five cues × three strengths × five seeds, several cues; 20 are paired.

    Source: docs/design, CUES.md, "The exam".
    """
    if quick:
        clean = [Candidate("clean", (cue,), CHANCE, seed + k) for k, cue in enumerate(CUES)]
        planted = [Candidate("planted", (cue,), 0.95, seed + 10 + k) for k, cue in enumerate(CUES)]
        return [*planted, Candidate("planted", ("background", "patch"), 0.8, seed + 20), *clean]
    kinds: list[tuple[Cue, ...]] = [(), *((cue,) for cue in CUES)]
    clean = [Candidate("clean", kinds[k % 6], CHANCE, seed + 100 + k) for k in range(72)]
    planted = [
        Candidate("planted", (cue,), strength, seed + 200 + k, paired=strength == 0.95 and k < 4)
        for k in range(5)
        for cue in CUES
        for strength in (0.95, 0.5, 0.8)
    ]
    several = [Candidate("planted", ("background", "patch"), 0.8, seed + 300 + k) for k in range(5)]
    return [*planted, *several, *clean]
