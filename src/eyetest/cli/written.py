"""The page of a run or an exam as files, and shown to its reader."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from ..report.options import PageOptions

    Write = Callable[[Path | None, PageOptions], Path]


def write_page(write: Write, out: Path | None, options: PageOptions, *, pdf: bool) -> list[Path]:
    """Let `write` write the page, and with `pdf` a PDF of the same name beside it; their paths, the page first.

    Raises UserError if the page was to be called .pdf, or a PDF is wanted and no browser can print it; then nothing is written.
    """
    from ..report.pdf import find_browser, write_pdf

    if out is not None and out.suffix.lower() == ".pdf":
        raise UserError(
            f"--out {out} names a PDF, and the name of the HTML page was expected. Give --out {out.with_suffix('.html')} "
            f"--pdf to have both {out.with_suffix('.html').name} and {out.name}."
        )
    if not pdf:
        return [write(out, options)]
    find_browser()
    page = write(out, options)
    return [page, write_pdf(page, page.with_suffix(".pdf"))]


def show_page(page: Path) -> None:
    """Open the page in the default browser, or say that there is none."""
    if not webbrowser.open(page.resolve().as_uri()):
        print(f"No browser could be started here; open {page} in yours.", file=sys.stderr)
