"""framing: what goes over stdio besides messages, which must be nothing.

basic/transports "stdio".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..transcript.transcript import Side
from .rule import ALWAYS_MUST, CLIENT, HELD, HTTP, MUST, SERVER, STDIO, Finding, rule
from .shapes import asked_answered


def _clean(evidence: Evidence, side: Side, stream: str) -> Iterator[Finding]:
    for session in evidence.sessions:
        strays = [(entry, why) for entry, why in session.strays if entry.sender is side]
        for entry, why in strays:
            text = entry.text if len(entry.text) <= 120 else entry.text[:120] + "…"
            yield Finding(False, f"a line on {stream} is {why}: {text!r}", entry=entry)
        for message in session.sent_by(side):
            if message.prefix == (0,) and not evidence.revision.batches:
                why = f"a JSON array (a batch) on {stream}; {evidence.revision.name} has no batches"
                yield Finding(False, why, message.whole)
        if not strays and any(session.sent_by(side)):
            yield HELD


@rule(
    "framing/stdout-clean",
    SERVER,
    ALWAYS_MUST,
    "basic/transports",
    "stdio",
    unobserved="the server wrote nothing to its stdout",
    modern=("basic/transports/stdio", "receiving-messages"),
    transports=STDIO,
)
def stdout_clean(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server writes nothing but JSON-RPC messages to its stdout, one a line, in UTF-8."""
    yield from _clean(evidence, side, "stdout")


@rule(
    "framing/stdin-clean",
    CLIENT,
    ALWAYS_MUST,
    "basic/transports",
    "stdio",
    unobserved="the client wrote nothing to the server's stdin",
    modern=("basic/transports/stdio", "sending-messages"),
    transports=STDIO,
)
def stdin_clean(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client writes nothing but JSON-RPC messages to the server's stdin, one a line, in UTF-8."""
    yield from _clean(evidence, side, "stdin")


@rule(
    "framing/batch-answered",
    CLIENT,
    {"2025-03-26": MUST, "2025-06-18": None},
    "messages",
    "batching",
    unobserved="no batch was sent",
    transports=STDIO | HTTP,
)
def batch_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client answers the sampling requests of a JSON-RPC batch, together or one by one."""
    for exchange in evidence.asks("batch"):
        yield asked_answered(exchange)
