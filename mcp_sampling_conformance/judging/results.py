"""Rules as data, findings, and the results of judging them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..protocol.revisions import NAMES, Revision, page_url
from ..transcript.transcript import Entry, Side


class Level(StrEnum):
    """How binding a rule is. ADVICE stands in no specification and never fails a run."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    ADVICE = "ADVICE"


class Verdict(StrEnum):
    """What became of one rule in one revision."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    NOT_OBSERVED = "not-observed"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


def verdict_on_broken(level: Level | None, strict: bool) -> Verdict:
    """What it means that a rule of this level is broken; with ``strict`` a SHOULD counts like a MUST."""
    return Verdict.FAIL if level is Level.MUST or (strict and level is Level.SHOULD) else Verdict.WARN


@dataclass(frozen=True)
class Finding:
    """One thing that a rule could judge: whether it held, and where and why not."""

    holds: bool
    why: str = ""
    at: Value | None = None
    entry: Entry | None = None  #: where there is no message to point at: a stray line

    @property
    def index(self) -> int:
        """Where in its transcript it stands; 0 where it stands nowhere."""
        entry = self.at.message.entry if self.at is not None else self.entry
        return entry.index if entry is not None else 0


HELD = Finding(True)


def broken(at: Value, why: str) -> Finding:
    """A violation; ``why`` is a clause that can stand alone in a bug report."""
    return Finding(False, why, at)


Check = Callable[[Evidence, Side], Iterator[Finding]]
#: ``{"2024-11-05": SHOULD, "2025-06-18": MUST}``: the level from that revision on; ``None`` ends a rule
Levels = Mapping[str, Level | None]


@dataclass(frozen=True)
class Rule:
    """One requirement and the pure function that judges it."""

    name: str  #: topic/rule
    binds: frozenset[Side]
    levels: Levels
    statement: str
    page: str
    anchor: str
    check: Check
    unobserved: str  #: the reason shown when nothing came up that the rule could judge
    modern: tuple[str, str] | None = None  #: page and anchor in the modern era, where those are others
    over_http: Levels | None = None  #: the levels over Streamable HTTP, where those are others
    transports: frozenset[str] | None = None  #: those over which the rule makes sense; ``None`` for all

    @property
    def topic(self) -> str:
        return self.name.split("/")[0]

    def is_about(self, transport: str) -> bool:
        """Whether the rule makes sense over a transport."""
        return self.transports is None or transport in self.transports

    def level(self, revision: Revision, transport: str = "") -> Level | None:
        """The level in a revision, ``None`` where the rule does not exist there."""
        levels = self.over_http if transport == "http" and self.over_http is not None else self.levels
        level: Level | None = None
        for name in NAMES[: NAMES.index(revision.name) + 1]:
            level = levels.get(name, level)
        return level

    def url(self, revision: Revision) -> str:
        page, anchor = self.modern if revision.modern and self.modern else (self.page, self.anchor)
        return page_url(revision, page, anchor)


def reportable(text: str) -> str:
    """A text with its lone surrogates escaped, which fit into no report."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True)
class Result:
    """The verdict on one rule in one revision over one transport: all that a report needs."""

    rule: str
    role: str
    level: str
    revision: str
    transport: str
    verdict: Verdict
    message: str
    url: str
    statement: str
    evidence: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        return self.rule.split("/")[0]

    @property
    def about_run(self) -> bool:
        """Whether it is the verdict on the run as a whole, which is no rule of a topic."""
        return "/" not in self.rule

    def as_json(self) -> dict[str, Any]:
        """The form it has in the JSON report, and on its way from a pytest-xdist worker."""
        return {**asdict(self), "verdict": self.verdict.value, "evidence": list(self.evidence)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        return cls(**{**data, "verdict": Verdict(data["verdict"]), "evidence": tuple(data["evidence"])})
