"""Words of the glossary in sentences: linked once a section, never inside a name, always escaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hand_made import add, begin, estimate
from markupsafe import escape

from eyetest.records import Card, Gallery, Note
from eyetest.report.glossary import GLOSSARY
from eyetest.report.glossed import Glossed, glossary_id, names_on
from eyetest.report.sections import Section, Shown
from eyetest.store import RunDir

TERM = re.compile(r'<a class="term" href="#([^"]+)" title="([^"]+)">([^<]+)</a>')


def linked(text: str) -> list[str]:
    """The words that are links, as they are written."""
    return [words for _, _, words in TERM.findall(text)]


@pytest.mark.parametrize("word", GLOSSARY)
def test_every_word_is_found_and_leads_to_its_meaning(word: str) -> None:
    ((target, title, said),) = TERM.findall(Glossed(())(f"So the {word} = 100."))
    assert (target, said) == (glossary_id(word), word)
    assert title == escape(GLOSSARY[word])


def test_a_word_is_linked_where_it_first_appears_in_a_section() -> None:
    glossed = Glossed(())
    assert linked(glossed("Cues and a donor; the cue, donors")) == ["Cues", "donor"]
    assert linked(glossed("a cue and its capture")) == ["capture"]
    assert glossed.new_section() == ""
    assert linked(glossed("a cue")) == ["cue"]


def test_what_is_folded_takes_no_link_from_what_is_seen() -> None:
    glossed = Glossed(())
    assert linked(glossed("the cue", folded=True)) == ["cue"]
    assert linked(glossed("the cue", folded=True)) == []
    assert linked(glossed("the cue")) == ["cue"]
    glossed.new_section()
    assert linked(glossed("the cue", folded=True)) == ["cue"]
    assert linked(glossed("the cue")) == ["cue"]
    assert linked(glossed("the cue", folded=True)) == []


@pytest.mark.parametrize(
    "text",
    ["images/cue.png", "cue.png", "cue_1", "1cue", "rescue", "cues2", "a-cue", "cue-b", "seed=3", "--seed", "reliance[map]",
     "CUE001", "maps/x", "ece", "n images", "N = 3", "point", "mapped"],
)  # fmt: skip
def test_parts_of_other_words_of_file_names_and_of_settings_are_left_alone(text: str) -> None:
    assert linked(Glossed(())(f"It is {text} here.")) == []


NAMES = ("cue", "map of <script>cue</script>", "site_map", "images/donor 7.png", "Seed")


@pytest.mark.parametrize("name", [*NAMES, "site map", "seed"])
def test_names_are_escaped_and_not_linked(name: str) -> None:
    said = Glossed(NAMES)(f"Right on {name}, by the reliance & the capture.")
    assert linked(said) == ["reliance", "capture"]
    assert TERM.sub(r"\3", said) == escape(f"Right on {name}, by the reliance & the capture.")


def test_the_name_of_a_class_hides_no_longer_word() -> None:
    assert linked(Glossed(("c", "map", "e slice"))("a cue, maps and a map, the slice")) == ["cue", "maps", "slice"]


def test_all_else_is_escaped() -> None:
    said = Glossed(())('<b>cue</b> & "n = 3"')
    assert TERM.sub(r"\3", said) == "&lt;b&gt;cue&lt;/b&gt; &amp; &#34;n = 3&#34;"


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """An audit of classes whose names are words of the glossary, or harm."""
    made = begin(tmp_path / "run")
    named = made.record.data.model_copy(update={"classes": ("seed", "<script>cue</script>")})
    made.write_record(made.record.model_copy(update={"data": named}))
    add(made, "CUE001", estimate("colour.reliance", 0.5, 0.4, 0.6))
    said = "The reliance is 50 % for seed and <script>cue</script>, and the reliance of stamp-1.png is 0."
    finding = made["CUE001"].model_copy(
        update={"headline": said, "blocks": (Note(text="The reliance, the capture and the seed."),),
                "samples": ("stamp-1.png",), "limits": ("A donor lends its reliance.",)}
    )  # fmt: skip
    made.write_finding(finding)
    return made


def test_the_page_links_each_word_once_a_chapter_and_no_name(run: RunDir) -> None:
    page = run.report().read_text(encoding="utf-8")
    chapter = page.partition('<section class="chapter"')[2].partition("</section>")[0]
    assert linked(chapter) == ["reliance", "cue", "capture", "donor"]  # the cue is in the line below the figure
    assert "&lt;script&gt;cue&lt;/script&gt;" in chapter
    assert "<script>cue" not in page
    assert 'class="term"' not in page.partition("<h1>")[2].partition("</h1>")[0]


@pytest.mark.parametrize(
    "name", ["donor one.png", "transplant", "slice b", "stamp b", "run", "pond animals", "map of a pond"]
)
def test_names_of_images_models_and_data_are_known(name: str, run: RunDir) -> None:
    record, finding = run.record, run["CUE001"]
    card = Card(id="donor one.png", truth="a", predicted="b", confidence=0.9, image="x.png")
    gallery = Gallery(title="g", total=1, cards=(card,))
    finding = finding.model_copy(update={"blocks": (gallery,), "samples": ("transplant",)})
    model = record.models[0].model_copy(update={"name": "slice b"})
    other = record.model_copy(update={"models": (model,)})
    about = record.model_copy(update={"data": record.data.model_copy(update={"name": "map of a pond"})})
    section = Section("run", "stamp b", other, (finding,), run.path)
    assert name in names_on(about, [Shown(section, 0)])


def test_no_link_holds_another_and_all_lead_to_something_on_the_page(run: RunDir) -> None:
    page = run.report().read_text(encoding="utf-8").partition("<body>")[2]
    for inside in re.findall(r"<a [^>]*>(.*?)</a>", page, re.DOTALL):
        assert "<a " not in inside
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert {"glossary-reliance", "glossary-capture", "run-CUE001"} <= targets <= ids
