"""The gallery of single images: what the page holds of them, and what a browser makes of it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from PIL import Image
from synthetic import made_up_predictions

import eyetest as et
from eyetest.checks._removal import Removal, Removed
from eyetest.data.base import Dataset
from eyetest.records import Gallery
from eyetest.report import gallery_data as source
from eyetest.report.embedded import as_json
from eyetest.report.gallery import DATA, PLAIN, GallerySection, gallery_section, picture_uri
from eyetest.report.options import PageOptions
from eyetest.store import RunDir
from eyetest.tensors import Images
from eyetest.views.base import View
from eyetest.views.grayscale import Grayscale
from eyetest.views.luma_noise import LumaNoise

EVIL = "</script><script>document.title='harm'</script>\"'& \u202e😀" + "x" * 200
CHECKS = ["ACC001", "FAIL001", "FAIL002"]


@pytest.fixture(scope="module")
def hostile(tiny: Dataset) -> Dataset:
    return replace(tiny, classes=(EVIL, "b", "c"))


@pytest.fixture(scope="module")
def runs(hostile: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[RunDir]:
    """Two audits of saved predictions, and their comparison."""
    folder = tmp_path_factory.mktemp("gallery")
    made = []
    for seed, name in enumerate(("before", "after")):
        logits = np.random.default_rng(seed).normal(size=(len(hostile.test), 3)).astype(np.float32)
        logits[hostile.test.rows, hostile.test.labels] += 0.5 + seed
        np.savez(folder / f"{name}.npz", logits=logits)
        made.append(et.audit_predictions(folder / f"{name}.npz", hostile, checks=CHECKS, out=folder / name))
    return [et.compare(*made, out=folder / "both", data=hostile), *made]


def tint_of(name: str) -> str:
    return {"before": "tint-0", "after": "tint-1"}.get(name, "tint-none")


def section(runs: list[RunDir]) -> GallerySection:
    found = gallery_section(runs, PageOptions(), tint_of)
    assert found is not None
    return found


def data_of(runs: list[RunDir]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(section(runs).filled(DATA))
    return found


def test_answers_of_both_models_come_back(runs: list[RunDir]) -> None:
    data, audits = data_of(runs), runs[1:]
    assert sorted(data["ids"]) == sorted(audits[0].predictions("identity", "test").ids)
    assert [(one["name"], one["run"], one["tint"]) for one in data["models"]] == [
        ("before", "before", "tint-0"), ("after", "after", "tint-1"),
    ]  # fmt: skip
    for number, run in enumerate(audits):
        known = run.predictions("identity", "test")
        place = {name: k for k, name in enumerate(known.ids)}
        order = [place[name] for name in data["ids"]]
        assert data["truth"] == known.labels[order].tolist()
        assert data["predicted"][number] == known.predicted[order].tolist()
        assert np.abs(np.array(data["confidence"][number]) - 1000 * known.confidence[order]).max() <= 0.5
        assert np.abs(np.array(data["loss"][number]) - 1000 * known.loss[order]).max() <= 0.5
        cells = np.array(data["models"][number]["cells"]).reshape(-1, 3)
        assert cells[:, 2].min() >= 1
        assert cells[:, 2].sum() == len(known.rows)
        assert cells[cells[:, 0] == cells[:, 1], 2].sum() == known.correct.sum()
        judged = run.scores("FAIL002")[1]
        assert data["totals"][number]["verdict"] == [
            int(judged.get(one, np.zeros(1)).sum()) for one in data["verdicts"]
        ]
        assert sum(one >= 0 for one in data["verdict"][number]) == sum(data["totals"][number]["verdict"]) > 0
    first, second = (run.predictions("identity", "test").correct for run in audits)
    assert data["models"][0]["changes"] == []
    assert data["models"][1]["changes"] == [
        int((~first & second).sum()), int((first & ~second).sum()), int((~first & ~second).sum()),
    ]  # fmt: skip


def with_removals(runs: list[RunDir], folder: Path, data: Dataset) -> list[RunDir]:
    """The two audits again: the first was asked about all images without colour, the second about 20 in another order too."""
    copies = [RunDir(Path(shutil.copytree(run.path, folder / run.path.name))) for run in runs[1:]]
    first, second = (made_up_predictions(data, 0.5, seed) for seed in (7, 8))
    order = np.random.default_rng(0).permutation(60)[:20]
    some = replace(second, rows=second.rows[order], labels=second.labels[order], logits=second.logits[order])
    copies[0].write_predictions("grayscale", first)
    copies[1].write_predictions("grayscale@test-20", some)
    copies[1].write_predictions("own_view-3", second)
    for run, *views in ((copies[0], Grayscale()), (copies[1], Grayscale(), OwnView())):
        effects = [Removed(Removal(view, (LumaNoise(),)), np.zeros(4), (np.ones(4),)).estimate() for view in views]
        run.write_finding(run["ACC001"].model_copy(update={"estimates": (*run["ACC001"].estimates, *effects)}))
    return copies


@final
@dataclass(frozen=True)
class OwnView(View):
    """A removal of somebody's own check."""

    @property
    def key(self) -> str:
        return "own_view-3"

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        return images


