"""Turn evidence into findings, one file a check; a check that crashes becomes an error finding, never silence."""

from __future__ import annotations

import time
import traceback

from ..checks.base import Check
from ..data.base import Dataset
from ..errors import MissingEvidence, UndeclaredNeed
from ..evidence import Context, Evidence, Predict
from ..outcome import Outcome
from ..records import Finding
from ..store import RunDir
from .pictures import draw_galleries
from .plan import Work
from .read import read, read_saved
from .stamps import found_stamps, stamped
from .thumbnails import keep_thumbnails


def run_checks(run: RunDir, work: Work, data: Dataset, *, seed: int, saved: bool = False) -> list[Finding]:
    """The finding of every check, written with its scores and pictures; `saved` where the answers came in a file."""
    crossed = str(run.record.config.get("cross_validation", ""))
    groups = data.groups("test")
    context = Context(data.classes, data.title, data.fingerprint, seed, groups=groups, out_of_sample=crossed)
    findings, stamps = [], found_stamps(run, work.trusts)
    for check in work.checks:
        outcome = _outcome(check, run, work, context, saved)
        finding = stamped(outcome.finding, stamps)
        if groups is not None:
            finding = finding.where_images_come_in_groups()
        if outcome.columns:
            run.write_scores(finding.code, outcome.ids, outcome.columns)
        draw_galleries(run, finding, data, run.maps, transplants=work.drawn())
        run.write_finding(finding)
        findings.append(finding)
    keep_thumbnails(run, work.key(Predict()), data, seed=seed)
    return findings


def _outcome(check: Check, run: RunDir, work: Work, context: Context, saved: bool) -> Outcome:
    name = type(check).__module__.rpartition(".")[2]
    load = read_saved if saved else read
    evidence = Evidence(name, frozenset(check.needs()), context, lambda need: load(need, run, work))
    started = time.perf_counter()
    try:
        outcome = check.run(evidence)
    except MissingEvidence as error:
        return Outcome(check.finding(name, "not_applicable", f"This could not be asked: {error}."))
    except UndeclaredNeed:
        raise
    except Exception:
        last = traceback.format_exc()
        headline = "The check crashed; this is a bug in the check, and says nothing about the model."
        return Outcome(check.finding(name, "error", headline, params={"traceback": last}))
    seconds = round(time.perf_counter() - started, 3)
    return Outcome(outcome.finding.model_copy(update={"seconds": seconds}), outcome.ids, outcome.columns)
