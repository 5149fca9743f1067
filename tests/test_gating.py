"""What a gate says, and with which exit code; on runs that are written by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hand_made import add, begin, estimate, rated, right
from scipy.stats import binom

import eyetest
from eyetest import stats
from eyetest.__main__ import code
from eyetest.comparison import Side, compare_findings
from eyetest.errors import PolicyError, UserError
from eyetest.gating import at_least, at_most, equal_within, gate
from eyetest.policy import Policy, Rule, read_policy, rule_lines
from eyetest.records import GateRecord, Result
from eyetest.store import RunDir
from eyetest.types import Predictions

ROOT = Path(__file__).parents[1]
RATE = 'estimate = "ACC001.accuracy"\n'
NO_WORSE = RATE + 'no_worse_than = "reference"\nmargin = '
Make = Callable[[Path], object]


def accurate(k: int, n: int = 10000, *, first: int = 0, first_id: int = 0, fingerprint: str = "f0") -> Make:
    def make(path: Path) -> None:
        run = begin(path, fingerprint=fingerprint)
        rated(run, "ACC001", "accuracy", right(k, n, first), first_id=first_id)

    return make


def erring(k: int, n: int = 2000) -> Make:
    return lambda path: rated(begin(path), "FAIL001", "rate", right(k, n), better="lower")


def by_hand(*, status: str = "ok", run_status: str = "complete", **changes: object) -> Make:
    def make(path: Path) -> None:
        run = begin(path, status=run_status)
        params = {"trusted": changes.pop("trusted")} if "trusted" in changes else {}
        add(run, "ACC001", estimate("accuracy", 0.92, 0.9, 0.95, **changes), status=status, **params)

    return make


def also(make: Make, code: str, status: str) -> Make:
    def both(path: Path) -> None:
        make(path)
        add(RunDir.open(path), code, status=status)

    return both


GOOD, SET = accurate(9302), by_hand()
SITUATIONS: dict[str, tuple[str, Make, Make | None, int, str]] = {
    # name: rules, run, reference, exit code, what is said
    "above the threshold (known answer)": (RATE + "at_least = 0.92", GOOD, None, 0, r"0\.9302 \(0\.925 to 0\.935\)"),
    "too near to tell (known answer)": (RATE + "at_least = 0.93", GOOD, None, 3, "cannot tell"),
    "below the threshold (known answer)": (RATE + "at_least = 0.94", GOOD, None, 1, "failed"),
    "improves": (NO_WORSE + "0.0", GOOD, accurate(9000), 0, r"minus the reference: 0\.0302"),
    "worsens": (NO_WORSE + "0.005", accurate(9000), GOOD, 1, r"minus the reference: -0\.0302"),
    "worsens within the margin": (NO_WORSE + "0.05", accurate(9000), GOOD, 0, "passed"),
    "too little data": (NO_WORSE + "0.01", accurate(30, 40), accurate(30, 40, first=5), 3, "such images would tell"),
    "errors fall far": (
        'estimate = "FAIL001.rate"\nno_worse_than = "reference"\nmargin = 0.0',
        erring(100),
        erring(400),
        0,
        "-0.15",
    ),
    "errors rise far": (
        'estimate = "FAIL001.rate"\nno_worse_than = "reference"\nmargin = 0.0',
        erring(400),
        erring(100),
        1,
        "0.15",
    ),
    "no errors in either, on few images": (
        'estimate = "FAIL001.rate"\nno_worse_than = "reference"\nmargin = 0.01',
        erring(0, 50),
        erring(0, 50),
        3,
        "cannot tell",
    ),
    "crashed check": (RATE + "at_least = 0.1", by_hand(status="error"), None, 3, "crashed"),
    "crashed check in the reference": (NO_WORSE + "0.5", GOOD, by_hand(status="error"), 3, "ACC001 crashed in"),
    "fail beats cannot tell": (
        RATE + 'at_least = 0.94\n[[rule]]\nestimate = "CAL001.ece"\nat_most = 0.1',
        GOOD,
        None,
        1,
        "no finding CAL001",
    ),
    "missing finding": ('estimate = "ACC002.accuracy"\nat_least = 0', GOOD, None, 3, "Did you mean 'ACC001'"),
    "missing estimate": ('estimate = "ACC001.acuracy"\nat_least = 0', GOOD, None, 3, "Did you mean 'accuracy'"),
    "other data set": (NO_WORSE + "0.5", GOOD, accurate(9302, fingerprint="f1"), 3, "other data"),
    "reference saw other images": (NO_WORSE + "0.5", GOOD, accurate(9302, first_id=7), 3, "other images"),
    "no reference given": (NO_WORSE + "0.5", GOOD, None, 2, "Add --reference RUN"),
    "reference missing, ignored": (
        RATE + f'at_least = 0.9\n[[rule]]\n{NO_WORSE}0.5\nignore = true\nreason = "none yet"',
        GOOD,
        None,
        0,
        "ignored: none yet",
    ),
    "data of the policy": (RATE + "at_least = 0.9", GOOD, None, 0, "passed"),
    "ignored with its reason": (
        RATE + f'at_least = 0.9\n[[rule]]\n{RATE}at_least = 0.99\nignore = true\nreason = "until June"',
        GOOD,
        None,
        0,
        r"fail \(ignored\)[\s\S]*ignored: until June[\s\S]*1 of 2 rules count",
    ),
    "ignored without a reason": (RATE + "at_least = 0.99\nignore = true", GOOD, None, 2, "without saying why"),
    "ignored with a blank reason": (
        RATE + 'at_least = 0.9\nignore = true\nreason = " "',
        GOOD,
        None,
        2,
        "without saying",
    ),
    "all ignored": (RATE + 'at_least = 0.9\nignore = true\nreason = "x"', GOOD, None, 3, "0 of 1 rules count"),
    "lower end exactly at the threshold": (RATE + "at_least = 0.9", SET, None, 0, "passed"),
    "upper end exactly at the threshold": (RATE + "at_least = 0.95", SET, None, 3, "holds the threshold"),
    "at most the upper end": (RATE + "at_most = 0.95", SET, None, 0, "passed"),
    "at most the lower end": (RATE + "at_most = 0.9", SET, None, 3, "cannot tell"),
    "at most below": (RATE + "at_most = 0.89", SET, None, 1, "failed"),
    "the value alone passes": (RATE + 'at_least = 0.92\nbound = "value"', SET, None, 0, "by the value alone"),
    "the value alone fails": (RATE + 'at_least = 0.9201\nbound = "value"', SET, None, 1, "failed"),
    "equal within": (RATE + "equal_to = 0.925\nmargin = 0.03", SET, None, 0, "within 0.03 of 0.925"),
    "equal, the end on the margin": (RATE + "equal_to = 1\nmargin = 0.1", SET, None, 3, "cannot tell"),
    "equal, outside": (RATE + "equal_to = 0.5\nmargin = 0.1", SET, None, 1, "failed"),
    "equal to the reference": (
        RATE + 'equal_to = "reference"\nmargin = 0.01',
        GOOD,
        accurate(9300),
        0,
        "within 0.01 of the reference",
    ),
    "not applicable": (RATE + "at_least = 0", by_hand(status="not_applicable"), None, 3, "did not apply"),
    "an inconclusive check has a number": (RATE + "at_least = 0.8", by_hand(status="inconclusive"), None, 0, "passed"),
    "inconclusive, and a conclusion is demanded": (
        RATE + 'at_least = 0.8\nstatus_in = ["ok"]',
        by_hand(status="inconclusive"),
        None,
        3,
        "ACC001 is inconclusive",
    ),
    "maps that may not be believed": (RATE + "at_least = 0", by_hand(trusted=False), None, 3, "not be believed"),
    "no statistic of images": (NO_WORSE + "0.5", SET, by_hand(), 3, "cannot be paired"),
    "a concern": ('finding = "ACC001"\nstatus_in = ["ok"]', by_hand(status="concern"), None, 1, "ACC001 is concern"),
    "a crash is named": ('finding = "*"\nstatus_not_in = ["error"]', by_hand(status="error"), None, 1, "is error"),
    "a crash is not named": (
        'finding = "*"\nstatus_not_in = ["concern"]',
        by_hand(status="error"),
        None,
        3,
        "is error",
    ),
    "all findings that apply": (
        'finding = "*"\nstatus_not_in = ["error"]',
        also(SET, "CAL001", "not_applicable"),
        None,
        0,
        "all 1 findings",
    ),
    "one finding that does not apply": (
        'finding = "CAL001"\nstatus_not_in = ["concern"]',
        also(SET, "CAL001", "not_applicable"),
        None,
        3,
        "CAL001 is not_applicable",
    ),
    "an interrupted run": (
        'finding = "*"\nstatus_not_in = ["error"]',
        by_hand(run_status="interrupted"),
        None,
        3,
        "interrupted",
    ),
    "no findings": ('finding = "*"\nstatus_not_in = ["error"]', begin, None, 3, "no finding that applies"),
    "unknown key": (RATE + "at_lest = 0.9", GOOD, None, 2, "unknown key 'at_lest'. Did you mean 'at_least'"),
    "no address": ('estimate = "accuracy"\nat_least = 0.9', GOOD, None, 2, "no address"),
    "no demand": (RATE, GOOD, None, 2, "needs one of at_least, at_most"),
    "two demands": (RATE + "at_least = 0.9\nat_most = 1", GOOD, None, 2, "write a rule for each"),
    "no margin": (RATE + 'no_worse_than = "reference"', GOOD, None, 2, "no margin"),
    "a negative margin": (NO_WORSE + "-0.1", GOOD, None, 2, r"margin = -0\.1.*greater than or equal to 0"),
    "a text as threshold": (RATE + 'at_least = "0.9"', GOOD, None, 2, "at_least = '0.9'.*valid number"),
    "truth as threshold": (RATE + "at_least = true", GOOD, None, 2, "valid number"),
    "no finite threshold": (RATE + "at_least = nan", GOOD, None, 2, "finite"),
    "an unknown status": ('finding = "*"\nstatus_not_in = ["eror"]', GOOD, None, 2, "'concern'"),
    "no TOML": ("estimate = ", GOOD, None, 2, "is no TOML"),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_has_its_result_and_exit_code(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, make, reference, exit_code, says = SITUATIONS[name]
    make(tmp_path / "run")
    policy = tmp_path / "policy.toml"
    policy.write_text(f"[[rule]]\n{rules}\n", encoding="utf-8")
    options = []
    if reference is not None:
        reference(tmp_path / "before")
        options = ["--reference", str(tmp_path / "before")]
    assert code(["gate", str(tmp_path / "run"), str(policy), *options]) == exit_code
    said = capsys.readouterr()
    assert re.search(says, said.err if exit_code == 2 else said.out), said.out + said.err
    assert (tmp_path / "run" / "gate.json").is_file() == (exit_code != 2)


def test_a_policy_for_other_data_cannot_tell(tmp_path: Path) -> None:
    GOOD(tmp_path / "run")
    rule = Rule(estimate="ACC001.accuracy", at_least=0.5)
    assert gate(tmp_path / "run", Policy(rule=(rule,), data="f0")).result == "pass"
    gated = gate(tmp_path / "run", Policy(rule=(rule,), data="f9"))
    assert (gated.result, "about data f9" in gated.verdicts[0].sentence) == ("cannot_tell", True)


def test_where_neither_is_better_nothing_is_worse(tmp_path: Path) -> None:
    for name in ("run", "before"):
        rated(begin(tmp_path / name), "FAIL003", "explained", right(50, 100), better="neither")
    rule = Rule(estimate="FAIL003.explained", no_worse_than="reference", margin=0.1)
    gated = gate(tmp_path / "run", Policy(rule=(rule,)), reference=tmp_path / "before")
    assert (gated.result, "equal_to" in gated.verdicts[0].sentence) == ("cannot_tell", True)


@pytest.mark.parametrize(
    ("statistic", "values", "says"),
    [("newer_than_this", right(5, 10), "knows no statistic"), ("mean", np.full(10, np.nan), "no finite number")],
)
def test_what_cannot_be_paired_cannot_be_told(statistic: str, values: np.ndarray, says: str, tmp_path: Path) -> None:
    for name in ("run", "before"):
        run = begin(tmp_path / name)
        add(run, "NEW001", estimate("x", 0.5, 0.4, 0.6, statistic=statistic, columns=("x",)))
        run.write_scores("NEW001", tuple(f"test-{row}" for row in range(10)), {"x": values})
    rule = Rule(estimate="NEW001.x", no_worse_than="reference", margin=0.1)
    gated = gate(tmp_path / "run", Policy(rule=(rule,)), reference=tmp_path / "before")
    assert (gated.result, says in gated.verdicts[0].sentence) == ("cannot_tell", True)


def test_a_run_is_no_reference_for_itself(tmp_path: Path) -> None:
    GOOD(tmp_path / "run")
    with pytest.raises(UserError, match="its own reference"):
        gate(
            tmp_path / "run", Policy(rule=(Rule(estimate="ACC001.accuracy", at_least=0.5),)), reference=tmp_path / "run"
        )


def test_a_study_names_the_runs_that_it_holds(tmp_path: Path) -> None:
    begin(tmp_path / "study", children=("baseline-0", "improved-0"))
    gated = gate(tmp_path / "study", Policy(rule=(Rule(estimate="ACC001.accuracy", at_least=0.5),)))
    assert "holds other runs: baseline-0, improved-0" in gated.verdicts[0].sentence


def test_the_paired_difference_is_that_of_the_comparison(tmp_path: Path) -> None:
    a, b = right(150, 200), right(160, 200, first=20)
    sides = []
    for name, values in (("before", a), ("run", b)):
        run = begin(tmp_path / name)
        rated(run, "ACC001", "accuracy", values)
        logits = np.stack([values, 1 - values], axis=1).astype(np.float32)
        rows = np.arange(200, dtype=np.int64)
        said = Predictions("test", rows, np.zeros(200, dtype=np.int64), logits)
        sides.append(Side(name, "f0", run.findings, {"ACC001": run.scores("ACC001")}, said))
    compared = compare_findings(sides[0], sides[1], classes=("ant", "bee"))[0].finding.estimate("accuracy")
    rule = Rule(estimate="ACC001.accuracy", no_worse_than="reference", margin=0.1)
    measured = gate(tmp_path / "run", Policy(rule=(rule,)), reference=tmp_path / "before").verdicts[0].estimate
    assert measured == compared


def test_groups_widen_the_difference(tmp_path: Path) -> None:
    def difference(group: str) -> float:
        for name, first in (("before", 0), ("run", 10)):
            run = begin(tmp_path / f"{name}{group}")
            rated(run, "ACC001", "accuracy", right(70, 100, first))
            run.write_record(
                run.record.model_copy(update={"data": run.record.data.model_copy(update={"group": group})})
            )
            ids = [f"test-{row}" for row in range(100)]
            run.write_samples({"id": ids, "group": [str(row // 10) for row in range(100)]})
        rule = Rule(estimate="ACC001.accuracy", equal_to="reference", margin=0.1)
        gated = gate(tmp_path / f"run{group}", Policy(rule=(rule,)), reference=tmp_path / f"before{group}")
        found = gated.verdicts[0].estimate
        assert found is not None
        assert (" 10 groups" in found.method) == bool(group)
        return found.high - found.low

    assert difference("patient") > 1.5 * difference("")


def test_at_the_threshold_a_gate_is_rarely_wrong() -> None:
    n, threshold = 10000, 0.93
    k = np.arange(n + 1)
    chance = binom.pmf(k, n, threshold)
    likely = k[chance > 1e-9]
    results: list[Result] = [at_least(*stats.wilson(int(one), n)[1:], threshold) for one in likely]
    share = {wanted: chance[likely][np.array(results) == wanted].sum() for wanted in ("pass", "fail", "cannot_tell")}
    assert share["pass"] < 0.027
    assert share["fail"] < 0.027
    assert share["cannot_tell"] > 0.947


def test_at_most_mirrors_at_least() -> None:
    for low, high, threshold in ((0.1, 0.2, 0.2), (0.1, 0.2, 0.1), (0.1, 0.2, 0.05), (0.1, 0.2, 0.15)):
        assert at_most(low, high, threshold) == at_least(-high, -low, -threshold)
    assert [at_most(0.1, 0.2, t) for t in (0.2, 0.15, 0.1, 0.05)] == ["pass", "cannot_tell", "cannot_tell", "fail"]


def test_equivalence_is_strict_at_its_margins() -> None:
    assert equal_within(-0.009, 0.009, 0.01) == "pass"
    assert equal_within(-0.009, 0.01, 0.01) == "cannot_tell"
    assert equal_within(0.01, 0.02, 0.01) == "fail"
    assert equal_within(-0.02, 0.02, 0.01) == "cannot_tell"


def test_the_images_that_would_tell_do_tell(tmp_path: Path) -> None:
    accurate(930, 1000)(tmp_path / "few")
    policy = Policy(rule=(Rule(estimate="ACC001.accuracy", at_least=0.92),))
    found = re.search(r"about ([\d,]+) such", gate(tmp_path / "few", policy).verdicts[0].sentence)
    assert found is not None
    n = int(1.1 * int(found[1].replace(",", "")))
    accurate(round(0.93 * n), n)(tmp_path / "many")
    assert gate(tmp_path / "many", policy).result == "pass"


def test_gate_json_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    GOOD(tmp_path / "run")
    policy = tmp_path / "policy.toml"
    policy.write_text(f"[[rule]]\n{RATE}at_least = 0.9\n\n[[rule]]\n{RATE}at_most = 1", encoding="utf-8")
    assert code(["gate", str(tmp_path / "run"), str(policy), "--json"]) == 0
    printed = GateRecord.model_validate_json(capsys.readouterr().out)
    assert printed == RunDir.open(tmp_path / "run").gate()
    assert [verdict.line for verdict in printed.verdicts] == [1, 5]
    assert rule_lines(policy, 3) == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "At least one rule"),
        ("rule = []", "At least one rule"),
        ("rule = 3", "At least one rule"),
        ("rule = [3]", "Rule 1"),
        ("[[rules]]\nat_least = 1", "unknown key 'rules'. Did you mean 'rule'"),
        ("[[rule]]\nat_least = 1", "needs one of estimate"),
        ('[[rule]]\nestimate = "A1.b"\nequal_to = 1\nmargin = 0', "margin 0"),
        ('[[rule]]\nestimate = "A1.b"\nat_least = 1\nmargin = 0', "move the threshold"),
        ('[[rule]]\nestimate = "A1.b"\nat_least = 1\nreason = "x"', "is not ignored"),
        ('[[rule]]\nestimate = "A1.b"\nequal_to = "best"\nmargin = 1', "equal_to = 'best'"),
        ('[[rule]]\nfinding = "A1"\nat_least = 1\nstatus_in = ["ok"]', "which has no at_least"),
        ('[[rule]]\nfinding = "a"\nstatus_in = ["ok"]', "a code such as ACC001"),
        ('[[rule]]\nfinding = "A1"', "demands nothing"),
        ('[[rule]]\nfinding = "A1"\nstatus_in = ["error"]', "crashed never passes"),
        ('[[rule]]\nfinding = "A1"\nstatus_in = ["ok"]\nstatus_not_in = ["ok"]', "both"),
    ],
)
def test_a_bad_policy_says_what_to_do(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=says):
        read_policy(tmp_path / "policy.toml")


def test_a_policy_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="is no TOML"):
        read_policy(tmp_path / "policy.toml")


def test_all_problems_of_a_policy_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(f"[[rule]]\n{RATE}[[rule]]\n{RATE}at_lest = 1", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"Rule 1 \(ACC001\.accuracy\).*Rule 2 \(ACC001\.accuracy\)"):
        read_policy(tmp_path / "policy.toml")


def test_the_policy_of_the_how_to_is_a_policy(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "gate.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "policy.toml").write_text(block, encoding="utf-8")
    policy = read_policy(tmp_path / "policy.toml")
    assert any(rule.against_reference for rule in policy.rule)
    assert any(rule.ignore for rule in policy.rule)
    for key in Rule.model_fields:
        assert f"`{key}" in page or f"{key} =" in page, key


def test_a_gate_needs_no_torch_also_against_a_reference(tmp_path: Path) -> None:
    GOOD(tmp_path / "run")
    accurate(9000)(tmp_path / "before")
    (tmp_path / "policy.toml").write_text(f"[[rule]]\n{NO_WORSE}0.01", encoding="utf-8")
    script = (
        "import sys; from eyetest.__main__ import code; done = code(sys.argv[1:]); "
        "sys.exit(99 if {'torch', 'lightning_fabric'} & set(sys.modules) else done)"
    )
    for options in (
        ["gate", str(tmp_path / "run"), str(tmp_path / "policy.toml"), "--reference", str(tmp_path / "before")],
        ["gate", "--help"],
    ):
        assert (
            subprocess.run([sys.executable, "-c", script, *options], capture_output=True, check=False).returncode == 0
        )


def test_the_call_in_python_is_the_command(tmp_path: Path) -> None:
    GOOD(tmp_path / "run")
    gated = eyetest.gate(tmp_path / "run", Policy(rule=(Rule(estimate="ACC001.accuracy", at_least=0.92),)))
    assert json.loads((tmp_path / "run" / "gate.json").read_text())["result"] == gated.result == "pass"