def test_answers_with_a_cue_taken_away_come_back(runs: list[RunDir], hostile: Dataset, tmp_path: Path) -> None:
    assert (data_of(runs)["removals"], data_of(runs)["removed"]) == ([], [[], []])
    copies = with_removals(runs, tmp_path, hostile)
    data = data_of(copies)
    assert data["removals"] == [["colour", "grayscale"], ["own view", "own_view-3"]]
    assert data["removed"][0][1] == []
    held = [(0, 0, "grayscale"), (1, 0, "grayscale@test-20"), (1, 1, "own_view-3")]
    for model, removal, key in held:
        known = copies[model].predictions(key, "test")
        said = dict(zip(known.ids, zip(known.predicted.tolist(), known.confidence.tolist(), strict=True), strict=True))
        predicted, sure = data["removed"][model][removal]
        assert len(predicted) == len(sure) == len(data["ids"])
        for name, answer, thousandths in zip(data["ids"], predicted, sure, strict=True):
            expected = said.get(name, (-1, -0.001))
            assert answer == expected[0]
            assert abs(thousandths - 1000 * expected[1]) <= 0.5
    asked = [sum(one >= 0 for one in data["removed"][model][removal][0]) for model, removal, _ in held]
    assert asked == [60, 20, 60]


def test_answers_without_scores_have_no_confidence(runs: list[RunDir], hostile: Dataset, tmp_path: Path) -> None:
    (run, _) = with_removals(runs, tmp_path, hostile)
    run.write_predictions("grayscale", replace(run.predictions("grayscale", "test"), given="classes"))
    ((predicted, sure),) = data_of([run])["removed"][0]
    assert min(predicted) >= 0
    assert set(sure) == {-1}


def test_pictures_are_those_of_the_ids_and_each_is_there_once(runs: list[RunDir], hostile: Dataset) -> None:
    data = data_of(runs)
    assert len(set(data["pictures"])) == len(data["pictures"])
    exact = 0
    for name, thumb, full in zip(data["ids"], data["thumb"], data["full"], strict=True):
        truth = hostile.test.images(np.array([int(name.removeprefix("test-"))]))[0].transpose(1, 2, 0).astype(float)
        with Image.open(io.BytesIO(base64.b64decode(data["pictures"][thumb]))) as image:
            shown = np.asarray(image.convert("RGB"), dtype=float)
        assert np.abs(shown - truth).mean() < 12
        exact += full >= 0
        if full >= 0:
            assert np.array_equal(shown, truth)
    cited = {
        card.id
        for run in runs
        for f in run.findings.values()
        for b in f.blocks
        if isinstance(b, Gallery)
        for card in b.cards
    }
    assert exact == len(cited)
    assert {data["ids"][story["item"]] for story in data["stories"]} == cited


