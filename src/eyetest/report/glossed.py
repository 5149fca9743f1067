"""Words of the glossary as links in the sentences of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import final

from markupsafe import Markup, escape

from ..records import Gallery, RunRecord
from .glossary import GLOSSARY
from .sections import Shown
from .words import minus

LINK = Markup('<a class="term" href="#{}" title="{}">{}</a>')
AS_IT_IS = {"n": "n(?= = )", "points": "points", "paired": "paired(?! test)"}
"""What a word looks like in a sentence where it is not the word or its plural."""


def glossary_id(word: str) -> str:
    """Id of a word in the list at the end of the page."""
    return "glossary-" + word.lower().replace(" ", "-")


@final
class Glossed:
    """Links each word where it first appears in a section, and never inside a name that is the user's."""

    def __init__(self, names: Iterable[str]) -> None:
        spelt = {spelling for name in names for spelling in (name, name.replace("_", " "))}
        masked = sorted((name for name in spelt if WORDS.search(name)), key=len, reverse=True)
        names_first = [rf"(?<!\w)(?:{'|'.join(map(re.escape, masked))})(?!\w)"] if masked else []
        self._pattern = re.compile("|".join([*names_first, WORDS.pattern]), re.IGNORECASE)
        self._seen: set[str] = set()
        self._seen_folded: set[str] = set()

    def new_section(self) -> str:
        """From here on each word is linked once more; nothing is written."""
        self._seen.clear()
        self._seen_folded.clear()
        return ""

    def __call__(self, text: str, folded: bool = False) -> Markup:
        """The text, escaped; what is folded away takes no link from what is seen."""
        text = minus(text)
        parts, end = [], 0
        for found in self._pattern.finditer(text):
            parts += [escape(text[end : found.start()]), self._linked(found, folded)]
            end = found.end()
        return Markup().join([*parts, escape(text[end:])])

    def _linked(self, found: re.Match[str], folded: bool) -> Markup:
        group = found.lastgroup
        word = BY_GROUP[group] if group else ""
        if not word or word in self._seen or (folded and word in self._seen_folded):
            return escape(found[0])
        (self._seen_folded if folded else self._seen).add(word)
        return LINK.format(glossary_id(word), GLOSSARY[word], found[0])


def names_on(record: RunRecord, shown: Sequence[Shown]) -> set[str]:
    """Names on the page that the user gave: of data, classes, models and images."""
    found: set[str] = set()
    for run in (record, *(one.section.run for one in shown)):
        found |= {run.data.name, run.data.title, *run.data.classes, *(model.name for model in run.models)}
    for one in shown:
        found |= {one.section.name, one.section.title}
        for finding in one.section.findings:
            found |= set(finding.samples)
            found |= {card.id for block in finding.blocks if isinstance(block, Gallery) for card in block.cards}
    return found


def _pattern(group: str, word: str) -> str:
    """Capitals and single letters as they are; the others also as a plural, or at the start of a sentence."""
    exact = AS_IT_IS.get(word) or re.escape(word)
    spelling = f"(?-i:{exact})" if word.isupper() or len(word) == 1 else exact
    return f"(?P<{group}>{spelling}{'' if word in AS_IT_IS else 's?'})"


BY_GROUP = {f"w{number}": word for number, word in enumerate(GLOSSARY)}
WORDS = re.compile(
    rf"(?<![\w.=/\[-])(?:{'|'.join(_pattern(group, word) for group, word in BY_GROUP.items())})(?![\w=/\[\]-]|\.\w)",
    re.IGNORECASE,
)
"""A word of the glossary that is no part of a longer word, of a file name or of a setting."""
