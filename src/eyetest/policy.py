"""What a gate demands: the rules of a TOML file, read strictly, so that a slip of the pen is never a rule that passes."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from .errors import PolicyError
from .records import Record, Status

DEMANDS = ("at_least", "at_most", "equal_to", "no_worse_than")
"""What can be demanded of an estimate; a rule holds one of them."""
EVERY = "*"
"""In the place of a code: all findings of the run."""
_CODE = re.compile(r"[A-Z]+\d+")
_ADDRESS = re.compile(r"([A-Z]+\d+)\.(.+)", re.DOTALL)
_HEADER = re.compile(r"^\s*\[\[\s*rule\s*\]\]", re.MULTILINE)


Statuses = Annotated[tuple[Status, ...], Field(strict=False)]


class Rule(Record):
    """One demand on one estimate, or on the status of findings."""

    model_config = ConfigDict(strict=True)

    estimate: str = ""
    """Address of a number, such as `ACC001.accuracy[frog]`."""
    finding: str = ""
    """Code of a finding whose status is asked, or `*` for all."""
    at_least: float | None = None
    at_most: float | None = None
    equal_to: float | Literal["reference"] | None = None
    """A number, or what the reference run has; `margin` says how near."""
    no_worse_than: Literal["reference"] | None = None
    """Paired difference to the reference run; `margin` says how much worse is accepted."""
    margin: float | None = Field(default=None, ge=0)
    """In the unit of the estimate."""
    bound: Literal["interval", "value"] = "interval"
    """What has to meet the demand: the whole interval, or the value alone."""
    status_in: Statuses = ()
    status_not_in: Statuses = ()
    ignore: bool = False
    """Shown with its result, and not counted; needs a reason."""
    reason: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Rule:
        problem = self._subject() or (self._number_demanded() if self.estimate else self._status_demanded())
        if self.status_in and self.status_not_in:
            problem = "has both status_in and status_not_in; give one of them"
        if "error" in self.status_in:
            problem = "accepts the status error, but a check that crashed never passes; ignore the rule with a reason"
        if not problem and self.ignore and not self.reason.strip():
            problem = 'ignores without saying why: add reason = "…", which is printed beside the result'
        if not problem and self.reason and not self.ignore:
            problem = "has a reason and is not ignored: add ignore = true, or leave the reason out"
        if problem:
            raise ValueError(problem)
        return self

    def _subject(self) -> str:
        if bool(self.estimate) == bool(self.finding):
            return 'needs one of estimate = "ACC001.accuracy" and finding = "ACC001"'
        if self.estimate and not _ADDRESS.fullmatch(self.estimate):
            return f"asks for {self.estimate!r}, which is no address: CODE.name was expected, such as ACC001.accuracy[frog]"
        if self.finding and self.finding != EVERY and not _CODE.fullmatch(self.finding):
            return f"asks for the finding {self.finding!r}: a code such as ACC001 was expected, or * for all"
        return ""

    @property
    def _given(self) -> list[str]:
        return [name for name in DEMANDS if getattr(self, name) is not None]

    def _status_demanded(self) -> str:
        if self._given or self.margin is not None:
            what = (*self._given, "margin")[0]
            return f"asks for a finding's status, which has no {what}; name an estimate for that"
        return "" if self.status_in or self.status_not_in else "demands nothing: add status_in or status_not_in"

    def _number_demanded(self) -> str:
        given = self._given
        if len(given) != 1:
            return f"needs one of {', '.join(DEMANDS)}, and has {', '.join(given) or 'none'}; write a rule for each"
        near = given[0] in ("equal_to", "no_worse_than")
        if near and self.margin is None:
            return f"has {given[0]} and no margin: say which difference does not matter, such as margin = 0.01"
        if self.equal_to is not None and self.margin == 0:
            return "has equal_to with margin 0, which no interval can meet; give the difference that does not matter"
        return "" if near or self.margin is None else f"has {given[0]} and a margin; move the threshold instead"

    @property
    def address(self) -> str:
        """What it is about, as it is printed."""
        return self.estimate or self.finding

    @property
    def code(self) -> str:
        """Code of the finding that it reads."""
        return self.estimate.partition(".")[0] or self.finding

    @property
    def name(self) -> str:
        """Name of the estimate within its finding; empty for a rule on statuses."""
        return self.estimate.partition(".")[2]

    @property
    def against_reference(self) -> bool:
        """Whether it needs a reference run."""
        return "reference" in (self.no_worse_than, self.equal_to)

    @property
    def demand(self) -> str:
        """What it demands, in words."""
        parts = [self._number()] if self.estimate else []
        parts += [f"status {' or '.join(self.status_in)}"] if self.status_in else []
        parts += [f"status not {' or '.join(self.status_not_in)}"] if self.status_not_in else []
        return ", ".join(parts)

    def _number(self) -> str:
        by = ", by the value alone" if self.bound == "value" else ""
        if self.at_least is not None:
            return f"at least {self.at_least:g}{by}"
        if self.at_most is not None:
            return f"at most {self.at_most:g}{by}"
        if self.no_worse_than is not None:
            return f"no more than {self.margin:g} worse than the reference{by}"
        centre = self.equal_to if isinstance(self.equal_to, str) else f"{self.equal_to:g}"
        return f"within {self.margin:g} of {'the reference' if centre == 'reference' else centre}{by}"


class Policy(Record):
    """What a run has to meet."""

    model_config = ConfigDict(strict=True)

    rule: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1)]
    data: str = ""
    """Fingerprint of the only data that the rules are about; empty for any."""


def read_policy(path: Path | str) -> Policy:
    """The policy in a TOML file; PolicyError names every rule that makes no sense."""
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"The policy {path} cannot be read ({error.strerror}); a TOML file was expected.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(
            f"The policy {path} is no TOML: {error}. Rules begin with a line [[rule]], numbers with a digit: 0.9."
        ) from error
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        problems = dict.fromkeys(_told(one, raw) for one in error.errors())
        raise PolicyError(f"The policy {path} cannot be used. " + " ".join(f"{one}." for one in problems)) from error


def rule_lines(path: Path | str, rules: int) -> list[int]:
    """The line of the file on which each rule begins; 1 for all where they are not written as [[rule]]."""
    text = Path(path).read_text(encoding="utf-8")
    lines = [text.count("\n", 0, found.end()) + 1 for found in _HEADER.finditer(text)]
    return lines if len(lines) == rules else [1] * rules


def _told(error: Any, raw: dict[str, Any]) -> str:
    """One of pydantic's errors as a sentence without its stop."""
    place, said = error["loc"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return _unknown(place, _where(place, raw))
    if place == ("rule",):
        return "At least one rule was expected, beginning with a line [[rule]]"
    if len(place) < 3:
        return f"{_where(place, raw)} {said}" if place[0] == "rule" else f"{place[0]}: {said}"
    return f"{_where(place, raw)} has {place[2]} = {_value(place, raw)!r}: {said[:1].lower()}{said[1:]}"


def _unknown(place: tuple[Any, ...], where: str) -> str:
    kind: type[Record] = Rule if len(place) > 1 else Policy
    names = sorted(kind.model_fields)
    near = difflib.get_close_matches(str(place[-1]), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{where} has an unknown key {str(place[-1])!r}.{hint} Known: {', '.join(names)}"


def _where(place: tuple[Any, ...], raw: dict[str, Any]) -> str:
    """Number of the rule, and what it is about."""
    if len(place) < 2:
        return "The file"
    rule = raw["rule"][place[1]]
    about = (rule.get("estimate") or rule.get("finding") or "") if isinstance(rule, dict) else ""
    return f"Rule {place[1] + 1}" + (f" ({about})" if about else "")


def _value(place: tuple[Any, ...], raw: dict[str, Any]) -> Any:
    return raw["rule"][place[1]].get(place[2])
