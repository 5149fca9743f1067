"""The gallery in Chromium: a confusion cell's images, filters, links, keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
from driven import PHONE, Browser, copies
from selenium.webdriver.common.keys import Keys
from synthetic import partial_study

from eyetest.records import Gallery
from eyetest.store import RunDir
from eyetest.types import Predictions

pytestmark = pytest.mark.browser
CARDS = "#gallery .g-tile[data-id]"
COUNT = "#gallery .g-count"
OPENED = "dialog[open]"


@pytest.fixture(scope="module")
def told(study: RunDir) -> dict[str, Predictions]:
    """What each model said of the test images."""
    return {run.record.models[0].name: run.predictions("identity", "test") for run in study.children[:2]}


def ids(predictions: Predictions, chosen: np.ndarray) -> set[str]:
    return {f"test-{row}" for row in predictions.rows[chosen]}


def query(**keys: str) -> str:
    return "#" + urlencode(keys)


def shown(browser: Browser) -> set[str]:
    """The images whose cards can be seen, after all portions were asked for."""
    for _ in range(50):
        more = browser.visible("#gallery .g-more button")
        if not more:
            break
        browser.run("arguments[0].click()", more[0])
    return {card.get_attribute("data-id") for card in browser.visible(CARDS)}


def holds(browser: Browser, expected: set[str]) -> None:
    """The gallery holds exactly these images, and its count says so."""
    count = f"return document.querySelector('{COUNT}').dataset.matching === '{len(expected)}'"
    browser.until(count)
    assert shown(browser) == expected
    assert str(len(expected)) in browser.all(COUNT)[0].text


def fullest_cell(predictions: Predictions, classes: int) -> tuple[int, int]:
    """Truth and answer of the most frequent error."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (predictions.labels, predictions.predicted), 1)
    np.fill_diagonal(counts, 0)
    truth, predicted = np.unravel_index(counts.argmax(), counts.shape)
    return int(truth), int(predicted)


def test_a_confusion_cell_shows_exactly_its_images(browser: Browser, page: Path, study: RunDir, told: Any) -> None:
    classes = study.record.data.classes
    name, predictions = next(iter(told.items()))
    truth, predicted = fullest_cell(predictions, len(classes))
    wanted = {"truth": [classes[truth]], "predicted": [classes[predicted]], "model": [name]}
    browser.open(page)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    links = [
        one
        for one in browser.all("svg.figure a")
        if parse_qs(str(one.get_dom_attribute("href")).partition("#")[2]) == wanted
    ]
    assert links
    browser.run("arguments[0].setAttribute('data-chosen', '')", links[0])
    browser.click("[data-chosen]")
    holds(browser, ids(predictions, (predictions.labels == truth) & (predictions.predicted == predicted)))
    assert browser.console() == []


def test_every_tile_shows_the_picture_of_its_image(browser: Browser, page: Path, study: RunDir) -> None:
    stored: dict[str, set[str]] = {}
    for run in study.children:
        for name, content in run.thumbnails().items():
            stored.setdefault(name, set()).add(base64.b64encode(content).decode())
        for finding in run.findings.values():
            for card in (card for b in finding.blocks if isinstance(b, Gallery) for card in b.cards):
                content = (run.path / card.image).read_bytes()
                stored.setdefault(card.id, set()).add(base64.b64encode(content).decode())
    browser.open(page)
    assert shown(browser) <= set(stored)
    tiles = browser.run(
        f"return [...document.querySelectorAll('{CARDS}')].map(one => [one.dataset.id, one.querySelector('img').src])"
    )
    wrong = [name for name, source in tiles if source.partition("base64,")[2] not in stored[name]]
    assert len(tiles) > 30 and not wrong


