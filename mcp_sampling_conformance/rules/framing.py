"""framing: what goes over stdio besides messages, which must be nothing.

basic/transports "stdio".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence
from ..verdicts import HELD, Finding
from ..wire.transcript import Side
from . import ALWAYS_MUST, SERVER, rule


@rule(
    "framing/stdout-clean",
    SERVER,
    ALWAYS_MUST,
    "basic/transports",
    "stdio",
    unobserved="the server wrote nothing to its stdout",
)
def stdout_clean(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server writes nothing but JSON-RPC messages to its stdout, one a line, in UTF-8."""
    for session in evidence.sessions:
        strays = [(entry, why) for entry, why in session.strays if entry.sender is side]
        for entry, why in strays:
            text = entry.text if len(entry.text) <= 120 else entry.text[:120] + "…"
            yield Finding(False, f"a line on stdout is {why}: {text!r}", entry=entry)
        batches = not evidence.revision.batches
        for message in session.sent_by(side):
            if batches and message.prefix == (0,):
                yield Finding(
                    False,
                    f"a JSON array (a batch) on stdout; {evidence.revision.name} has no batches",
                    message.whole,
                )
        if not strays and any(session.sent_by(side)):
            yield HELD
