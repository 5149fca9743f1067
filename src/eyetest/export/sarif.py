"""A gate as SARIF 2.1.0, which code hosts show beside a change."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from ..records import GateRecord, Verdict
from ._text import printable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
KINDS = {"pass": ("pass", "none"), "fail": ("fail", "error"), "cannot_tell": ("open", "none")}
"""Kind and level of a result. `open`: it was evaluated, and there was too little to decide."""


def sarif(gate: GateRecord) -> str:
    """One run whose rules are the addresses of the policy and whose results are its rules, in their order."""
    addresses = list(dict.fromkeys(verdict.address for verdict in gate.verdicts))
    driver = {"name": "eyetest", "version": _version(), "rules": [_rule(address) for address in addresses]}
    results = [_result(verdict, addresses.index(verdict.address), gate.policy) for verdict in gate.verdicts]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=1) + "\n"


def _version() -> str:
    try:
        return version("eyetest")
    except PackageNotFoundError:
        return "unknown"


def _rule(address: str) -> dict[str, Any]:
    return {"id": printable(address), "shortDescription": {"text": f"{printable(address)} meets the policy"}}


def _result(verdict: Verdict, index: int, policy: str) -> dict[str, Any]:
    kind, level = KINDS[verdict.result]
    text = printable(f"{verdict.address} {verdict.demand}: {verdict.result.replace('_', ' ')}. {verdict.sentence}")
    place = {"artifactLocation": {"uri": quote(policy or "policy.toml")}, "region": {"startLine": verdict.line}}
    result: dict[str, Any] = {
        "ruleId": printable(verdict.address),
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
    if verdict.ignored:
        result["suppressions"] = [{"kind": "external", "justification": printable(verdict.ignored)}]
    return result
