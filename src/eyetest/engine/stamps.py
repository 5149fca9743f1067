"""The stamps of a run's trials, on every map that a gallery shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..checks._stamp import Stamp, stamp
from ..evidence import Trust
from ..records import Block, Card, Finding, Gallery, MapPicture
from ..store import RunDir
from ..types import TrustTrial
from .trust import trust_key

Stamps = Mapping[tuple[str, str], Stamp]
"""By method and target."""


def found_stamps(run: RunDir, needs: Iterable[Trust]) -> dict[tuple[str, str], Stamp]:
    """The stamps of those trials that the run holds."""
    return {
        (need.method, need.target): stamp(run.annotation(trust_key(need), TrustTrial))
        for need in needs
        if run.has_annotation(trust_key(need))
    }


def stamped(finding: Finding, stamps: Stamps) -> Finding:
    """The finding with the stamps of its maps; a target that was not put to the test has none of another target."""
    return finding.model_copy(update={"blocks": tuple(_block(block, stamps) for block in finding.blocks)})


def _block(block: Block, stamps: Stamps) -> Block:
    if not isinstance(block, Gallery):
        return block
    return block.model_copy(update={"cards": tuple(_card(card, stamps) for card in block.cards)})


def _card(card: Card, stamps: Stamps) -> Card:
    return card.model_copy(update={"maps": tuple(_picture(picture, stamps) for picture in card.maps)})


def _picture(picture: MapPicture, stamps: Stamps) -> MapPicture:
    found = stamps.get((picture.method, picture.target))
    return picture.model_copy(update={"stamp": found.word, "stamp_reason": found.reason}) if found else picture
