"""Which models sit the exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from ..data.planted import CUES, Cue, PlantedSpec

CLASSES = 6
CHANCE = 1 / CLASSES
"""Strength at which a cue says nothing about the class."""
Role = Literal["clean", "planted", "fix", "no_fix"]


@final
@dataclass(frozen=True)
class Candidate:
    """One model, or a pair of models whose comparison is judged."""

    role: Role
    cues: tuple[Cue, ...]
    strength: float
    seed: int

    @property
    def name(self) -> str:
        """Its folder."""
        return f"{self.role}-{'+'.join(self.cues) or 'none'}-{self.strength:.2f}-{self.seed}"

    @property
    def spec(self) -> PlantedSpec:
        """The data of its (first) model."""
        return PlantedSpec(cues=self.cues, strength=self.strength, classes=CLASSES, seed=self.seed)

    @property
    def second(self) -> tuple[PlantedSpec, int] | None:
        """Training data and seed of the second model of a pair; it is audited on the first one's data."""
        if self.role == "fix":
            return PlantedSpec(cues=self.cues, strength=CHANCE, classes=CLASSES, seed=self.seed), self.seed
        return (self.spec, self.seed + 500) if self.role == "no_fix" else None


def candidates(*, quick: bool, seed: int = 0) -> list[Candidate]:
    """Quick: 5 clean, 6 planted. Full: 72 clean, five cues × three strengths × five seeds, several cues, 40 pairs.

    Source: docs/design, CUES.md, "The exam".
    """
    if quick:
        clean = [Candidate("clean", (cue,), CHANCE, seed + k) for k, cue in enumerate(CUES)]
        planted = [Candidate("planted", (cue,), 0.95, seed + 10 + k) for k, cue in enumerate(CUES)]
        return [*clean, *planted, Candidate("planted", ("background", "patch"), 0.8, seed + 20)]
    kinds: list[tuple[Cue, ...]] = [(), *((cue,) for cue in CUES)]
    clean = [Candidate("clean", kinds[k % 6], CHANCE, seed + 100 + k) for k in range(72)]
    planted = [
        Candidate("planted", (cue,), strength, seed + 200 + k)
        for cue in CUES
        for strength in (0.5, 0.8, 0.95)
        for k in range(5)
    ]
    several = [Candidate("planted", ("background", "patch"), 0.8, seed + 300 + k) for k in range(5)]
    fixes = [Candidate("fix", (CUES[k % 5],), 0.95, seed + 400 + k) for k in range(20)]
    no_fixes = [Candidate("no_fix", (CUES[k % 5],), 0.95, seed + 440 + k) for k in range(20)]
    return [*clean, *planted, *several, *fixes, *no_fixes]
