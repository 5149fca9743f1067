"""Commands that hold runs against each other, or against a policy: compare, gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .exit_codes import DONE, FAILED, PARTIAL
from .flags import Flag, Names, Whole
from .given import load
from .tracked import found, send

if TYPE_CHECKING:
    from ..trackers.base import Tracker


def compare(
    *runs: Path,
    reference: Path | None = None,
    data: str | None = None,
    group: str | None = None,
    out: Path | None = None,
    seed: Whole = 0,
    tracker: Names = None,
    json: Flag = False,
) -> int:
    """The difference of audits on the same images: of two B − A, of more each minus a reference; or of a study's seeds.

    One argument: a study of at least two recipes and two seeds; SEED001 says what of their difference may be luck of the
    training, and the study's page is written again.

    Parameters
    ----------
    runs
        Two audits or more (also of saved predictions), or one study.
    reference
        The audit that all others are compared with; by default the first.
    data
        Where the images lie, to draw those that were fixed, newly broken or still wrong.
    group
        The column of patients or scenes that all were audited with.
    tracker
        Tell mlflow, tensorboard or wandb of the run too (docs/how-to/track.md).
    """
    from .. import pairing as calls
    from .finished import finished

    told = found(tracker)
    if len(runs) == 1 and reference is None:
        return _seeds(runs[0], data, out, told, json)
    given = calls.with_reference(runs, reference)
    source = load(data, seed, group) if data else None
    return finished(calls.compare(*given, out=out, data=source), json, told)


def gate(
    run: Path,
    policy: Path,
    *,
    reference: Path | None = None,
    junit: Path | None = None,
    sarif: Path | None = None,
    markdown: Path | None = None,
    json: Flag = False,
) -> int:
    """Whether a run meets a policy. Exit code 0 if it does, 1 if not, 3 if that cannot be told.

    Parameters
    ----------
    policy
        A TOML file of rules (docs/how-to/gate.md).
    reference
        The run that rules with no_worse_than or equal_to = "reference" are held against, on the same images.
    junit
        Write the result as JUnit XML.
    sarif
        Write the result as SARIF 2.1.0.
    markdown
        Write the result as a Markdown table.
    """
    from ..gating import gate as held
    from .gated import show_gate, write_exports

    gated = held(run, policy, reference=reference)
    write_exports(gated, junit=junit, sarif=sarif, markdown=markdown)
    show_gate(gated, json)
    return {"pass": DONE, "fail": FAILED, "cannot_tell": PARTIAL}[gated.result]


def _seeds(path: Path, data: str | None, out: Path | None, told: Sequence[Tracker], as_json: bool) -> int:
    """SEED001 of a study, once more from its audits."""
    from ..pairing import compare_seeds, require_several
    from ..store import RunDir
    from .show import show_findings

    run = RunDir.open(path)
    if run.record.kind != "study":
        require_several([path])
    if data is not None or out is not None:
        raise UserError(
            f"--data and --out are for comparing audits; {path} is a study, which keeps its comparison. Leave them out."
        )
    compare_seeds(run)
    show_findings((run,), as_json)
    page = run.report()
    if not as_json:
        print(f"report: {page}")
    return send(run, told, quiet=as_json)
