"""The page in Chromium: quiet, self-contained, readable on a phone, on paper, in the dark and without JavaScript."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from driven import A4, PHONE, Browser, copies
from selenium.webdriver.common.keys import Keys
from synthetic import made_up_data, partial_study

from eyetest.provenance import new_record
from eyetest.records import Cell, Curve, Estimate, Finding, Forest, Grid, Histogram, Matrix, Note, Table
from eyetest.report import Section, render
from eyetest.report.options import PageOptions, Theme
from eyetest.report.render import MARKS, PAPER_ROWS
from eyetest.report.words import cell
from eyetest.store import RunDir

pytestmark = pytest.mark.browser
DRAWN = (Curve, Matrix, Forest, Grid, Histogram)
OWN = ("file:", "data:", "blob:", "about:")
FIGURES = "svg.figure, img.figure"


def findings(run: RunDir) -> list[Finding]:
    return [finding for one in run.children for finding in one.findings.values()]


def blocks(run: RunDir, *kinds: type) -> list[object]:
    return [block for finding in findings(run) for block in finding.blocks if isinstance(block, kinds)]


def on_paper(browser: Browser, size: tuple[int, int] = A4) -> None:
    """As it is printed, by a reader whose system is dark."""
    browser.looks(size=size, media="print", scheme="dark")
    browser.run("window.dispatchEvent(new Event('beforeprint'))")


def open_details(browser: Browser) -> None:
    """As a reader opens them, which needs no JavaScript of the page."""
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_and_asks_for_nothing(browser: Browser, page: Path, scheme: str) -> None:
    browser.looks(scheme=scheme).open(page)
    assert browser.console() == []
    requests = browser.requests()
    assert page.as_uri() in requests
    assert [url for url in requests if not url.startswith(OWN)] == []
    assert [url for url in requests if url.startswith("file:")] == [page.as_uri()]


def test_a_page_that_asks_for_something_is_caught(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<title>x</title><img src='http://127.0.0.1:9/x.png'><script>boom()</script>")
    browser.open(tmp_path / "bad.html")
    assert "http://127.0.0.1:9/x.png" in browser.requests()
    assert any("boom" in line for line in browser.console())


def test_names_are_text(browser: Browser, page: Path) -> None:
    browser.open(page)
    open_details(browser)
    assert browser.driver.title != "harm"
    assert "<script>document.title='harm'</script>" in browser.run("return document.body.innerText")
    assert not browser.all("[onerror], [onclick], [onload]")
    assert [one.get_attribute("type") for one in browser.all("script:not([type='application/json'])")] in ([], [""])


def test_every_finding_is_there_with_its_status_in_words(browser: Browser, page: Path, study: RunDir) -> None:
    browser.open(page)
    assert {finding.status for finding in findings(study)} == set(MARKS)
    expected = [f"{one.path.name}-{code}" for one in study.children for code in one.findings]
    shown = browser.run("return [...document.querySelectorAll('article[id]')].map(one => one.id)")
    assert sorted(shown) == sorted(expected)
    text = browser.run("return document.body.textContent")
    assert all(word in text for _, word in MARKS.values())


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_every_figure_and_table_can_be_seen(browser: Browser, page: Path, study: RunDir, script: bool) -> None:
    browser.open(page, script=script)
    open_details(browser)
    assert len(browser.all(FIGURES)) >= len(blocks(study, *DRAWN))
    assert len(browser.visible(FIGURES)) == len(browser.all(FIGURES))
    tables = [block for block in blocks(study, Table) if block.rows]
    assert len(browser.visible("table")) >= len(tables)
    assert len(browser.visible("article table")) == len(browser.all("article table"))
    pictures = "return [...document.images].filter(i => i.getClientRects().length && i.complete && !i.naturalWidth)"
    assert browser.run(pictures) == []


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_word_leads_to_its_meaning(browser: Browser, page: Path, script: bool) -> None:
    browser.open(page, script=script)
    assert not browser.visible("#glossary dl")
    word = browser.visible("article a.term[href='#glossary-points']")[0]
    browser.run("arguments[0].focus()", word)
    browser.press(Keys.ENTER)
    browser.until(
        "const box = document.getElementById('glossary-points').getBoundingClientRect();"
        "return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight"
    )
    assert browser.run("return document.querySelector(':target').id") == "glossary-points"


def test_words_are_dotted_on_the_screen_and_plain_on_paper(browser: Browser, page: Path) -> None:
    lines = "const s = getComputedStyle(document.querySelector('main a.term')); return [s.textDecorationLine, s.textDecorationStyle]"
    browser.open(page)
    assert browser.run(lines) == ["underline", "dotted"]
    browser.looks(media="print")
    assert browser.run(lines)[0] == "none"


def test_without_javascript_there_are_pictures_and_no_dead_buttons(browser: Browser, page: Path) -> None:
    browser.open(page, script=False)
    assert browser.visible("img")
    assert browser.visible("button, select, input") == []


def beyond_the_margin(selector: str, condition: str = "") -> str:
    """An expression for the first elements that reach past the right end of the page."""
    return (
        f"[...document.querySelectorAll('{selector}')].filter(e => {condition}"
        "e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".slice(0, 8).map(e => e.outerHTML.slice(0, 160))"
    )


def test_a_phone_scrolls_in_one_direction(browser: Browser, page: Path) -> None:
    browser.looks(size=PHONE).open(page)
    open_details(browser)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert browser.run(f"return {wide} ? {beyond_the_margin('body *')} : []") == []


def test_paper_holds_all_figures_and_tables_and_no_controls(browser: Browser, page: Path) -> None:
    on_paper(browser.open(page))
    assert browser.visible("button:not(.g-tile), select, input, nav") == []  # tiles are pictures too
    assert len(browser.visible(FIGURES)) == len(browser.all(FIGURES))
    assert len(browser.visible("article table")) == len(browser.all("article table"))
    assert browser.visible("footer h2:not(.take h2)")
    assert not browser.visible(".take")


@pytest.mark.parametrize("theme", ["auto", "dark"])
def test_paper_is_white(browser: Browser, study: RunDir, tmp_path: Path, theme: Theme) -> None:
    on_paper(browser.open(study.report(tmp_path / "page.html", PageOptions(theme))))
    ink, paper = browser.run(
        "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor].map(c =>"
        " /, 0\\)$/.test(c) ? 255 : c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b / 3, 0))"
    )
    assert paper == 255
    assert ink < 100


def test_nothing_is_cut_at_the_margin_of_paper(browser: Browser, page: Path) -> None:
    on_paper(browser.open(page))
    cut = beyond_the_margin("main *, header *, footer *", "e.checkVisibility() && ")
    assert browser.run(f"return {cut}") == []


def test_models_lie_below_each_other_also_on_landscape_paper(browser: Browser, page: Path) -> None:
    on_paper(browser.open(page), size=(A4[1], A4[0]))
    beside = browser.run(
        "const boxes = [...document.querySelectorAll('.sides > article')].filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect());"
        "return [boxes.length, boxes.filter((b, i) => i && b.top < boxes[i - 1].bottom - 1).length]"
    )
    assert beside[0] > 4
    assert beside[1] == 0


def test_a_long_table_is_cut_short_on_paper_and_says_so(browser: Browser, page: Path, study: RunDir) -> None:
    rows = "return [...document.querySelectorAll('article tbody')].map(b => [...b.rows].filter(r => r.checkVisibility()).length)"
    long = {len(block.rows) for block in blocks(study, Table) if len(block.rows) > PAPER_ROWS}
    browser.open(page)
    open_details(browser)
    assert max(browser.run(rows)) > PAPER_ROWS
    assert not browser.visible(".on-paper")
    on_paper(browser)
    assert max(browser.run(rows)) == PAPER_ROWS
    said = {note.text for note in browser.visible(".on-paper")}
    assert {f"{PAPER_ROWS} of {n} rows are on paper; the page has the others." for n in long} <= said
    assert not browser.visible(".on-screen")


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light"), ("auto", "dark"), ("dark", "light")])
def test_axe_finds_nothing_serious(browser: Browser, study: RunDir, tmp_path: Path, theme: str, scheme: str) -> None:
    page = study.report(tmp_path / "page.html", PageOptions(theme))
    browser.looks(scheme=scheme).open(page)
    open_details(browser)
    dark = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 128")
    assert dark == ("dark" in (theme, scheme))
    assert browser.breaches() == []


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    bad = "<html lang=en><title>x</title><main><h1>x</h1><button></button><p style='color:#aaa'>pale</p></main>"
    (tmp_path / "bad.html").write_text(bad)
    browser.open(tmp_path / "bad.html")
    assert {line.split()[0] for line in browser.breaches()} == {"button-name", "color-contrast"}


def test_findings_and_their_numbers_and_tables_are_downloaded(browser: Browser, page: Path, study: RunDir) -> None:
    browser.open(page)
    for button in ("json", "numbers", "tables"):
        browser.click(f"button[data-download='{button}']")
    told = json.loads(browser.downloaded("findings.json"))
    expected = sorted((finding.code, finding.headline) for finding in findings(study))
    assert sorted((one["code"], one["headline"]) for part in told["sections"] for one in part["findings"]) == expected
    head, *rows = csv.reader(io.StringIO(browser.downloaded("numbers.csv").decode("utf-8")))
    estimates = [(finding.code, one.name, one.n) for finding in findings(study) for one in finding.estimates]
    at = [head.index(name) for name in ("finding", "name", "n")]
    assert sorted((row[at[0]], row[at[1]], int(row[at[2]])) for row in rows) == sorted(estimates)
    written = list(csv.reader(io.StringIO(browser.downloaded("tables.csv").decode("utf-8"))))
    for table in blocks(study, Table):
        assert list(table.columns) in written
    assert browser.console() == []


FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '="a"&"b"')
HARMLESS = ("a=b", "", "'=1", " =1", "5-3", "(=1)")
LONG = tuple(
    (
        f"{name} {k}" if k > 20 else name,
        -k if k % 2 else k * 1000,
        -(k + 1) / 8,
        k if k % 2 else k + 0.5,
        k % 3 == 0,
        None,
    )
    for k, name in enumerate((*FORMULAS, *HARMLESS) * 20)
)


@pytest.fixture(scope="module")
def long_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two models, each with two tables of 260 rows under names that a spreadsheet takes for formulas."""
    folder = tmp_path_factory.mktemp("long")
    told = []
    for name, rows in (("=model", LONG), ("other", LONG[5:])):
        tables = [
            Table(title=f"=title {k}", columns=("=file", "count", "change", "either", "odd", "none"), rows=rows[k:])
            for k in range(2)
        ]
        estimate = Estimate(
            name="=e", value=-0.3, low=-0.4, high=0.1, n=10, unit="points", better="lower", method="@by hand"
        )
        finding = Finding(
            code="ACC001", name="n", title="t", question="q", status="ok", headline="h",
            limits=(), estimates=(estimate,), blocks=(Note(text="first"), *tables[:1], Note(text="between"), *tables[1:]),
        )  # fmt: skip
        record = new_record("audit", made_up_data(("a", "b"), 4).record(), (), seed=0, device="cpu", config={})
        told.append(Section(name, name, record, (finding,), folder))
    render("Long", told[0].run, told, folder / "page.html")
    return folder / "page.html"


