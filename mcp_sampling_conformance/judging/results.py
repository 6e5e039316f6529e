"""Results of judging: all that a report needs, and nothing that it would have to look up elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from ..protocol.levels import Level
from .excerpt import Excerpt


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


def reportable(text: str) -> str:
    """A text with its lone surrogates escaped, which fit into no report."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True)
class Reference:
    """Where in the record something stands."""

    transcript: str  #: the name of the transcript in its run
    index: int  #: of the entry or event in it
    path: tuple[str | int, ...] = ()  #: in the message, as in ``("params", "messages", 0)``


@dataclass(frozen=True)
class Result:
    """The verdict on one rule in one revision over one transport."""

    rule: str
    role: str
    level: str
    revision: str
    transport: str
    verdict: Verdict
    message: str
    url: str
    statement: str
    references: tuple[Reference, ...] = ()  #: what broke the rule, the first of which the message tells
    excerpt: Excerpt | None = None  #: the part of the record around that
    details: tuple[str, ...] = ()  #: lines that show a violation which no transcript holds

    @property
    def topic(self) -> str:
        return self.rule.split("/")[0]

    @property
    def about_run(self) -> bool:
        """Whether it is the verdict on the run as a whole, which is no rule of a topic."""
        return "/" not in self.rule

    def as_json(self) -> dict[str, Any]:
        """A form that travels from a pytest-xdist worker; ``from_json`` makes the same result of it."""
        excerpt = self.excerpt.as_json() if self.excerpt else None
        plain = replace(self, excerpt=None)
        return {**asdict(plain), "verdict": self.verdict.value, "excerpt": excerpt}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        references = tuple(Reference(r["transcript"], r["index"], tuple(r["path"])) for r in data["references"])
        excerpt = Excerpt.from_json(data["excerpt"]) if data["excerpt"] else None
        given = {"references": references, "excerpt": excerpt, "details": tuple(data["details"])}
        return cls(**{**data, **given, "verdict": Verdict(data["verdict"])})
