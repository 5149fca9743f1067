"""A gate in other systems' formats; names of classes are other people's text."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hand_made import add, begin, estimate

from eyetest.export.junit import junit
from eyetest.export.markdown import markdown
from eyetest.export.plain import plain
from eyetest.export.sarif import sarif
from eyetest.gating import gate
from eyetest.policy import Policy, Rule
from eyetest.records import GateRecord

HOSTILE = 'a<script>alert("1")</script>|b\n| @all [x](http://y) `*_~&amp; \x1b[31m\x00 ]]>'


@pytest.fixture
def gated(tmp_path: Path) -> GateRecord:
    name = f"accuracy[{HOSTILE}]"
    run = begin(tmp_path / "run")
    add(run, "ACC001", estimate("accuracy", 0.9, 0.8, 0.95), estimate(name, 0.9, 0.8, 0.95))
    rules = [
        Rule(estimate=f"ACC001.{name}", at_least=0.7),
        Rule(estimate=f"ACC001.{name}", at_least=0.99),
        Rule(estimate="ACC001.accuracy", at_least=0.9),
        Rule(estimate="ACC001.accuracy", at_least=0.99, ignore=True, reason=HOSTILE),
        Rule(finding="*", status_not_in=("error",)),
    ]
    found = gate(run, Policy(rule=tuple(rules)))
    assert [one.result for one in found.verdicts] == ["pass", "fail", "cannot_tell", "fail", "pass"]
    return found.model_copy(update={"policy": "policies/my policy.toml"})


def test_junit_counts_failures_errors_and_skipped(gated: GateRecord) -> None:
    suites = Xml.fromstring(junit(gated))
    suite = suites[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    children = [[one.tag for one in case if one.tag != "system-out"] for case in suite]
    assert children == [[], ["failure"], ["error"], ["skipped"], []]
    assert '<script>alert("1")</script>|b' in suite[0].get("name", "")
    assert "<script>" not in junit(gated)
    assert suite[4].get("classname") == "eyetest.all"


def test_sarif_has_a_rule_an_address_and_a_result_a_rule(gated: GateRecord) -> None:
    (run,) = json.loads(sarif(gated))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(rules) == len({rule["id"] for rule in rules}) == 3
    assert [(one["kind"], one["level"]) for one in run["results"]] == [
        ("pass", "none"),
        ("fail", "error"),
        ("open", "none"),
        ("fail", "error"),
        ("pass", "none"),
    ]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "policies/my%20policy.toml"
        assert place["region"]["startLine"] >= 1
    assert ["suppressions" in one for one in run["results"]] == [False, False, False, True, False]


def test_markdown_has_a_row_a_rule_and_nothing_acts(gated: GateRecord) -> None:
    text = markdown(gated)
    rows = text.rstrip("\n").splitlines()[6:]
    assert len(rows) == 5
    assert {row.count("|") for row in rows} == {4}
    for acting in ("<", ">", "@", "[x]", "`", "*", "](", "http:", "\x1b", "\x00", "&amp"):
        assert acting not in text, acting
    assert "❔ cannot tell" in text
    assert "ignored" in rows[3]


def test_plain_text_moves_no_cursor(gated: GateRecord) -> None:
    text = plain(gated)
    assert all(one.isprintable() or one == "\n" for one in text)
    assert len(text.splitlines()) == 1 + 2 * 5 + 1 + 1
    assert text.endswith("gate: failed (4 of 5 rules count)")


def test_files_are_written_where_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eyetest.__main__ import code

    add(begin(tmp_path / "run"), "ACC001", estimate("accuracy", 0.9, 0.8, 0.95))
    (tmp_path / "p.toml").write_text('[[rule]]\nestimate = "ACC001.accuracy"\nat_least = 0.99', encoding="utf-8")
    files = {name: tmp_path / "out" / f"gate.{name}" for name in ("junit", "sarif", "markdown")}
    options = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    assert code(["gate", str(tmp_path / "run"), str(tmp_path / "p.toml"), *options]) == 1
    assert capsys.readouterr().out.endswith("gate: failed (1 of 1 rules count)\n")
    assert Xml.parse(files["junit"]).getroot().get("failures") == "1"
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert files["markdown"].read_text(encoding="utf-8").startswith("### eyetest gate: failed")


def test_files_that_are_no_files_are_written_to_and_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eyetest.__main__ import code

    add(begin(tmp_path / "run"), "ACC001", estimate("accuracy", 0.9, 0.8, 0.95))
    (tmp_path / "p.toml").write_text('[[rule]]\nestimate = "ACC001.accuracy"\nat_least = 0.7', encoding="utf-8")
    (tmp_path / "real.md").write_text("old", encoding="utf-8")
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    command = ["gate", str(tmp_path / "run"), str(tmp_path / "p.toml"), "--markdown"]
    assert code([*command, str(tmp_path / "link.md")]) == 0
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_text(encoding="utf-8").startswith("### eyetest gate: passed")
    assert code([*command, str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
