"""Commands that only read what is there: report, track, card, show, runs, list, explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError, unknown_name
from .exit_codes import DONE
from .flags import Flag, Names, Theme
from .tracked import found, send

if TYPE_CHECKING:
    from ..store import RunDir


def report(
    run: Path,
    *,
    out: Path | None = None,
    theme: Theme = "auto",
    no_images: Flag = False,
    pdf: Flag = False,
    open: Flag = False,
    tracker: Names = None,
) -> int:
    """Write the page of a run again, also as a PDF, and open it.

    Parameters
    ----------
    run
        What audit, study, compare, train, sweep, demo or validate wrote.
    out
        The page; by default report.html inside the run.
    theme
        Light, dark, or as the reader's system has it.
    no_images
        Leave out every picture of the data, for confidential data; figures and tables stay.
    pdf
        Print the page to a PDF beside it too, by the Chromium, Chrome or Edge that is installed.
    open
        Show the page in the default browser.
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from functools import partial

    from ..report.examined import is_exam, rewrite_exam
    from ..report.options import PageOptions
    from ..store import RunDir
    from .written import show_page, write_page

    opened = None if is_exam(run) else RunDir.open(run)
    if opened is None and tracker:
        raise UserError(
            f"{run} is an exam of the audit, and a run was expected for --tracker. Leave --tracker out, or give a run."
        )
    told = found(tracker)
    write = partial(rewrite_exam, run) if opened is None else opened.report
    written = write_page(write, out, PageOptions(theme, not no_images), pdf=pdf)
    for path in written:
        print(path)
    if open:
        show_page(written[0])
    return DONE if opened is None else send(opened, told)


def track(run: Path, *, tracker: Names = None) -> int:
    """Tell a tracker of a run: its numbers, its training and its page. Exit code 3 if the tracker does not take it.

    Parameters
    ----------
    tracker
        mlflow, tensorboard, wandb, or several.
    """
    from ..store import RunDir
    from ..trackers import trackers

    if not tracker:
        raise UserError(f"No --tracker was given. Expected one or more of: {', '.join(trackers.names())}.")
    return send(RunDir.open(run), found(tracker))


def card(run: Path, *, model: str | None = None, out: Path | None = None) -> int:
    """A section for a Hugging Face model card: numbers with intervals as model-index, findings and limits in words.

    Parameters
    ----------
    model
        One of the models of a study; by default there is a section for each.
    out
        A new file; by default it is printed.
    """
    from ..export.card import card as written
    from ..export.card import write_card
    from ..store import RunDir

    if out is None:
        print(written(RunDir.open(run), model), end="")
    else:
        write_card(RunDir.open(run), out, model)
        print(out)
    return DONE


def show(run: Path, *, json: Flag = False) -> int:
    """The findings of a run, in the terminal or as JSON."""
    from ..store import RunDir
    from .show import show_findings

    opened = RunDir.open(run)
    show_findings((*(opened.children if opened.record.kind == "study" else ()), opened), json)
    return DONE


def runs(folder: Path = Path("runs"), *, delete: Path | None = None, json: Flag = False) -> int:
    """List runs with their sizes, or delete one.

    Parameters
    ----------
    delete
        The run to delete; anything that is no run is refused.
    """
    from ..store import delete_run, list_runs
    from .show import print_json

    if delete is not None:
        delete_run(delete)
        print(f"deleted {delete}")
        return DONE
    rows = [_row(run) for run in list_runs(folder)]
    if json:
        print_json(rows)
    for row in [] if json else rows:
        print(f"{row['created']}  {row['kind']:<8} {row['status']:<12} {row['megabytes']:>8.1f} MB  {row['path']}")
    return DONE


def list_(kind: str = "checks", *, json: Flag = False) -> int:
    """List checks, views, explain or recipes."""
    from ..checks import checks
    from ..explain import explainers
    from ..training.recipe import RECIPES
    from ..views import views
    from .show import print_json

    def check(name: str) -> str:
        found = checks.get(name)
        return f"{found.code}: {found.question}"

    kinds = {
        "checks": {name: check(name) for name in checks.names()},
        "views": {name: _first_line(views.get(name)) for name in views.names()},
        "explain": {name: _first_line(explainers.get(name)) for name in explainers.names()},
        "recipes": {name: f"{one.optimizer}, {one.epochs} epochs" for name, one in RECIPES.items()},
    }
    if kind not in kinds:
        raise unknown_name("list", kind, kinds)
    if json:
        print_json(kinds[kind])
    for name, text in {} if json else kinds[kind].items():
        print(f"{name:<22} {text}")
    return DONE


def explain(code: str) -> int:
    """What a check asks, what it needs, and what its number does not show."""
    from ..checks._choice import find_checks

    (check,) = find_checks([code])
    print(f"{check.code} · {check.title}\n\n{check.question}\n\n{_first_line(type(check))}\n")
    print("needs:  " + "\n        ".join(sorted({str(need) for need in check.needs()})))
    print("limits: " + "\n        ".join(check.limits))
    return DONE


def _row(run: RunDir) -> dict[str, Any]:
    record = run.record
    size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
    return {
        "path": str(run.path),
        "kind": record.kind,
        "status": record.status,
        "created": record.created,
        "megabytes": round(size / 1e6, 1),
    }


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