def as_shown(value: Cell) -> str:
    return " ".join(cell(value).split())


def spreadsheet(value: Cell) -> str:
    """A cell as the CSV must hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"'{value}" if value[:1] in tuple("=+-@\t\r") else value


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def test_no_cell_of_a_download_is_a_formula(browser: Browser, long_tables: Path) -> None:
    browser.open(long_tables)
    for button in ("numbers", "tables"):
        browser.click(f"button[data-download='{button}']")
    head, first, second = read_csv(browser.downloaded("numbers.csv"))
    assert first[:7] == ["'=model", "ACC001", "'=e", "-0.3", "-0.4", "0.1", "0.95"]
    assert first[head.index("method")] == "'@by hand"
    assert second[0] == "other"
    written = read_csv(browser.downloaded("tables.csv"))
    assert written[:2] == [["'=model", "ACC001", "'=title 0"], ["'=file", "count", "change", "either", "odd", "none"]]
    assert written[2 : 2 + len(LONG)] == [[spreadsheet(value) for value in row] for row in LONG]
    assert {line[0] for line in written if line} >= {f"'{one}" for one in FORMULAS} | set(HARMLESS) - {""}
    assert browser.console() == []


def test_all_rows_of_a_long_table_can_be_seen(browser: Browser, long_tables: Path) -> None:
    browser.open(long_tables)
    open_details(browser)
    tables = "[...document.querySelectorAll(\"table[aria-label^='=title']\")]"
    shown = f"return {tables}.map(t => t.tBodies[0].rows.length)"
    assert browser.run(shown) == [200, 200, 200, 200]
    before = [one.text.split("\n")[0] for one in browser.all("p.rest")]
    assert before[0].startswith("The first 200 of 260 rows.")
    assert before[1].startswith("The first 200 of 259 rows.")
    browser.run(
        "document.querySelectorAll('p.rest')[1].querySelector('[data-rows=show]').setAttribute('data-chosen', '')"
    )
    browser.click("[data-chosen]")
    assert browser.run(shown) == [200, 259, 200, 200]
    cells = f"return [...{tables}[1].tBodies[0].rows].map(r => [...r.cells].map(c => c.innerText.trim()))"
    assert browser.run(cells) == [[as_shown(value) for value in row] for row in LONG[1:]]
    looks = f"return [...{tables}[1].tBodies[0].rows].map(r => [...r.cells].map(c => c.className).join())"
    assert len(set(browser.run(looks))) == 1
    assert browser.all("p.rest")[1].text.startswith("All 259 rows.")
    assert len(browser.visible("button[data-rows=show]")) == 3
    assert browser.run("return document.activeElement.querySelector('table')?.ariaLabel") == "=title 1"
    assert browser.console() == []


def test_the_rows_of_one_long_table_are_downloaded(browser: Browser, long_tables: Path) -> None:
    browser.open(long_tables)
    open_details(browser)
    browser.run(
        "document.querySelectorAll('p.rest')[3].querySelector('[data-rows=csv]').setAttribute('data-chosen', '')"
    )
    browser.click("[data-chosen]")
    head, *rows = read_csv(browser.downloaded("other-ACC001-table-2.csv"))
    assert head == ["'=file", "count", "change", "either", "odd", "none"]
    assert rows == [[spreadsheet(value) for value in row] for row in LONG[6:]]


def test_without_javascript_a_long_table_says_where_its_rows_are(browser: Browser, long_tables: Path) -> None:
    browser.open(long_tables, script=False)
    assert browser.visible("button") == []
    text = browser.all("p.rest")[0].get_attribute("textContent")
    assert "The first 200 of 260 rows." in text
    assert "All are in findings/ACC001.json" in text


@pytest.mark.parametrize("source", ["summary", "citation"])
def test_a_button_of_the_page_says_that_it_copied(browser: Browser, page: Path, source: str) -> None:
    browser.open(page)
    open_details(browser)
    button, text = f"button[data-copy={source}]", browser.run(f"return document.querySelector('#{source}').innerText")
    copies(browser, button, "Copied", text)
    browser.until("return document.querySelector(arguments[0]).textContent === 'Copy'", button)
    assert browser.all(button)[0].get_attribute("aria-live") == "polite"


def test_confidential_data_stay_out(browser: Browser, study: RunDir, tmp_path: Path) -> None:
    page = study.report(tmp_path / "page.html", PageOptions(images=False))
    browser.open(page)
    assert "data:image/png" not in page.read_text(encoding="utf-8")
    assert "data:image/webp" not in page.read_text(encoding="utf-8")
    assert browser.all("img:not(.figure)") == []
    assert browser.console() == []
    assert len(browser.all(FIGURES)) >= len(blocks(study, *DRAWN))


def test_an_unfinished_study_says_so(browser: Browser, tmp_path: Path) -> None:
    run = partial_study(tmp_path / "run")
    browser.open(run.report())
    assert browser.console() == []
    assert len(browser.all("article")) == 3
    assert "unfinished" in browser.run("return document.body.innerText")
