"""The page as a PDF, printed by the Chromium, Chrome or Edge that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import UserError
from ..store import replacing

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
"""What the programs are called on PATH, the first that is there is taken."""
MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
"""Under /Applications, or the user's own."""
WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
"""Under the folders where Windows keeps programs."""
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-pdf-header-footer",
)
SECONDS = 180.0
"""How long printing may take; the page of a large study takes about ten seconds on two slow cores."""


def write_pdf(page: Path, out: Path, *, seconds: float = SECONDS) -> Path:
    """Print an HTML page to the PDF `out`, which appears whole or not at all.

    Raises UserError if no browser is installed, or if it prints nothing in time.
    """
    browser = find_browser()
    with replacing(out) as temporary:
        complaint = _print(browser, page, temporary, seconds)
        if not temporary.is_file() or not temporary.stat().st_size:
            raise UserError(
                f"{browser} printed no PDF ({complaint}); a PDF of {page} was expected. "
                "Open the page in a browser and print it from there."
            )
    return out


def find_browser() -> Path:
    """The installed browser that can print; UserError if there is none."""
    on_path = (shutil.which(name) for name in NAMES)
    for found in (*(Path(one) for one in on_path if one), *usual_places()):
        if found.is_file():
            return found
    raise UserError(
        "There is no browser that can print a PDF: Chromium, Chrome or Edge was expected on PATH or in its usual place. "
        "Install Chromium (Debian: apt install chromium; macOS: brew install --cask chromium; "
        "Windows: winget install Google.Chrome), or open the page in your browser and print it from there."
    )


def usual_places() -> list[Path]:
    """Where this system keeps such browsers when they are not on PATH."""
    if sys.platform == "darwin":
        return [folder / name for folder in (Path("/Applications"), Path.home() / "Applications") for name in MAC]
    if sys.platform == "win32":
        folders = [os.environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        return [Path(folder) / name for folder in folders if folder for name in WINDOWS]
    return [Path("/snap/bin/chromium"), Path("/opt/google/chrome/chrome"), Path("/opt/microsoft/msedge/msedge")]


def _print(browser: Path, page: Path, out: Path, seconds: float) -> str:
    """Run the browser with a profile of its own; what it complained of last, in words."""
    with tempfile.TemporaryDirectory(prefix="eyetest-print-", ignore_cleanup_errors=True) as place:
        profile = Path(place)
        flags = [*FLAGS, *_root_flags(), f"--user-data-dir={profile}", f"--print-to-pdf={out.resolve()}"]
        with (profile / "said.txt").open("w+", encoding="utf-8", errors="replace") as said:
            try:
                done = subprocess.run(
                    [browser, *flags, page.resolve().as_uri()],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    timeout=seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                out.unlink(missing_ok=True)
                return f"it took longer than {seconds:g} s"
            said.seek(0)
            lines = said.read().split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return f"exit code {done.returncode}: {last.strip()[:200]}"


def _root_flags() -> list[str]:
    """Chromium refuses to start as root, as in a container, unless its sandbox is off; the page is our own."""
    return ["--no-sandbox"] if sys.platform.startswith("linux") and os.geteuid() == 0 else []
