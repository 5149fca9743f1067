"""Bytes of the page, and seconds from its opening until it can be used; prints RATIO lines (1 or more is within the target).

    python benchmarks/page.py             made-up runs: 10,000 images × 10 classes × 2 models, and 50,000 × 100 classes
    python benchmarks/page.py RUN [RUN…]  runs that are there, each held against the first targets

A page can be used when it is loaded, the script of its gallery has set `data-ready`, and the next frame is drawn.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "report"))

from driven import Browser, started
from synthetic import made_up_audit, made_up_data, made_up_predictions, made_up_study, take_away

from eyetest.data.base import Dataset
from eyetest.records import Card, Gallery, MapPicture, SwapPicture
from eyetest.report.words import TAKEN
from eyetest.store import RunDir

TARGETS = {"10000x10": (5e6, 1.5), "50000x100": (8e6, 3.0)}
"""Bytes and seconds, at most."""
REPEATS = 5
USABLE = """
window.usable = new Promise(done => {
  const look = () => {
    const gallery = document.querySelector('#gallery');
    const ready = document.readyState === 'complete' && (!gallery || gallery.hasAttribute('data-ready'));
    if (ready) requestAnimationFrame(() => setTimeout(() => done(performance.now() / 1000)));
    else setTimeout(look, 5);
  };
  look();
});
"""


def main(given: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        runs = {run.name: RunDir.open(run) for run in given} or {"10000x10": study(folder), "50000x100": audit(folder)}
        ratios = []
        with started(folder) as browser:
            for name, run in runs.items():
                ratios += measured(name, run, folder / f"{name}.html", browser)
        print("\n".join(ratios))


def measured(name: str, run: RunDir, out: Path, browser: Browser) -> list[str]:
    """Write the page, open it so many times, and say what was found."""
    began = time.perf_counter()
    size = run.report(out).stat().st_size
    written = time.perf_counter() - began
    seconds = [usable(browser, out) for _ in range(REPEATS)]
    shown = ", ".join(f"{one:.2f}" for one in seconds)
    print(f"{name}: {size / 1e6:.2f} MB, written in {written:.1f} s, usable after {shown} s")
    most, longest = TARGETS.get(name, TARGETS["10000x10"])
    return [
        f"RATIO page_bytes_{name} {most / size:.3f}",
        f"RATIO page_usable_{name} {longest / statistics.median(seconds):.3f}",
    ]


def usable(browser: Browser, page: Path) -> float:
    """Seconds from the start of the navigation until the page can be used."""
    driver = browser.looks().driver
    watch = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": USABLE})
    driver.get("about:blank")
    driver.get(page.as_uri())
    seconds: float = driver.execute_async_script("window.usable.then(arguments[0])")
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
    return seconds


def study(folder: Path) -> RunDir:
    """Two models and their comparison, about as right as on CIFAR-10."""
    data = made_up_data([f"class {k}" for k in range(10)], 10_000, train=2000)
    run = made_up_study(folder / "study", data, ("baseline", "improved"), (0.85, 0.92))
    for child in run.children[:2]:
        illustrate(child)
        take_away_all(child, data)
    return run


def audit(folder: Path) -> RunDir:
    """One model with the predictions of 50,000 images; its other findings are of 5,000, which takes as many bytes."""
    names = [f"some class {k}" for k in range(100)]
    data = made_up_data(names, 50_000, train=2000)
    part = made_up_audit(folder / "part", made_up_data(names, 5000, train=2000), "large", 0.8, 0)
    run = made_up_audit(folder / "all", data, "large", 0.8, 0, checks=("ACC001", "ACC002"))
    for code, finding in part.findings.items():
        if code not in run.findings:
            run.write_finding(finding)
            run.write_scores(code, *part.scores(code)) if part.scores(code)[0] else None
    shutil.copytree(part.path / "images", run.path / "images", dirs_exist_ok=True)
    illustrate(run)
    take_away_all(run, data)
    return run


def take_away_all(run: RunDir, data: Dataset) -> None:
    """Answers under every removal, as an audit of a model itself has."""
    for seed, view in enumerate(TAKEN):
        take_away(run, "CUE001", view, made_up_predictions(data, 0.6, seed))


def illustrate(run: RunDir) -> None:
    """Two maps and an image with a swapped cue beside every image that is cited, as an audit of a model itself has."""
    for finding in run.findings.values():
        blocks = tuple(_illustrated(run, b) if isinstance(b, Gallery) else b for b in finding.blocks)
        run.write_finding(finding.model_copy(update={"blocks": blocks}))


def _illustrated(run: RunDir, gallery: Gallery) -> Gallery:
    return gallery.model_copy(update={"cards": tuple(_with_pictures(run, card) for card in gallery.cards)})


def _with_pictures(run: RunDir, card: Card) -> Card:
    rng = np.random.default_rng(int(card.id.rpartition("-")[2]))
    files = [f"images/{card.id}-{name}.webp" for name in ("grad_cam", "saliency", "colour")]
    for file, side, channels in zip(files, (8, 32, 32), (4, 4, 3), strict=True):
        run.write_image(file, rng.integers(0, 256, (side, side, channels)).astype(np.uint8))
    maps = tuple(
        MapPicture(
            method=method, target="predicted", class_name=card.predicted, low=0, high=1, own_maximum=1, file=file, stamp="trust"
        )
        for method, file in zip(("grad_cam", "saliency"), files[:2], strict=True)
    )  # fmt: skip
    swap = SwapPicture(
        transplant="colour", donor="validation-1", donor_class=card.truth, predicted=card.truth, confidence=0.9, file=files[2]
    )  # fmt: skip
    return card.model_copy(update={"maps": maps, "swaps": (swap,)})


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
