"""What the rules about capabilities share."""

from __future__ import annotations

from ..evidence.evidence import Evidence
from ..evidence.messages import Value

#: page and anchor where the modern revision says what the capabilities of a request are for
META = ("basic", "meta")
CONTEXT_VALUES = ("thisServer", "allServers")


def declares_none(evidence: Evidence) -> str:
    """That the client declared no sampling, as a clause."""
    if evidence.revision.modern:
        return "the _meta of the client's request declared no sampling"
    return "the client's initialize declared no sampling"


def context_of(params: Value) -> Value | None:
    """``includeContext``, where it asks for context of servers."""
    value = params.get("includeContext")
    return value if value is not None and value.value in CONTEXT_VALUES else None