def test_the_cap_holds_over_both_models_and_cited_images_stay(
    runs: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST", 40)
    data = data_of(runs[1:])
    assert len(data["ids"]) == 40
    cited = {card.id for card in [c for b in runs[1]["FAIL001"].blocks if isinstance(b, Gallery) for c in b.cards]}
    assert cited <= set(data["ids"])
    assert data["total"] == 60
    assert sum(data["models"][0]["cells"][2::3]) == 60


def test_a_picture_of_the_page_is_named_by_its_place_there(runs: list[RunDir]) -> None:
    found, whole = section(runs), data_of(runs)["pictures"]
    svg = '<img class="x" src="data:image/svg+xml;base64,QUJD" alt="">'
    images = [f'<img src="{picture_uri(whole[k])}" alt="a &gt; b">' for k in (4, 2, 4)]
    page = f"<p>{found.markup}</p>{svg}{''.join(images)}<p>{EVIL.replace('<', '&lt;')}</p><script>{DATA}</script>"
    filled = found.filled(page)
    pictures = json.loads(filled.rpartition("<script>")[2].removesuffix("</script>"))["pictures"]
    shown = re.findall(r'<img [^>]*src="(data:image/[^s][^"]*)"', filled)
    assert [shown[one] if isinstance(one, int) else picture_uri(one) for one in pictures] == [
        picture_uri(one) for one in whole
    ]
    assert isinstance(pictures[4], int) and isinstance(pictures[2], int)
    assert all(filled.count(picture) == 1 for k, picture in enumerate(whole) if isinstance(pictures[k], str))
    assert len(filled) < len(page) + sum(map(len, whole))


def test_errors_come_first_without_javascript(runs: list[RunDir]) -> None:
    markup = section(runs).markup
    figures = re.findall(r"<figure.*?</figure>", markup, re.DOTALL)
    known = runs[1].predictions("identity", "test")
    assert len(figures) == PLAIN
    shown = [re.findall(r"<small>(.*?)</small>", one)[0] for one in figures]
    expected = np.lexsort((-known.confidence, known.correct))[:PLAIN]
    right = dict(zip(known.ids, known.correct.tolist(), strict=True))
    assert [right[name] for name in shown] == [bool(known.correct[k]) for k in expected]
    assert shown[0] == known.ids[expected[0]]
    assert "before ✘" in figures[0]


def test_hostile_names_cannot_leave_their_place(runs: list[RunDir]) -> None:
    found = section(runs)
    assert data_of(runs)["classes"][0] == EVIL
    assert "<script" not in found.markup + found.filled(DATA)
    assert "</script>" not in found.markup + found.filled(DATA)
    assert EVIL not in found.markup
    assert " style=" not in found.markup
    assert not re.search(r"\son\w+=", found.markup)
    assert as_json({"a": "</script>&\u2028"}) == '{"a":"\\u003c/script\\u003e\\u0026\\u2028"}'
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", found.script)


def test_runs_without_thumbnails_show_what_findings_cite(runs: list[RunDir], tmp_path: Path) -> None:
    old = RunDir(tmp_path / "old")
    shutil.copytree(runs[1].path, old.path)
    (old.path / "thumbnails.parquet").unlink()
    cited = {card.id for f in old.findings.values() for b in f.blocks if isinstance(b, Gallery) for card in b.cards}
    assert set(data_of([old])["ids"]) == cited
    shutil.rmtree(old.path / "images")
    assert gallery_section([old], PageOptions(), tint_of) is None


def test_no_images_means_none(runs: list[RunDir]) -> None:
    assert gallery_section(runs, PageOptions(images=False), tint_of) is None
    assert gallery_section([], PageOptions(), tint_of) is None


def test_a_command_looks_at_the_image_again(runs: list[RunDir], tmp_path: Path) -> None:
    record = runs[1].record
    assert source.look_command(runs[1]) == ("", "")
    model = record.models[0].model_copy(update={"parameters": 3, "source": "net.pt"})
    run = RunDir(tmp_path / "a run")
    run.write_record(
        record.model_copy(update={"models": (model,), "seed": 2, "command": "eyetest audit my.pt --arch x"})
    )
    assert source.look_command(run) == (
        "eyetest look my.pt ",
        f" --data {record.data.name} --audit '{run.path}' --seed 2",
    )
    run.model.parent.mkdir()
    run.model.write_bytes(b"")
    assert source.look_command(run)[0] == f"eyetest look '{run.path}' "


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    driver_path = shutil.which("chromedriver")
    if driver_path is None:
        assert not os.environ.get("CI"), "CI must have chromium and chromedriver"
        pytest.skip("chromedriver is not installed: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    flags = "headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update"
    for flag in [*flags.split(), f"user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    driver.quit()


def tiles(browser: Any) -> set[str]:
    script = "return [...document.querySelectorAll('.g-tile')].map(t => t.getAttribute('aria-label').split(',')[0])"
    return set(browser.execute_script(script))


@pytest.mark.browser
def test_filters_links_and_keys_work_in_a_browser(browser: Any, runs: list[RunDir]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait

    page = runs[0].report().as_uri()
    first, second = (run.predictions("identity", "test") for run in runs[1:])
    ids = np.array(first.ids)
    browser.get(f"{page}#truth=b&predicted=c&model=after")
    expected = (second.labels == 1) & (second.predicted == 2)
    assert tiles(browser) == set(ids[expected].tolist())
    n = int(expected.sum())
    assert browser.find_element(By.CLASS_NAME, "g-count").text == f"{n} of {n} shown"
    Select(browser.find_element(By.NAME, "change")).select_by_value("broken")
    assert tiles(browser) == set(ids[expected & first.correct].tolist())
    assert "change=broken" in browser.current_url
    browser.back()
    assert tiles(browser) == set(ids[expected].tolist())
    browser.find_element(By.CLASS_NAME, "g-clear").click()
    assert tiles(browser) == set(ids.tolist())

    browser.get("about:blank")
    wanted = first.ids[int(np.flatnonzero(~first.correct)[0])]
    browser.get(f"{page}#image={wanted}&confidence=0.5-1")
    dialog = browser.find_element(By.CLASS_NAME, "g-card")
    assert dialog.get_property("open")
    assert browser.find_element(By.ID, "g-name").text == wanted
    dialog.send_keys(Keys.ESCAPE)
    WebDriverWait(browser, 5).until(lambda one: "image=" not in one.current_url)
    assert not dialog.get_property("open")
    assert tiles(browser) == set(ids[first.confidence >= 0.4995].tolist())
    browser.find_element(By.CSS_SELECTOR, ".g-tile[tabindex='0']").send_keys(Keys.HOME)
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    focused = browser.switch_to.active_element.get_attribute("aria-label")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.find_element(By.ID, "g-name").text == focused.partition(",")[0]
    before = browser.current_url
    browser.find_element(By.CLASS_NAME, "g-head").find_elements(By.TAG_NAME, "button")[1].click()
    assert browser.current_url != before
    assert "image=" in browser.current_url
    assert browser.title != "harm"
    assert not browser.get_log("browser")
