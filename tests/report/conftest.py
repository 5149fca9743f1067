from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from driven import Browser, chromedriver, started
from synthetic import hostile_study

from eyetest.store import RunDir


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Two audits and their comparison, with hostile names; its page is written."""
    chromedriver()
    run = hostile_study(tmp_path_factory.mktemp("study") / "run")
    run.report()
    return run


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(_chromium: Browser) -> Browser:
    """A wide, light window."""
    return _chromium.looks()


@pytest.fixture(scope="session")
def page(study: RunDir) -> Path:
    """The page of the study."""
    return study.page
