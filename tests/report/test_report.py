"""The page: complete, escaped, self-contained, and alive in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from eyetest.provenance import new_record
from eyetest.records import (
    Card,
    Counts,
    Curve,
    DataRecord,
    Estimate,
    Finding,
    Forest,
    Gallery,
    Histogram,
    MapPicture,
    Matrix,
    ModelRecord,
    Note,
    RunRecord,
    Scalar,
    Series,
    Table,
)
from eyetest.report import Section, render
from eyetest.report.asset import asset
from eyetest.report.figures import number
from eyetest.report.render import PAPER_ROWS, ROWS
from eyetest.report.words import wide

EVIL = "<script>document.title='harm'</script>\"'&"


def record(kind: str = "audit", *names: str) -> RunRecord:
    data = DataRecord(name="x", title=EVIL, fingerprint="f", classes=(EVIL, "b"), images={"test": 2})
    models = tuple(ModelRecord(name=name, fingerprint="m", parameters=1, source="") for name in names)
    return new_record(kind, data, models, seed=0, device="cpu", config={}).model_copy(update={"status": "complete"})


def finding(code: str = "FIT001") -> Finding:
    picture = MapPicture(
        method="grad_cam", target="label", class_name=EVIL, low=0, high=1, own_maximum=-1, file="../../etc/passwd"
    )
    card = Card(id=EVIL, truth=EVIL, predicted="b", confidence=0.9, image="none.png", group="fixed", maps=(picture,))
    line = Series(name=EVIL, x=(1.0, 2.0), y=(0.1, 0.2), low=(0.0, 0.1), high=(0.2, 0.3))
    return Finding(
        code=code, name="n", title=EVIL, question=EVIL, status="concern", headline=EVIL,
        estimates=(Estimate(name=f"e[{EVIL}]", value=0.5, low=0.4, high=0.6, n=10, unit="fraction", better="lower", method=EVIL),),
        blocks=(
            Scalar(title=EVIL, estimate=f"e[{EVIL}]"),
            Table(title=EVIL, columns=(EVIL, "n"), rows=((EVIL, 1), (None, 0.5), (True, "x"))),
            Curve(title=EVIL, x_label=EVIL, y_label="y", series=(line,), mark_x=1.0, mark_label=EVIL, diagonal=True),
            Matrix(title=EVIL, row_label="r", column_label="c", labels=(EVIL, "b"), counts=((1, 2), (0, 0))),
            Forest(title=EVIL, x_label="x", estimates=(f"e[{EVIL}]",)),
            Gallery(title=EVIL, total=1, cards=(card,)),
            Note(text=EVIL),
        ),
        limits=(EVIL,),
    )  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> Path:
    sections = [
        Section("compare", EVIL, record("compare", "one", "two"), (finding("CMP001"),), tmp_path),
        Section("one", "one", record("audit", "one"), (finding(),), tmp_path),
        Section("two", EVIL, record("audit", "two"), (finding(),), tmp_path),
    ]
    out = tmp_path / "report.html"
    render(EVIL, record("study"), sections, out)
    return out


def test_hostile_names_are_text_and_files_outside_are_not_read(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 2  # what is embedded, and the page's own
    assert "<script>document" not in text
    assert "root:" not in text
    assert "no image" in text
    assert "no positive evidence" in text


def stamped_map(method: str, target: str, stamp: str, reason: str = "", own_maximum: float = 1) -> MapPicture:
    return MapPicture(
        method=method, target=target, class_name="a", low=0, high=2, own_maximum=own_maximum,
        file="images/map.png", stamp=stamp, stamp_reason=reason,
    )  # fmt: skip


def gallery_page(folder: Path, maps: tuple[MapPicture, ...], other: tuple[MapPicture, ...] = ()) -> str:
    """The page of a gallery of one card."""
    (folder / "images").mkdir()
    Image.new("RGB", (4, 4), "red").save(folder / "images" / "map.png")
    card = Card(
        id="test-1", truth="a", predicted="b", confidence=0.9, image="images/map.png", maps=maps, other_maps=other
    )
    one = finding().model_copy(update={"blocks": (Gallery(title="g", total=1, cards=(card,)),)})
    about = record("compare", "one", "two") if other else record("audit", "one")
    render("x", about, [Section("s", "one", about, (one,), folder)], folder / "r.html")
    return (folder / "r.html").read_text(encoding="utf-8").partition("</style>")[2]


def test_every_map_says_its_stamp_in_words(tmp_path):
    maps = (
        stamped_map("grad_cam", "predicted", "trust"),
        stamped_map("saliency", "predicted", "do not trust", "is the same for another class"),
        stamped_map("saliency", "label", ""),
        stamped_map("occlusion", "predicted", "cannot tell", "changes under noise nobody sees"),
    )
    text = gallery_page(tmp_path, maps)
    assert re.findall(r'<span class="(?:stamp [a-z-]+|soft)">([^<]+)</span>', text) == [
        "trust", "do not trust", "not stamped", "cannot tell",
    ]  # fmt: skip
    said = "Do not trust saliency maps of the predicted class: such a map is the same for another class."
    assert text.count(said) == 2  # as the title of the map, and below the gallery
    assert "Trust grad-cam maps of the predicted class: they passed all tests." in text
    assert "such a map changes under noise nobody sees." in text


def test_maps_of_a_method_that_failed_are_grey_whatever_their_target(tmp_path):
    maps = (
        stamped_map("grad_cam", "predicted", "cannot tell", "x"),
        stamped_map("saliency", "predicted", "do not trust", "y"),
        stamped_map("saliency", "label", ""),
    )
    text = gallery_page(tmp_path, maps)
    assert re.findall(r'class="(map[^"]*)"', text) == ["map", "map distrusted", "map distrusted"]
    assert ".distrusted img { filter: grayscale(1)" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_map_without_positive_evidence_is_not_drawn(tmp_path):
    text = gallery_page(tmp_path, (stamped_map("grad_cam", "predicted", "", own_maximum=0),))
    assert '<span class="missing">no positive evidence</span>' in text
    assert text.count("<img") == 1  # the image itself


def test_a_comparison_says_whose_stamp_it_is(tmp_path):
    mine = stamped_map("grad_cam", "predicted", "trust")
    theirs = stamped_map("grad_cam", "predicted", "do not trust", "is the same for another class")
    text = gallery_page(tmp_path, (mine,), (theirs,))
    assert "one: Trust grad-cam" in text
    assert "two: Do not trust grad-cam" in text
    assert re.findall(r'class="(map[^"]*)"', text) == ["map", "map distrusted"]


def test_a_table_that_comes_first_is_shown_first_and_open(tmp_path):
    table = Table(title="Stamps", columns=("method", "stamp"), rows=(("m", "cannot tell"), ("o", "trust")) * 5)
    one = finding().model_copy(update={"blocks": (table, Note(text="after"))})
    render(
        "x",
        record("audit", "one"),
        [Section("s", "one", record("audit", "one"), (one,), tmp_path)],
        tmp_path / "r.html",
    )
    text = (tmp_path / "r.html").read_text(encoding="utf-8").partition("</style>")[2].partition("<footer")[0]
    assert text.index("Stamps") < text.index("after")
    assert text.count(">Stamps<") == 1
    assert text.count('<span class="stamp cannot-tell">') == 5
    assert "(10 rows)" not in text


def test_values_of_a_figure_are_all_there_because_no_download_holds_them(tmp_path):
    counts = tuple(range(3 * ROWS))
    edges = tuple(float(k) for k in range(3 * ROWS + 1))
    drawn = Histogram(title="h", x_label="x", edges=edges, series=(Counts(name="c", counts=counts),))
    table = Table(title="t", columns=("k",), rows=tuple((k,) for k in counts))
    one = finding().model_copy(update={"blocks": (drawn, table)})
    shown = [Section("s", "one", record("audit", "one"), (one,), tmp_path)]
    render("x", record("audit", "one"), shown, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = {
        name: body.count("<tr>")
        for name, body in re.findall(r'<table aria-label="([^"]*)"[^>]*>.*?<tbody[^>]*>(.*?)</tbody>', text, re.DOTALL)
    }
    assert (rows["h, images"], rows["t"]) == (3 * ROWS, ROWS)
    assert text.count('<p class="rest ') == 1


@pytest.mark.parametrize(("n", "long"), [(PAPER_ROWS, 0), (PAPER_ROWS + 1, 1)])
def test_only_a_long_list_of_numbers_is_cut_short_on_paper(tmp_path, n, long):
    numbers = tuple(finding().estimates[0].model_copy(update={"name": f"e{k}"}) for k in range(n))
    one = finding().model_copy(update={"estimates": numbers, "blocks": ()})
    about = record("audit", "one")
    render("x", about, [Section("s", "one", about, (one,), tmp_path)], tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8").partition("</style>")[2]
    assert text.count('<tbody class="long">') == long
    assert text.count(f"Of each method {PAPER_ROWS} numbers at most are on paper") == long


@pytest.mark.parametrize(
    ("columns", "expected"),
    [(["a"] * 10, False), (["a"] * 11, True), (["two words of 14", "e" * 14], False), (["a", "b " + "e" * 15], True)],
)
def test_heads_break_anywhere_where_they_would_not_fit_on_paper(columns, expected):
    assert wide(columns) == expected


def test_the_style_cuts_where_the_page_says_so():
    style = asset("page.css")
    assert f"tbody.long tr:nth-child(n + {PAPER_ROWS + 1})" in style
    assert f".numbers tbody.long tr:nth-child(n + {PAPER_ROWS + 2})" in style  # the method is the first row


def test_nothing_is_loaded_from_anywhere(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r'(?:src|href)="([^"]{0,5})', text)) <= {"data:"} | {
        h[:5] for h in re.findall(r'href="(#[^"]*)', text)
    }
    assert "default-src 'none'" in text


def test_an_unfinished_run_says_so(tmp_path):
    unfinished = record().model_copy(update={"status": "interrupted"})
    render("x", unfinished, [], tmp_path / "r.html")
    assert "unfinished" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_numbers_show_their_unit_and_enough_digits():
    estimate = finding().estimates[0]
    assert number(estimate, 0.5) == "50.0 %"
    narrow = estimate.model_copy(update={"low": 0.499, "high": 0.501})
    assert number(narrow, 0.5) == "50.00 %"
    assert number(estimate.model_copy(update={"unit": "fraction (B − A)"}), -0.062) == "−6.20 points"
    assert number(estimate.model_copy(update={"unit": "fraction, points"}), -0.062) == "−6.2 points"


@pytest.mark.browser
def test_the_page_is_alive_in_a_browser(page, browser):
    browser.open(page)
    assert browser.driver.title == EVIL
    assert len(browser.all("article")) == 3
    assert all(image.get_property("naturalWidth") > 0 for image in browser.all("img"))
    assert browser.all("article .big b")[0].value_of_css_property("color")
    assert browser.console() == []
