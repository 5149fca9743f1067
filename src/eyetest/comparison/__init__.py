"""Audits of the same images: every estimate of both becomes a paired difference, always B − A. No torch here."""

from .cards import OTHER, SHOWN, changed_rows
from .differences import RESAMPLES, difference_of
from .findings import compare_findings
from .many import compare_with_reference, pairwise
from .sides import Side
from .words import CAUSE, CODES, EXTRA_LIMITS, LIMITS, MAIN, NOT_COMPARED, TITLES, WORDS

__all__ = [
    "CAUSE",
    "CODES",
    "EXTRA_LIMITS",
    "LIMITS",
    "MAIN",
    "NOT_COMPARED",
    "OTHER",
    "RESAMPLES",
    "SHOWN",
    "TITLES",
    "WORDS",
    "Side",
    "changed_rows",
    "compare_findings",
    "compare_with_reference",
    "difference_of",
    "pairwise",
]
