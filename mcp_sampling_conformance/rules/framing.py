"""framing: what goes over a transport besides messages, which must be nothing.

basic/transports "stdio" and "Streamable HTTP"; basic "Messages".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..evidence.evidence import Evidence
from ..evidence.session import Session
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Entry, Side
from .rule import ALWAYS_ADVICE, ALWAYS_MUST, BOTH, CLIENT, HELD, HTTP, MUST, OLD_HTTP, SERVER, STDIO, Finding, rule
from .shapes import asked_answered, call_answered

#: whether an entry has to carry a message of a session, and its place in words
Due = Callable[[Session, Entry], str | None]


def _clean(evidence: Evidence, side: Side, due: Due) -> Iterator[Finding]:
    for session in evidence.sessions:
        faults = [(entry, why) for entry, why in session.strays if entry.sender is side]
        if not evidence.revision.batches:
            batches = [message.entry for message in session.sent_by(side) if message.prefix == (0,)]
            faults += [(entry, f"a JSON array (a batch); {evidence.revision.name} has no batches") for entry in batches]
        judged = False
        for entry, why in faults:
            if place := due(session, entry):
                judged = True
                text = entry.text if len(entry.text) <= 120 else entry.text[:120] + "…"
                yield Finding(False, f"{place} is {why}: {text!r}", entry=entry)
        if not judged and any(due(session, message.entry) for message in session.sent_by(side)):
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
    yield from _clean(evidence, side, lambda session, entry: "a line on stdout")


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
    yield from _clean(evidence, side, lambda session, entry: "a line on stdin")


@rule(
    "framing/http-clean",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "requests",
    unobserved="the server sent no message over HTTP",
    modern=("basic", "messages"),
    transports=HTTP | OLD_HTTP,
)
def http_clean(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Over HTTP, each event of a stream and each JSON body that answers a request is JSON-RPC 2.0 in UTF-8: one
    message, and an array of them in 2025-03-26 alone."""
    yield from _clean(evidence, side, _due_over_http)


def _due_over_http(session: Session, entry: Entry) -> str | None:
    if entry.data is not None:
        return f"an event on the stream of {entry.channel}"
    # What refuses an HTTP request, or ends a session, may say anything.
    answers = session.request_on(entry.channel) is not None and not session.refused(entry)
    return f"the body that answers {entry.channel}" if answers else None


#: of all that was sent so many bytes are looked at, for that takes several times as long as reading them
_LOOKED_AT = 4_000_000


@rule(
    "framing/no-duplicate-keys",
    BOTH,
    ALWAYS_ADVICE,
    "messages",
    "requests",
    unobserved="no JSON was sent",
    modern=("basic", "messages"),
)
def no_duplicate_keys(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """No JSON object has two members of one name, of which one reader takes the first and another the last."""
    left = _LOOKED_AT
    entries = (entry for session in evidence.sessions for entry in session.transcript.entries if entry.sender is side)
    for entry in entries:
        left -= len(entry.payload)
        if left < 0:
            return
        parsed = entry.parse()
        if names := parsed.repeated:
            yield Finding(False, f"an object has two members of the name {shown(names[0])}", entry=entry)
        elif parsed.fault is None:
            yield HELD


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
        yield from asked_answered(exchange)


@rule(
    "framing/batch-answered",
    SERVER,
    {"2025-03-26": MUST, "2025-06-18": None},
    "messages",
    "batching",
    unobserved="no batch was sent",
    transports=STDIO,
)
def batch_of_calls_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers the calls of a JSON-RPC batch, and takes the answers to its sampling requests from one."""
    for probe in evidence.probes("batch"):
        for call in probe.calls:
            yield call_answered(call, f"after {probe.name}, and what it sampled was answered in one too")
