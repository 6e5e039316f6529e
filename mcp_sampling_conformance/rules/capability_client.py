"""capability, what the negotiation binds the client to: it declares what it answers, and answers what it declared.

client/sampling "Capabilities"; basic/lifecycle "Operation"; from 2026-07-28 on basic "_meta".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.conversation import declared_in
from ..evidence.evidence import Evidence
from ..transcript.transcript import Side
from .capability_shapes import declares_none
from .rule import (
    ALWAYS_MUST,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    LEGACY_MUST,
    LEGACY_SHOULD,
    MODERN_MUST,
    TOOLS_MUST,
    Finding,
    broken,
    rule,
)
from .shapes import asked_answered, expect, is_object, rejected


@rule(
    "capability/declared-shape",
    CLIENT,
    ALWAYS_MUST,
    "schema",
    "clientcapabilities",
    unobserved="the client declared no sampling",
)
def declared_shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The sampling capability is an object, and from 2025-11-25 on so are tools and context in it."""
    for session in evidence.sessions:
        for _, sampling in session.declarations:
            if sampling is not None:
                yield from expect(sampling, is_object, "an object")
                for member in ("tools", "context") if evidence.revision.tools else ():
                    yield from expect(sampling.get(member), is_object, "an object")


@rule(
    "capability/declared-when-answered",
    CLIENT,
    ALWAYS_MUST,
    "client/sampling",
    "capabilities",
    unobserved="the client answered no sampling request with a result",
)
def declared_when_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that answers sampling requests with results declared the sampling capability."""
    for exchange in evidence.exchanges:
        if exchange.result is not None:
            if exchange.declared is not None:
                yield HELD
            else:
                yield broken(exchange.result, f"a result to a sampling request, although {declares_none(evidence)}")


@rule(
    "capability/declared-every-request",
    CLIENT,
    MODERN_MUST,
    "client/sampling",
    "capabilities",
    unobserved="no request that a server could sample for declared sampling",
)
def declared_every_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that supports sampling declares it in the _meta of every request that may need it, retries included."""
    for session in evidence.sessions:
        rounds = [(message, declared_in(message)) for call in session.calls for message in call.rounds]
        if not any(declared is not None for _, declared in rounds):
            continue
        for message, declared in rounds:
            if declared is not None:
                yield HELD
            else:
                yield broken(
                    message.at("params"),
                    f"the _meta of this {message.method} declares no sampling; other requests of the client do",
                )


@rule(
    "capability/declared-answered",
    CLIENT,
    LEGACY_SHOULD,  # a modern client refuses by going on without an answer
    "client/sampling",
    "capabilities",
    unobserved="no plain request was answered by a client that declares sampling",
)
def declared_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that declared sampling answers a plain valid request with a result or an error that means something, not
    with -32601."""
    for exchange in evidence.asks("plain"):
        if exchange.answer is None or exchange.declared is None:
            continue
        code = exchange.error.get("code") if exchange.error else None
        if code is not None and code.value == -32601:
            yield broken(code, "sampling was declared, and then answered as a method that does not exist")
        else:
            yield HELD


NO_UNDECLARED = "the client declared sampling"


@rule(
    "capability/undeclared-rejected",
    CLIENT,
    LEGACY_MUST,
    "client/sampling",
    "capabilities",
    unobserved=NO_UNDECLARED,
)
def undeclared_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that did not declare sampling answers a sampling request with an error."""
    for exchange in evidence.asks("undeclared"):
        if exchange.answer is None:
            yield asked_answered(exchange)
        yield from rejected(exchange, None, "although the client did not declare sampling")


@rule(
    "capability/undeclared-rejected-code",
    CLIENT,
    LEGACY_ADVICE,
    "messages",
    "responses",
    unobserved=NO_UNDECLARED,
)
def undeclared_rejected_code(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The error for a sampling request that was never negotiated is -32601, method not found."""
    for exchange in evidence.asks("undeclared"):
        if exchange.error is not None:
            yield from rejected(exchange, -32601, "")


@rule(
    "capability/tools-undeclared-rejected",
    CLIENT,
    TOOLS_MUST,
    "schema",
    "createmessagerequestparams",
    unobserved="the client declared sampling.tools, or no sampling at all",
)
def tools_undeclared_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that did not declare sampling.tools refuses a request with tools or toolChoice."""
    for exchange in evidence.asks("tools-undeclared"):
        yield from rejected(exchange, None, "although the client did not declare sampling.tools")
