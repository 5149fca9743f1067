"""What the docs tell people to do works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import eyetest
from eyetest.cli.app import app
from eyetest.data import load_data
from eyetest.data.planted import CUES

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning")
def test_the_notebook_runs():
    notebook = nbformat.read(ROOT / "docs" / "first_audit.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    assert last.outputs[0]["data"]["text/plain"] == "True"


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/start.md",
        "docs/how-to/own-model.md",
        "docs/how-to/saved-predictions.md",
        "docs/how-to/groups.md",
        "docs/how-to/gate.md",
        "docs/how-to/compare.md",
        "docs/how-to/sweep.md",
        "docs/how-to/track.md",
        "docs/how-to/card.md",
    ],
)
def test_every_command_in_the_docs_parses(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = re.findall(r"^eyetest (.+?)(?:\s+#.*)?$", text, flags=re.MULTILINE)
    assert commands
    for command in commands:
        app.parse_args(shlex.split(command), exit_on_error=False, print_error=False)


def test_the_start_page_names_every_planted_cue():
    text = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    assert [cue for cue in CUES if cue not in text] == []
    assert (
        load_data(re.search(r"`(planted:\w+\+[^`]+)`", text)[1]).title == "planted colour and patch cues, strength 0.9"
    )


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_public_names_are_there_and_the_import_is_light():
    import subprocess
    import sys

    for name in eyetest.__all__:
        assert callable(getattr(eyetest, name)), name
    with pytest.raises(AttributeError, match="nothing"):
        eyetest.nothing  # noqa: B018
    script = (
        "import sys, eyetest, eyetest.cli.app, eyetest.comparison, eyetest.report; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
