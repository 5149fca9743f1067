"""What a check is: it declares needs, and turns evidence into a finding. NumPy only, no model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..evidence import Evidence, Need
from ..outcome import Outcome
from ..records import Block, Cell, Estimate, Finding, Status


@dataclass(frozen=True)
class Check(ABC):
    """One question about one model. Fields are its parameters, with defaults and reasons."""

    code: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    limits: ClassVar[tuple[str, ...]]

    @abstractmethod
    def needs(self) -> Iterable[Need[Any]]:
        """The evidence that run() will read."""

    @abstractmethod
    def run(self, evidence: Evidence) -> Outcome:
        """The finding. Pure: same evidence, same finding."""

    def finding(
        self,
        name: str,
        status: Status,
        headline: str,
        *,
        estimates: Iterable[Estimate] = (),
        blocks: Iterable[Block] = (),
        samples: Iterable[str] = (),
        params: Mapping[str, Cell] | None = None,
    ) -> Finding:
        """A finding of this check with its standing code, title, question and limits."""
        return Finding(
            code=self.code,
            name=name,
            title=self.title,
            question=self.question,
            status=status,
            headline=headline,
            estimates=tuple(estimates),
            blocks=tuple(blocks),
            samples=tuple(samples),
            params=dict(params or {}),
            limits=self.limits,
        )
