"""Turn evidence into findings, one file a check; a check that crashes becomes an error finding, never silence."""

from __future__ import annotations

import time
import traceback
from typing import Any

from ..checks.base import Check, Outcome
from ..data.base import Dataset
from ..errors import MissingEvidence, UndeclaredNeed
from ..evidence import Attend, Context, Embed, Evidence, Explain, History, Need, Predict, Probe, Swap, Trust
from ..records import Finding
from ..store import RunDir
from ..types import Attention, Features, TrustTrial
from .annotate import KINDS, annotation
from .attend import attend_key
from .execute import feature_key, map_key
from .pictures import draw_galleries
from .plan import Work
from .probe import probe_key
from .stamps import found_stamps, stamped
from .trust import trust_key


def run_checks(run: RunDir, work: Work, data: Dataset, *, seed: int) -> list[Finding]:
    """The finding of every check, written with its scores and pictures."""
    context = Context(data.classes, data.title, data.fingerprint, seed)
    findings, stamps = [], found_stamps(run, work.trusts)
    for check in work.checks:
        outcome = _outcome(check, run, work, context)
        finding = stamped(outcome.finding, stamps)
        if outcome.columns:
            run.write_scores(finding.code, outcome.ids, outcome.columns)
        draw_galleries(run, finding, data, run.maps, transplants=work.drawn())
        run.write_finding(finding)
        findings.append(finding)
    return findings


def _outcome(check: Check, run: RunDir, work: Work, context: Context) -> Outcome:
    name = type(check).__module__.rpartition(".")[2]
    evidence = Evidence(name, frozenset(check.needs()), context, lambda need: _load(need, run, work))
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


def _load(need: Need[Any], run: RunDir, work: Work) -> Any:
    if isinstance(need, Predict):
        return run.predictions(work.key(need), need.split)
    if isinstance(need, History):
        found: Any = run.history()
        missing = "eyetest did not train this model, so there is no training history"
    elif isinstance(need, Embed):
        known = run.has_annotation(feature_key(need.split))
        found = run.annotation(feature_key(need.split), Features) if known else None
        missing = (
            f"there are no features of the {need.split} images: the model has no last linear layer, or was not asked"
        )
    elif isinstance(need, Attend):
        found = run.annotation(attend_key(need), Attention) if run.has_annotation(attend_key(need)) else None
        missing = f"{need.method} maps of the test images were not made"
    elif isinstance(need, Trust):
        found = run.annotation(trust_key(need), TrustTrial) if run.has_annotation(trust_key(need)) else None
        missing = f"{need.method} maps were not put to the test"
    elif type(need) in KINDS:
        found, missing = annotation(run, need)
    elif isinstance(need, Explain):
        found, missing = run.maps(map_key(need)), f"there are no {need.method} maps in this run"
    elif isinstance(need, Swap):
        found = run.swaps(need.transplant.key)
        missing = f"{need.transplant.words} could not be swapped: " + (
            "the data has no object masks"
            if need.transplant.needs_masks
            else "no two classes have at least two validation images to lend them"
        )
    elif isinstance(need, Probe):
        cues = tuple(one.key for one in need.transplants)
        found, missing = run.probe(probe_key(need), need.arms, cues), "cues of single images were not tried"
    else:
        found, missing = None, f"this version collects no {type(need).__name__.lower()} evidence"
    if found is None:
        raise MissingEvidence(missing)
    return found
