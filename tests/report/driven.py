"""A headless Chromium for the tests: what the page says, asks for, shows and hides."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

AXE = Path(__file__).parent / "axe" / "axe.min.js"
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update "
    "disable-sync hide-scrollbars force-color-profile=srgb window-size=1280,900"
)
WIDE, PHONE, A4 = (1280, 900), (390, 844), (718, 1046)
SECONDS = 20.0
"""How long anything on a page may take to show itself; the machines of CI are slow and shared."""
AXE_SECONDS = 180
REACHED = """
const [element, done] = arguments;
element.scrollIntoView({block: "center"});
requestAnimationFrame(() => requestAnimationFrame(() => {
  const box = element.getBoundingClientRect();
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  done(element.contains(hit));
}));
"""
READY = "return !document.querySelector('#gallery') || document.querySelector('#gallery').hasAttribute('data-ready')"


def chromedriver() -> str:
    """Where chromedriver is; without it a failure in CI, and a skip elsewhere."""
    found = shutil.which("chromedriver")
    if found is None:
        assert not os.environ.get("CI"), "CI must have chromium and chromedriver"
        pytest.skip("chromedriver is not installed: apt install chromium chromium-driver")
    return found


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser with a profile and a folder of downloads of its own."""
    options = webdriver.ChromeOptions()
    for flag in [*FLAGS.split(), f"user-data-dir={folder / 'profile'}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver()))
    driver.set_script_timeout(AXE_SECONDS)
    try:
        yield Browser(driver, folder / "downloads")
    finally:
        driver.quit()


@final
class Browser:
    """One tab. `open` makes a fresh start; what is set with `looks` and `script` counts for the pages opened after."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads
        self.asked: list[str] = []
        """Addresses that were requested since `open`."""
        downloads.mkdir(exist_ok=True)

    def open(self, page: Path, query: str = "", *, script: bool = True) -> Browser:
        """Show a page as if for the first time, with a hash, with or without JavaScript."""
        self.driver.get("about:blank")
        self._send("Storage.clearDataForOrigin", origin="file://", storageTypes="all")
        self._send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self._send("Emulation.setScriptExecutionDisabled", value=not script)
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.asked.clear()
        for file in self.downloads.iterdir():
            file.unlink()
        self.driver.get(page.as_uri() + query)
        if script:
            self.until(READY)
        return self

    def looks(self, *, size: tuple[int, int] = WIDE, media: str = "screen", scheme: str = "light") -> Browser:
        """The window in CSS pixels, `screen` or `print`, and which colours the reader's system prefers."""
        width, height = size
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._send("Emulation.setEmulatedMedia", media=media, features=features)
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script's `return`."""
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: Any) -> Any:
        """The value of a script as soon as it is true; TimeoutException if that does not happen."""
        return WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: self.run(script, *arguments), script)

    def all(self, selector: str) -> list[Any]:
        """The elements that are there."""
        return self.driver.find_elements("css selector", selector)

    def visible(self, selector: str) -> list[Any]:
        """Those that take room on the page."""
        return self.run(f"return [...document.querySelectorAll(arguments[0])].filter({VISIBLE})", selector)

    def click(self, selector: str) -> None:
        """Click the first such element, wherever it is on the page.

        What comes into view is laid out only then, and pushes the rest away: it is scrolled to until it stays under the pointer.
        """
        element = self.all(selector)[0]
        WebDriverWait(self.driver, SECONDS, 0.1).until(lambda _: self._reached(element), selector)
        ActionChains(self.driver).move_to_element(element).click().perform()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def choose(self, name: str, value: str) -> None:
        """Choose an option of the gallery's filter as a reader does: the value changes, and the change is told."""
        self.run(
            "const s = document.querySelector(`#gallery select[name=${arguments[0]}]`); s.value = arguments[1];"
            "if (s.value !== arguments[1]) throw new Error(`no option ${arguments[1]}`);"
            "for (const e of ['input', 'change']) s.dispatchEvent(new Event(e, {bubbles: true}))",
            name,
            value,
        )

    def between(self, low: str, high: str) -> None:
        """Type the ends of the confidence that the gallery's images have, 0 to 1, as a reader does in per cent."""
        for name, end in (("low", low), ("high", high)):
            self.run(
                "const e = document.querySelector(`#gallery input[name=${arguments[0]}]`); e.value = arguments[1];"
                "for (const one of ['input', 'change']) e.dispatchEvent(new Event(one, {bubbles: true}))",
                name,
                100 * float(end),
            )

    def console(self) -> list[str]:
        """What the browser complained of since `open`: errors, warnings, breaches of the security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since `open`."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                self.asked.append(message["params"]["url"])
        return self.asked

    def breaches(self, within: str = "html") -> list[str]:
        """Serious and critical breaches of accessibility that axe-core finds, with the element and what is wrong."""
        self.run(AXE.read_text(encoding="utf-8") + ";window.axe = axe")
        found = self.driver.execute_async_script(
            "const done = arguments[1];"
            "axe.run(arguments[0], {resultTypes: ['violations'], selectors: false}).then(r => done(r.violations), e => done(String(e)))",
            within,
        )
        assert isinstance(found, list), found
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:200]} ({node['failureSummary'][:200]})"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def downloaded(self, name: str) -> bytes:
        """The content of a file as soon as it is downloaded."""
        file = self.downloads / name
        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: file.is_file() and file.stat().st_size, name)
        return file.read_bytes()

    def picture(self, out: Path) -> Path:
        """A PNG of the whole page."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        out.write_bytes(base64.b64decode(taken["data"]))
        return out

    def _reached(self, element: Any) -> bool:
        """Scroll to an element; whether its middle lies under the pointer two frames later."""
        return bool(self.driver.execute_async_script(REACHED, element))

    def _send(self, command: str, **parameters: Any) -> None:
        self.driver.execute_cdp_cmd(command, parameters)


def copies(browser: Browser, button: str, said: str, text: str) -> None:
    """Click a button: it says that it copied, if only for a moment, and this text went to the clipboard."""
    browser.run(
        "window.copied = null; window.said = []; const one = document.querySelector(arguments[0]);"
        "new MutationObserver(() => said.push(one.textContent)).observe(one, {childList: true});"
        "const write = navigator.clipboard.writeText.bind(navigator.clipboard);"
        "navigator.clipboard.writeText = text => write(text).then(() => { window.copied = text; })",
        button,
    )
    browser.click(button)
    browser.until("return window.said.includes(arguments[0])", said)
    assert browser.run("return window.copied") == text


VISIBLE = "e => e.getClientRects().length && getComputedStyle(e).visibility === 'visible' && e.checkVisibility()"
