"""How much the harness takes from a system under test. Beyond that it reads no further, and says so (``LimitReached``).

An honest system comes nowhere near; ``docs/limits.md`` lists them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

_MIB = 1024 * 1024

#: bytes that a whole run records
RUN_BYTES = 512 * _MIB
#: bytes, and JSON values, that are recorded in one revision: it is judged as a whole, and a value may take a hundred
#: bytes in memory, however short its text is
REVISION_BYTES, REVISION_VALUES = 128 * _MIB, 2_000_000
#: values that any message or event counts for, besides those in it
ITEM_VALUES = 10
#: bytes of one connection, and messages and events of one
CONNECTION_BYTES, CONNECTION_ITEMS = 64 * _MIB, 100_000
#: of one message (a line, an event of a stream, an HTTP body) the bytes, the JSON values, and how deep they are nested
MESSAGE_BYTES, MESSAGE_VALUES, MESSAGE_DEPTH = 16 * _MIB, 250_000, 200

#: requests of a server besides sampling that are answered on one connection
OTHER_REQUESTS = 1000
#: sampling requests that are answered in one call
SAMPLING_REQUESTS = 1000
#: how long one call may go on that asks for sampling again and again, in time-outs of an answer
CALL_TIMEOUTS = 10

#: pages of a list that are asked for, items after which no further one is, and tools, prompts and resources that are
#: called, each, and the characters of the name of one
LIST_PAGES, LIST_KEPT, LIST_ITEMS, NAME_CHARACTERS = 50, 10_000, 100, 1000

#: HTTP headers that are kept of one message, and the characters of each
HEADERS, HEADER_CHARACTERS = 64, 8192
#: bytes of a line of an HTTP head that come in one piece with what is before it
HEAD_BYTES = 64 * 1024
#: HTTP requests, sessions and connections that one start of a client under test may make
HTTP_REQUESTS, SESSIONS, CONNECTIONS = 10_000, 500, 500

#: bytes of what a process writes to its stderr that are kept, the last ones: stack traces may be long
STDERR_BYTES = 64 * 1024

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {byte: 1 if byte in b"[{" else -1 for byte in b"[]{}"}


@dataclass(frozen=True)
class Limit:
    """A limit that was reached: there was more than so many of something."""

    most: int
    what: str  #: as in "more than 100 WHAT"

    @property
    def words(self) -> str:
        """What there was too much of: "more than 100 WHAT"."""
        return f"more than {self.most:,} {self.what}"


_RUN = Limit(RUN_BYTES, "bytes in the record of the run")
_REVISION = Limit(REVISION_BYTES, "bytes in the record of one revision")
_VALUES = Limit(REVISION_VALUES, "JSON values in the record of one revision")


class Budget:
    """What the transcripts of a run, or with ``within`` those of one revision of it, may still hold."""

    def __init__(self, within: Budget | None = None) -> None:
        self._within = within
        self._limits = (_RUN,) if within is None else (_REVISION, _VALUES)
        self._left = [limit.most for limit in self._limits]
        self._closed = False

    def close(self) -> None:
        """Nothing more is recorded, whatever comes."""
        self._closed = True

    @property
    def closed(self) -> bool:
        return self._closed or (self._within is not None and self._within.closed)

    def take(self, *amounts: int) -> None:
        """So many bytes, and so many values, more are recorded."""
        self._left = [left - amount for left, amount in zip(self._left, amounts, strict=False)]
        if self._within is not None:
            self._within.take(*amounts)

    @property
    def spent(self) -> Limit | None:
        """The limit that was reached, if any: nothing more is to be received."""
        reached = (limit for limit, left in zip(self._limits, self._left, strict=True) if left < 0)
        return next(reached, None) or (self._within.spent if self._within else None)


def values_in(raw: bytes) -> int:
    """How many values a JSON text holds, at most."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{") + 1


def message_limit(raw: bytes) -> Limit | None:
    """The limit that a message goes beyond; ``None`` where it goes beyond none."""
    if len(raw) > MESSAGE_BYTES:
        return Limit(MESSAGE_BYTES, "bytes in one message")
    if values_in(raw) > MESSAGE_VALUES:
        return Limit(MESSAGE_VALUES, "JSON values in one message")
    if raw.count(b"[") + raw.count(b"{") > MESSAGE_DEPTH and _depth(raw) > MESSAGE_DEPTH:
        return Limit(MESSAGE_DEPTH, "levels of JSON values in one message")
    return None


def _depth(raw: bytes) -> int:
    """How deep the values of a JSON text are nested."""
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKET)
    return max(accumulate(_STEPS[byte] for byte in brackets), default=0)
