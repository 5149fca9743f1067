"""Numbers as they are read: in their unit, with enough digits to see the interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ...records import Estimate

DIFFERENCE = "(B − A)"
"""How the unit of a difference ends."""


@final
@dataclass(frozen=True)
class Unit:
    """What a value is multiplied with to be read, and the word after it."""

    factor: float
    word: str

    def said(self, value: float) -> str:
        """A value with its unit, to three or four digits."""
        if self.word in ("%", "points"):
            return f"{self.factor * value:.1f} {self.word}"
        return " ".join(part for part in (f"{value:.4g}", self.word) if part)

    def after(self, label: str) -> str:
        """The label of an axis, with its unit unless it says it already."""
        return label if not self.word or f"({self.word})" in label else f"{label} ({self.word})"


PLAIN = Unit(1.0, "")


def unit(name: str, label: str = "") -> Unit:
    """How values of a unit are read; fractions are per cent, or points where they or the label say so."""
    if name.startswith("fraction"):
        return Unit(100.0, "points" if DIFFERENCE in name or "points" in name + label else "%")
    return Unit(1.0, name.removesuffix(DIFFERENCE).strip())


def number(estimate: Estimate, value: float) -> str:
    """A value in its unit: fractions as per cent with enough digits to see the interval."""
    if estimate.unit.endswith(DIFFERENCE):
        scale, word, digits = (100, " points", 2) if estimate.unit.startswith("fraction") else (1, "", 3)
        return f"{scale * value:+.{digits}f}{word}".replace("-", "−")
    if estimate.unit.startswith("fraction"):
        digits = 2 if abs(estimate.high - estimate.low) < 0.01 else 1
        word = "points" if "points" in estimate.unit else "%"
        return f"{100 * value:.{digits}f} {word}".replace("-", "−")
    return f"{value:.3f}".replace("-", "−")


def said(label: str, e: Estimate, code: str) -> str:
    """An estimate in one line: value, interval, images, method and the finding it comes from."""
    interval = f"{number(e, e.low)} to {number(e, e.high)}, {100 * e.confidence:g} % interval"
    return f"{label}: {number(e, e.value)} ({interval}), n = {e.n:,}; {e.method}; {code}"


def cue_label(estimate: Estimate) -> str:
    """`colour.reliance` is shown as `colour`; what may well be the object says so."""
    key = estimate.name.partition(".")[0].replace("_", " ")
    return f"{key} (may be the object)" if estimate.better == "neither" else key


def is_difference(e: Estimate) -> bool:
    """Whether an estimate is one model minus another."""
    return e.unit.endswith(DIFFERENCE)