@pytest.mark.parametrize("how", ["link", "filters"])
def test_filters_combine(browser: Browser, page: Path, study: RunDir, told: Any, how: str) -> None:
    classes = study.record.data.classes
    name, predictions = list(told.items())[1]
    truth, predicted = fullest_cell(predictions, len(classes))
    keys = {"model": name, "truth": classes[truth], "predicted": classes[predicted], "confidence": "0.9-1"}
    browser.open(page, query(**keys) if how == "link" else "")
    if how == "filters":
        for key, value in keys.items():
            browser.choose(key, value) if key != "confidence" else browser.between(*value.split("-"))
    sure = predictions.confidence >= 0.9
    expected = (predictions.labels == truth) & (predictions.predicted == predicted) & sure
    assert 0 < expected.sum() < ((predictions.labels == truth) & (predictions.predicted == predicted)).sum()
    holds(browser, ids(predictions, expected))
    for key in ("model", "truth", "predicted"):
        assert browser.run(f"return document.querySelector('#gallery select[name={key}]').value") == keys[key]
    held = parse_qs(browser.run("return location.hash.slice(1)"))
    assert {key: [value] for key, value in keys.items()}.items() <= held.items()


@pytest.mark.parametrize(
    ("change", "of"),
    [
        ("fixed", lambda a, b: ~a & b),
        ("broken", lambda a, b: a & ~b),
        ("still-wrong", lambda a, b: ~a & ~b),
    ],
)
def test_what_changed_between_the_models(
    browser: Browser, page: Path, told: Any, change: str, of: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    a, b = told.values()
    browser.open(page, query(change=change))
    holds(browser, ids(a, of(a.correct, b.correct)))


def test_a_reset_shows_all_again(browser: Browser, page: Path, study: RunDir) -> None:
    browser.open(page)
    before = browser.all(COUNT)[0].text
    browser.choose("truth", study.record.data.classes[0])
    browser.until("return document.querySelector('#gallery .g-count').textContent !== arguments[0]", before)
    browser.click("#gallery .g-clear")
    browser.until(
        "return document.querySelector('#gallery .g-count').textContent.trim() === arguments[0]", before.strip()
    )
    assert "truth" not in browser.run("return location.hash")


def test_a_link_restores_the_opened_image_and_the_filters(
    browser: Browser, page: Path, study: RunDir, told: Any
) -> None:
    name, predictions = next(iter(told.items()))
    row = int(predictions.rows[~predictions.correct][3])
    keys = {"model": name, "truth": study.record.data.classes[predictions.labels[row]], "image": f"test-{row}"}
    browser.open(page, query(**keys))
    browser.until(f"return document.querySelector('{OPENED}')")
    (dialog,) = browser.all(OPENED)
    assert dialog.get_attribute("data-id") == f"test-{row}"
    assert study.record.data.classes[predictions.labels[row]] in dialog.get_attribute("textContent")
    browser.press(Keys.ESCAPE)
    browser.until(f"return !document.querySelector('{OPENED}')")
    held = parse_qs(browser.run("return location.hash.slice(1)"))
    assert "image" not in held
    assert held["truth"] == [keys["truth"]]


def test_an_unknown_image_or_class_in_a_link_does_no_harm(browser: Browser, page: Path) -> None:
    browser.open(page, query(image="test-99999", truth="<img src=x onerror=document.title='harm'>", sort="x"))
    assert browser.driver.title != "harm"
    assert browser.console() == []
    assert browser.all(OPENED) == []


def test_keys_move_open_and_close(browser: Browser, page: Path) -> None:
    browser.open(page)
    at = "const c = document.activeElement.closest('[data-id]'); return c && c.dataset.id"
    first, second = (card.get_attribute("data-id") for card in browser.visible(CARDS)[:2])
    browser.run(
        "const c = document.querySelector(arguments[0]); (c.matches('a[href], button, [tabindex]') ? c"
        " : c.querySelector('a[href], button, [tabindex]')).focus()",
        CARDS,
    )
    assert browser.run(at) == first
    browser.press(Keys.ARROW_RIGHT)
    assert browser.run(at) == second
    browser.press(Keys.ARROW_LEFT)
    assert browser.run(at) == first
    browser.press(Keys.ENTER)
    browser.until(f"return document.querySelector('{OPENED}')")
    assert browser.all(OPENED)[0].get_attribute("data-id") == first
    browser.press(Keys.ARROW_RIGHT)
    browser.until(f"return document.querySelector('{OPENED}').dataset.id === arguments[0]", second)
    browser.press(Keys.ESCAPE)
    browser.until(f"return !document.querySelector('{OPENED}')")
    assert browser.run(at) in (first, second)


HELP = "#gallery .g-keys"
FOCUSED = "const c = document.activeElement.closest('[data-id]'); return c && c.dataset.id"
FIRST = f"document.querySelector('{CARDS}').focus()"


def test_every_key_that_is_told_works(browser: Browser, page: Path) -> None:
    browser.open(page)
    (told,) = browser.visible(HELP)
    names = browser.run(f"return [...document.querySelectorAll('{HELP} kbd')].map(one => one.textContent)")
    keys = {"←": Keys.ARROW_LEFT, "→": Keys.ARROW_RIGHT, "↑": Keys.ARROW_UP, "↓": Keys.ARROW_DOWN, "Home": Keys.HOME, "End": Keys.END, "Enter": Keys.ENTER, "Esc": Keys.ESCAPE}  # fmt: skip
    assert set(names) == set(keys)
    assert "opens" in told.text
    assert "closes" in told.text
    order = browser.run(f"return [...document.querySelectorAll('{CARDS}')].map(one => one.dataset.id)")
    a_row = browser.run(
        f"const all = [...document.querySelectorAll('{CARDS}')];"
        "return all.filter(one => one.offsetTop === all[0].offsetTop).length"
    )
    browser.run(FIRST)
    for key, place in (("→", 1), ("↓", 1 + a_row), ("←", a_row), ("↑", 0), ("→", 1), ("Home", 0)):
        browser.press(keys[key])
        assert browser.run(FOCUSED) == order[place]
    browser.press(keys["End"])
    assert browser.run(FOCUSED) == browser.run(f"return [...document.querySelectorAll('{CARDS}')].at(-1).dataset.id")
    browser.press(keys["Home"], keys["Enter"])
    browser.until(f"return document.querySelector('{OPENED}')?.dataset.id === arguments[0]", order[0])
    assert [one.text for one in browser.visible(f"{OPENED} .g-head kbd")] == ["Esc"]
    for key, place in (("→", 1), ("→", 2), ("←", 1), ("←", 0), ("→", 1)):
        browser.press(keys[key])
        browser.until(f"return document.querySelector('{OPENED}').dataset.id === arguments[0]", order[place])
    assert browser.run(f"return document.querySelector('{OPENED}').contains(document.activeElement)")
    browser.press(keys["Esc"])
    browser.until(f"return !document.querySelector('{OPENED}')")


def test_keys_are_told_neither_on_a_phone_nor_on_paper_nor_without_javascript(browser: Browser, page: Path) -> None:
    browser.looks(size=PHONE).open(page, query(image="test-0"))
    assert browser.visible(f"{HELP}, {OPENED} .g-head kbd") == []
    browser.looks(media="print").open(page)
    assert browser.visible(HELP) == []
    browser.looks().open(page, script=False)
    assert browser.visible(HELP) == []


@pytest.mark.parametrize("what", ["copy id", "copy link", "copy command"])
def test_a_button_says_that_it_copied_and_is_then_itself_again(browser: Browser, page: Path, what: str) -> None:
    browser.open(page, query(image="test-0"))
    browser.until(f"return document.querySelector('{OPENED}')")
    command = browser.run(f"return document.querySelector('{OPENED} .g-command code').textContent")
    expected = {"copy id": "test-0", "copy link": browser.driver.current_url, "copy command": command}[what]
    browser.run(
        f"[...document.querySelectorAll('{OPENED} .g-copy')].find(one => one.textContent === arguments[0]).id = 'chosen'",
        what,
    )
    copies(browser, "#chosen", "copied", expected)
    browser.until("return document.querySelector('#chosen').textContent === arguments[0]", what)
    assert browser.all("#chosen")[0].get_attribute("aria-live") == "polite"


def test_a_button_says_where_it_cannot_copy(browser: Browser, page: Path) -> None:
    browser.open(page, query(image="test-0"))
    browser.until(f"return document.querySelector('{OPENED}')")
    browser.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    browser.click(f"{OPENED} .g-copy")
    browser.until(f"return document.querySelector('{OPENED} .g-copy').textContent.startsWith('could not copy')")


def test_an_opened_card_passes_axe(browser: Browser, page: Path) -> None:
    for scheme in ("light", "dark"):
        browser.looks(scheme=scheme).open(page, query(image="test-0"))
        browser.until(f"return document.querySelector('{OPENED}')")
        assert browser.breaches(OPENED) == []


def test_an_opened_card_says_how_to_recompute_it(browser: Browser, page: Path) -> None:
    browser.open(page, query(image="test-0"))
    browser.until(f"return document.querySelector('{OPENED}')")
    assert {button.text for button in browser.visible(f"{OPENED} .g-copy")} == {"copy id", "copy link", "copy command"}
    assert re.search(r"eyetest look .*test-0", browser.run(f"return document.querySelector('{OPENED}').textContent"))


def removals(browser: Browser) -> list[list[str]]:
    """The table of what was answered with a cue taken away, as an opened card shows it."""
    cells = "[...row.cells].map(cell => cell.innerText.replaceAll('\u00a0', ' ').trim())"
    return list(browser.run(f"return [...document.querySelectorAll('{OPENED} .g-removals tr')].map(row => {cells})"))


def in_words(predictions: Predictions, row: int, classes: tuple[str, ...]) -> str:
    (k,) = np.flatnonzero(predictions.rows == row)
    predicted, sure = int(predictions.predicted[k]), round(1000 * float(predictions.confidence[k]))
    mark = "✔" if predicted == predictions.labels[k] else "✘"
    return f"{mark} {' '.join(classes[predicted].split())} {sure / 10:.{1 if sure > 989 or sure < 10 else 0}f} %"


@pytest.mark.parametrize("row", [7, 299, 300])
def test_a_card_says_what_was_answered_with_a_cue_taken_away(
    browser: Browser, page: Path, study: RunDir, told: Any, row: int
) -> None:
    classes, (first, second) = study.record.data.classes, study.children[:2]
    browser.open(page, query(image=f"test-{row}"))
    browser.until(f"return document.querySelector('{OPENED}')")
    asked = {
        "nothing": told.values(),
        "colour grayscale": [one.predictions("grayscale", "test") for one in (first, second)],
    }
    expected = [[cue, *(in_words(one, row, classes) for one in answers)] for cue, answers in asked.items()]
    if row < 300:
        half = second.predictions("patch_shuffle-2@test-300", "test")
        expected.append(["layout of tiles patch shuffle 2", "–", in_words(half, row, classes)])
    head, *body = removals(browser)
    assert head == ["taken away", *(f"● {name}" for name in told)]
    assert body == expected
    bold = browser.run(
        f"return [...document.querySelectorAll('{OPENED} .g-removals td')].map(e => !!e.querySelector('b'))"
    )
    whole = [one[2:].rpartition(" ")[0].rpartition(" ")[0] for line in expected for one in line]
    changed = [whole[k] != whole[k % 3] and k % 3 > 0 and whole[k] != "" for k in range(len(whole))]
    assert bold == changed
    assert browser.console() == []


def test_a_card_without_such_answers_says_nothing_of_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(partial_study(tmp_path / "run").report(), query(image="test-0"))
    browser.until(f"return document.querySelector('{OPENED}')")
    assert removals(browser) == []
    assert "taken away" not in browser.run(f"return document.querySelector('{OPENED}').textContent")


def test_of_one_model_the_answers_have_no_name(browser: Browser, study: RunDir, tmp_path: Path) -> None:
    audit = study.children[1]
    browser.open(audit.report(tmp_path / "page.html"), query(image="test-7"))
    browser.until(f"return document.querySelector('{OPENED}')")
    head, *body = removals(browser)
    assert head == ["taken away", "answer"]
    assert [line[0] for line in body] == ["nothing", "colour grayscale", "layout of tiles patch shuffle 2"]


def test_scales_are_the_same_for_all_until_stretched(browser: Browser, page: Path) -> None:
    browser.open(page, query(image="test-0"))
    browser.until(f"return document.querySelector('{OPENED}')")
    (toggle,) = browser.visible(f"{OPENED} .g-toggle input")
    before = browser.run(f"return document.querySelector('{OPENED}').outerHTML")
    browser.run("arguments[0].click()", toggle)
    assert browser.run(f"return document.querySelector('{OPENED}').outerHTML") != before
