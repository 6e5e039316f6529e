"""result: what a client answers, and what a server makes of it.

schema CreateMessageResult.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence
from ..verdicts import Finding
from ..wire.transcript import Side
from . import ALWAYS_MUST, SERVER, rule
from .shapes import survived


@rule(
    "result/open-fields",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "createmessageresult",
    unobserved="no sampling request could be answered with open fields",
)
def open_fields(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server takes a result with an unknown stopReason or none, with _meta, or with members it does not know."""
    for probe in evidence.probes("open"):
        yield from survived(probe)
