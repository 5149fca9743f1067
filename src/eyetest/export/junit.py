"""A gate as JUnit XML, which every CI system shows: a rule is a test case."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from ..records import GateRecord, Verdict
from ._text import printable


def junit(gate: GateRecord) -> str:
    """One suite: failures are failed rules, errors are rules that cannot be told, skipped are ignored ones."""
    counted = [one.result for one in gate.verdicts if not one.ignored]
    counts = {
        "tests": len(gate.verdicts),
        "failures": counted.count("fail"),
        "errors": counted.count("cannot_tell"),
        "skipped": len(gate.verdicts) - len(counted),
    }
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Xml.Element("testsuites", {"name": "eyetest gate", **numbers})
    suite = Xml.SubElement(
        suites, "testsuite", {"name": printable(f"eyetest gate: {gate.model}, {gate.data}"), **numbers}
    )
    for verdict in gate.verdicts:
        _case(suite, verdict)
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


def _case(suite: Xml.Element, verdict: Verdict) -> None:
    name = printable(f"{verdict.address} {verdict.demand}")
    case = Xml.SubElement(suite, "testcase", {"classname": f"eyetest.{verdict.code}", "name": name, "time": "0"})
    said = printable(verdict.sentence)
    if verdict.ignored:
        reason = printable(f"{verdict.result.replace('_', ' ')}, ignored: {verdict.ignored}")
        Xml.SubElement(case, "skipped", {"message": reason})
    elif verdict.result == "fail":
        Xml.SubElement(case, "failure", {"message": said, "type": "fail"}).text = said
    elif verdict.result == "cannot_tell":
        Xml.SubElement(case, "error", {"message": said, "type": "cannot_tell"}).text = said
    Xml.SubElement(case, "system-out").text = said
