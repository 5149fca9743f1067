"""The first screen, the chapters, and what is folded."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from eyetest.provenance import new_record
from eyetest.records import (
    Card,
    Curve,
    DataRecord,
    Estimate,
    Finding,
    Forest,
    Gallery,
    Grid,
    MapPicture,
    Matrix,
    ModelRecord,
    Note,
    RunRecord,
    Scalar,
    Series,
    SwapPicture,
    Table,
    TwinPicture,
)
from eyetest.report import Section, render
from eyetest.report.advice import next_step
from eyetest.report.compose import write_report
from eyetest.report.options import PageOptions
from eyetest.report.sections import coloured
from eyetest.report.story import LEAST, MOST, ONCE, Missing, chapters, verdict
from eyetest.report.words import MARKS, in_short
from eyetest.store import RunDir

HOSTILE = ("<script>alert(1)</script>\"'&", "\u202eesrever", "🦊" * 3, "x" * 200)
AUDITED = ("DAT001", "LAB001", "ACC001", "ACC002", "CUE001", "CUE003", "FAIL001", "CAL001", "CAL002")
FEW = Missing()


def record(kind: str = "audit", *names: str, seed: int = 0, **config: object) -> RunRecord:
    data = DataRecord(name="planted", title="drawn", fingerprint="f", classes=("a", "b"), images={"test": 2000})
    models = tuple(ModelRecord(name=name, fingerprint="m" + name, parameters=1, source="") for name in names)
    made = new_record(kind, data, models, seed=seed, device="cpu", config=config)
    return made.model_copy(update={"status": "complete", "command": "eyetest study --data planted"})


def estimate(name: str, value: float = 0.5, unit: str = "fraction", better: str = "lower") -> Estimate:
    fields = {"name": name, "value": value, "low": value - 0.1, "high": value + 0.1, "n": 1234}
    return Estimate.model_validate(fields | {"unit": unit, "better": better, "method": "Wilson score interval"})


def finding(code: str, status: str = "ok", headline: str = "", **changes: object) -> Finding:
    fields = {
        "code": code, "name": code.lower(), "title": f"Title {code}", "question": f"Question {code}?",
        "status": status, "headline": headline or f"What {code} says, 50.0 % (40.0 to 60.0).",
        "estimates": (estimate("e"),), "limits": ("A limit.",),
    }  # fmt: skip
    return Finding.model_validate(fields | changes)


def sections(folder: Path, first: str = "ok", second: str = "ok") -> list[Section]:
    a, b = record("audit", "one"), record("audit", "two")
    difference = estimate("accuracy", 0.1, "fraction (B − A)", "higher")
    return [
        Section("one-0", "one", a, tuple(finding(code, first) for code in AUDITED), folder, "runs/one-0"),
        Section("two-0", "two", b, tuple(finding(code, second) for code in AUDITED), folder, "runs/two-0"),
        Section(
            "compare",
            "two against one",
            record("compare", "one", "two"),
            (
                finding("CMP001", estimates=(difference,)),
                finding("CMP012", "inconclusive"),
                finding("CMP101", name="own"),
            ),
            folder,
        ),
    ]


def page_of(folder: Path, held: list[Section], about: RunRecord | None = None, **changes: object) -> str:
    render("A study", about or record("study"), held, folder / "r.html", **changes)
    return (folder / "r.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Attributes, tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.data: dict[str, str] = {}
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.inside = dict(attrs).get("id") or tag if tag == "script" else ""

    def handle_data(self, data):
        if self.inside:
            self.data[self.inside] = self.data.get(self.inside, "") + data


# the verdict


@pytest.mark.parametrize("statuses", [("ok", "ok"), ("concern", "ok"), ("concern", "concern")])
def test_the_verdict_has_five_to_eight_headlines_and_begins_with_the_difference(tmp_path, statuses):
    about, held = record("study"), sections(tmp_path, *statuses)
    shown = coloured(about, held)
    told = verdict(about, shown, chapters(shown), FEW)
    assert LEAST <= len(told.headlines) <= MOST
    assert told.headlines[0].finding.code == "CMP001"
    ranks = [list(MARKS).index(part.finding.status) for part in told.headlines[1:]]
    assert ranks == sorted(ranks)
    assert "one and two" in told.asked
    assert "1,234 test images of drawn (2 classes)" in told.asked
    assert told.headlines[0].sentence in told.summary
    assert "n = 1,234, Wilson score interval" in told.headlines[0].trace


def test_a_study_of_one_training_a_recipe_says_so_and_asks_for_more_seeds(tmp_path):
    shown = coloured(record("study"), sections(tmp_path))
    for seeds, kind, once in ((1, "study", True), (3, "study", False), (1, "compare", False)):
        about = record(kind, recipes=[{}, {}], seeds=seeds)
        told = verdict(about, shown, chapters(shown), FEW)
        assert (ONCE in told.asked) is once
        assert (ONCE in told.summary) is once
        assert [step.command for step in told.steps].count("eyetest study --data planted --seeds 5") == once


def test_what_a_study_with_seeds_says_of_one_pair_is_said_to_be_of_its_seed(tmp_path):
    several, one = (record("study", recipes=[{}, {}], seeds=seeds) for seeds in (3, 1))
    held = [*sections(tmp_path), Section("s", "Seeds", several, (finding("SEED001"),), tmp_path)]
    for about, pair in ((several, "seed 0"), (one, "")):
        shown = coloured(about, held)
        told = verdict(about, shown, chapters(shown), FEW)
        pairs = {part.finding.code: part.pair for chapter in chapters(shown) for part in chapter.parts}
        assert pairs["CMP001"] == pair
        assert {pairs[code] for code in pairs if not code.startswith("CMP")} == {""}
        assert ("are those of seed 0" in told.asked) is bool(pair)
    text = page_of(tmp_path, held, several)
    assert '<b class="who">seed 0:</b>' in text


def test_the_command_for_more_seeds_is_given_once(tmp_path):
    untold = Section("compare", "two against one", record("compare"), (finding("CMP001", "inconclusive"),), tmp_path)
    about, held = record("study", recipes=[{}, {}]), [*sections(tmp_path)[:2], untold]
    shown = coloured(about, held)
    told = verdict(about, shown, chapters(shown), FEW)
    assert [step.command for step in told.steps].count("eyetest study --data planted --seeds 5") == 1


def test_what_is_not_told_has_its_own_place_and_names_the_model(tmp_path):
    about, held = record("study"), sections(tmp_path, "inconclusive", "ok")
    shown = coloured(about, held)
    found = {(one.word, one.title) for one in verdict(about, shown, chapters(shown), FEW).untold}
    assert ("cannot tell", "Title CAL002 (one)") in found
    assert ("cannot tell", "Title CMP012") in found


def test_few_findings_are_filled_with_what_cannot_be_told(tmp_path):
    found = tuple(finding(code, "inconclusive") for code in AUDITED[:5])
    shown = coloured(record(), [Section("s", "one", record("audit", "one"), found, tmp_path)])
    assert len(verdict(record(), shown, chapters(shown), FEW).headlines) == LEAST


def test_a_long_sentence_is_cut_where_a_number_is_left():
    assert in_short("First, n = 2. Second.") == "First, n = 2."
    long = "Right on 50.0 % (40.0 to 60.0); " + "w" * 200
    assert in_short(long) == "Right on 50.0 % (40.0 to 60.0); …"
    assert in_short("No number here; " + "w" * 200) == "No number here; " + "w" * 200


# chapters


def test_every_finding_is_in_one_chapter_beside_its_comparison(tmp_path):
    held = sections(tmp_path)
    told = chapters(coloured(record("study"), held))
    anchors = [part.anchor for chapter in told for part in chapter.parts]
    assert sorted(anchors) == sorted(f"{s.name}-{f.code}" for s in held for f in s.findings)
    looks = next(chapter for chapter in told if chapter.key == "looks")
    topic = next(topic for topic in looks.topics if topic.title == "Title CUE001")
    assert [part.finding.code for part in topic.parts] == ["CMP012", "CUE001", "CUE001"]
    assert told[-1].key == "more"


def test_the_chapter_of_a_study_with_seeds_asks_for_luck_first(tmp_path):
    held = [*sections(tmp_path), Section("s", "Seeds", record("study"), (finding("SEED001"),), tmp_path)]
    fix = chapters(coloured(record("study"), held))[0]
    assert "luck" in fix.question
    assert fix.parts[0].finding.code == "SEED001"


def test_further_seeds_are_short_and_in_the_same_colour(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    card = Card(id="test-1", truth="a", predicted="b", confidence=0.9, image="a.png")
    shows = finding("FAIL001", blocks=(Gallery(title="g", total=1, cards=(card,)),))
    held = [Section(f"one-{seed}", "one", record("audit", "one", seed=seed), (shows,), tmp_path) for seed in range(3)]
    text = page_of(tmp_path, held, record("study"))
    assert text.count("data:image/png") == 1
    assert text.count('class="short tint-0"') == 2
    data = json.loads(Reader(text).data["findings-data"])
    assert ["estimates" in one["findings"][0] for one in data["sections"]] == [True, False, False]


# next steps


def test_every_concern_has_one_next_step_with_a_command_that_can_be_copied(tmp_path):
    held = [Section("s", "one", record("audit", "one"), (), tmp_path, "runs/my model")]
    (shown,) = coloured(record(), held)
    for code in (*AUDITED, "CMP001", "OWN001"):
        assert next_step(finding(code, "concern"), shown) is not None
        assert next_step(finding(code, "ok"), shown) is None
    step = next_step(finding("FAIL001", "concern", samples=("test-7",)), shown)
    assert step.command == "eyetest look 'runs/my model' test-7 --data planted"
    assert next_step(finding("FAIL001", "concern"), shown).command == ""  # no image to look at
    assert next_step(finding("ACC001", "error"), shown).command == record().command


# the page


def blocks(name: str) -> tuple[object, ...]:
    picture = MapPicture(
        method="grad_cam", target="label", class_name=name, low=0, high=1, own_maximum=1, file="a.png",
        stamp="do not trust", stamp_reason=name,
    )  # fmt: skip
    swap = SwapPicture(transplant="colour", donor=name, donor_class=name, predicted=name, confidence=0.5, file="a.png")
    twin = TwinPicture(id=name, label=name, note=name, file="a.png")
    card = Card(
        id=name, truth=name, predicted=name, confidence=None, image="a.png", note=name, maps=(picture,), swaps=(swap,),
        twins=(twin,),
    )  # fmt: skip
    line = Series(name=name, x=(1.0, 2.0), y=(0.1, 0.2))
    return (
        Scalar(title=name, estimate="e"),
        Table(title=name, columns=(name, "stamp"), rows=((name, "trust"), (None, "cannot tell"))),
        Curve(title=name, x_label=name, y_label="y", series=(line,), mark_x=1.0, mark_label=name),
        Matrix(title=name, row_label="r", column_label="c", labels=(name, "b"), counts=((1, 2), (0, 0))),
        Forest(title=name, x_label="x", estimates=("e",)),
        Grid(title=name, estimates=(("e", "e"),)),
        Gallery(title=name, total=1, cards=(card,)),
        Note(text=name),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_every_block_and_status_is_shown_and_hostile_names_stay_text(tmp_path, name):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    found = tuple(
        finding(f"X{n}", status, f"{name} says {status}", blocks=blocks(name), title=name, params={name: name})
        for n, status in enumerate(MARKS)
    )
    text = page_of(tmp_path, [Section("s", name, record("audit", name), found, tmp_path)], record("audit", name))
    reader = Reader(text)
    assert not [tag for tag, attribute, _ in reader.attributes if attribute == "style" or attribute.startswith("on")]
    assert text.count("<script") == 2
    assert "alert(1)</script>" not in text
    for sign, word in MARKS.values():
        assert f'<span aria-hidden="true">{sign}</span> <span class="word">{word}</span>' in text
    assert text.count("<svg") == 4 * len(MARKS)
    data = json.loads(reader.data["findings-data"])
    assert data["sections"][0]["findings"][0]["title"] == name
    assert {value for tag, attribute, value in reader.attributes if attribute in ("src", "href")} <= {
        value for _, _, value in reader.attributes if value and value.startswith(("data:", "#"))
    }


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_the_theme_is_the_one_that_was_asked_for(tmp_path, theme):
    text = page_of(tmp_path, sections(tmp_path), options=PageOptions(theme=theme))
    assert f'<html lang="en" data-theme="{theme}">' in text


def test_without_images_no_picture_is_embedded_and_the_page_says_so(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    held = [Section("s", "one", record("audit", "one"), (finding("FAIL001", blocks=blocks("a")),), tmp_path)]
    assert "data:image/" in page_of(tmp_path, held)
    text = page_of(tmp_path, held, options=PageOptions(images=False))
    assert "data:image/" not in text
    assert "Pictures were left out" in text


def test_large_pictures_are_embedded_smaller(tmp_path):
    Image.effect_noise((128, 128), 50).convert("RGB").save(tmp_path / "a.png")
    held = [Section("s", "one", record("audit", "one"), (finding("FAIL001", blocks=blocks("a")),), tmp_path)]
    embedded = re.findall(r"data:image/webp;base64,([^\"]*)", page_of(tmp_path, held))
    assert embedded
    assert max(map(len, embedded)) < (tmp_path / "a.png").stat().st_size


def test_what_is_embedded_reads_back_with_its_numbers_and_tables(tmp_path):
    table = Table(title="T", columns=("a", "b"), rows=(("x", 1 / 3), ("</script>", None)))
    held = [Section("s", "one", record("audit", "one"), (finding("ACC001", blocks=(table,)),), tmp_path)]
    data = json.loads(Reader(page_of(tmp_path, held)).data["findings-data"])
    found = data["sections"][0]["findings"][0]
    row = dict(zip(data["estimate_columns"], found["estimates"][0], strict=True))
    assert (row["value"], row["n"], data["methods"][row["method"]]) == (0.5, 1234, "Wilson score interval")
    assert found["tables"] == [{"title": "T", "columns": ["a", "b"], "rows": [["x", 0.333333], ["</script>", None]]}]


def test_every_number_stands_under_its_method(tmp_path):
    text = page_of(tmp_path, sections(tmp_path))
    assert "95 % interval: Wilson score interval" in text
    assert 'title="ACC001 e = 50.0 % (40.0 % to 60.0 %, 95 %), n = 1,234, Wilson score interval"' in text


def test_every_link_inside_the_page_leads_somewhere(tmp_path):
    text = page_of(tmp_path, sections(tmp_path, "inconclusive", "concern"))
    ids = set(re.findall(r' id="([^"]+)"', text))
    links = {link for link in re.findall(r'href="#([^"]+)"', text) if "=" not in link}
    assert links
    assert links <= ids


# runs


def run_of(path: Path, about: RunRecord, *codes: str) -> RunDir:
    run = RunDir.begin(path, about)
    for code in codes:
        run.write_finding(finding(code))
    return run


def test_a_study_with_a_missing_child_is_a_page_that_says_so(tmp_path):
    config = {"recipes": [{"name": "one"}, {"name": "two"}, {"name": "three"}], "seeds": 1}
    study = run_of(tmp_path / "s", record("study", **config).model_copy(update={"status": "interrupted"}))
    run_of(study.path / "one-0", record("audit", "one"), "ACC001", "CAL001")
    half = record("audit", "two", checks=["ACC001", "CAL001"]).model_copy(update={"status": "running"})
    run_of(study.path / "two-0", half, "ACC001")
    text = write_report(study, study.page).read_text(encoding="utf-8")
    assert "This run is unfinished." in text
    assert "three-0 is missing." in text
    assert "two-0 is running, without an answer to CAL001." in text
    assert "one-0 is" not in text
    assert 'Finish it with <code class="command">eyetest study --data planted</code>' in text
    assert "What CAL001 says" in text


def test_an_interrupted_audit_names_the_checks_that_are_missing(tmp_path):
    half = record("audit", "one", checks=["ACC001", "CAL001"]).model_copy(update={"status": "interrupted"})
    run = run_of(tmp_path / "a", half, "ACC001")
    text = write_report(run, run.page).read_text(encoding="utf-8")
    assert "It is interrupted, without an answer to CAL001" in text


def test_a_finished_run_has_no_banner(tmp_path):
    run = run_of(tmp_path / "a", record("audit", "one", checks=["ACC001"]), "ACC001")
    assert 'role="alert"' not in write_report(run, run.page).read_text(encoding="utf-8")
