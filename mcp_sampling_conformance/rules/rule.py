"""What a rule is: data, and a pure function from the evidence to findings.

A rule is a generator function under the decorator ``@rule``: its docstring is the requirement in one sentence, its
body yields a finding for each thing it could judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..protocol.levels import Level
from ..protocol.revisions import NAMES, NEWEST_LEGACY, Revision, page_url
from ..transcript.events import HttpExchange
from ..transcript.transcript import Entry, Side


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule could judge: whether it held, and where and why not."""

    holds: bool
    why: str = ""
    at: Value | None = None
    #: where there is no message to point at: a stray line, or the HTTP exchange of a request without a body
    entry: Entry | HttpExchange | None = None

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
    transports: frozenset[str] | None = None  #: those over which the rule makes sense; ``None`` for all

    @property
    def topic(self) -> str:
        return self.name.split("/")[0]

    def is_about(self, transport: str) -> bool:
        """Whether the rule makes sense over a transport."""
        return self.transports is None or transport in self.transports

    def level(self, revision: Revision) -> Level | None:
        """The level in a revision, ``None`` where the rule does not exist there."""
        level: Level | None = None
        for name in NAMES[: NAMES.index(revision.name) + 1]:
            level = self.levels.get(name, level)
        return level

    def url(self, revision: Revision) -> str:
        """The address of the section that the rule comes from."""
        page, anchor = self.modern if revision.modern and self.modern else (self.page, self.anchor)
        return page_url(revision, page, anchor)


# --- the usual levels

MUST, SHOULD, ADVICE = Level.MUST, Level.SHOULD, Level.ADVICE

ALWAYS_MUST: Levels = {"2024-11-05": MUST}
ALWAYS_SHOULD: Levels = {"2024-11-05": SHOULD}
ALWAYS_ADVICE: Levels = {"2024-11-05": ADVICE}
_MODERN = NAMES[NAMES.index(NEWEST_LEGACY) + 1]
#: what ended with the handshake
LEGACY_MUST: Levels = {**ALWAYS_MUST, _MODERN: None}
LEGACY_SHOULD: Levels = {**ALWAYS_SHOULD, _MODERN: None}
LEGACY_ADVICE: Levels = {**ALWAYS_ADVICE, _MODERN: None}
#: what came with multi round-trip requests
MODERN_MUST: Levels = {_MODERN: MUST}
MODERN_SHOULD: Levels = {_MODERN: SHOULD}
MODERN_ADVICE: Levels = {_MODERN: ADVICE}
#: what came with tools in sampling
TOOLS_MUST: Levels = {"2025-11-25": MUST}
TOOLS_SHOULD: Levels = {"2025-11-25": SHOULD}
TOOLS_ADVICE: Levels = {"2025-11-25": ADVICE}
#: what came with tasks in 2025-11-25, and went with them
TASKS_MUST: Levels = {**TOOLS_MUST, _MODERN: None}
TASKS_SHOULD: Levels = {**TOOLS_SHOULD, _MODERN: None}
TASKS_ADVICE: Levels = {**TOOLS_ADVICE, _MODERN: None}
#: "Both parties SHOULD / MUST respect what was negotiated" (basic/lifecycle, Operation)
NEGOTIATED: Levels = {"2024-11-05": SHOULD, "2025-06-18": MUST}

SERVER = frozenset({Side.SERVER})
CLIENT = frozenset({Side.CLIENT})
BOTH = SERVER | CLIENT
#: for rules about processes and lines
STDIO = frozenset({"stdio"})
#: and for those about HTTP exchanges
HTTP = frozenset({"http"})
#: the HTTP+SSE of 2024-11-05
OLD_HTTP = frozenset({"sse"})

registered: list[Rule] = []


def rule(
    name: str,
    binds: frozenset[Side],
    levels: Levels,
    page: str,
    anchor: str,
    *,
    unobserved: str,
    modern: tuple[str, str] | None = None,
    transports: frozenset[str] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated check. ``page`` and ``anchor`` are the section of the specification it comes from;
    ``modern`` is another one since 2026-07-28."""

    def register(check: Check) -> Check:
        statement = " ".join(cleandoc(check.__doc__ or "").split())
        registered.append(Rule(name, binds, levels, statement, page, anchor, check, unobserved, modern, transports))
        return check

    return register
