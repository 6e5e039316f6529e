"""capability, what the negotiation binds the client to: it declares what it answers, and answers what it declared.

client/sampling "Capabilities"; basic/lifecycle "Operation"; from 2026-07-28 on basic "_meta".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.conversation import declared_in
from ..evidence.evidence import Evidence, is_result
from ..protocol.http_headers import version_in
from ..protocol.jsonrpc import shown
from ..protocol.names import CAPABILITIES, INITIALIZED, VERSION
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
    MUST,
    TOOLS_MUST,
    Finding,
    broken,
    rule,
)
from .shapes import all_rejected, asked_answered, expect, is_object, is_string, rejected, require


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
    "capability/initialized-afterwards",
    CLIENT,
    LEGACY_MUST,
    "basic/lifecycle",
    "initialization",
    unobserved="the client did not say that it is initialized, or never opened a session",
)
def initialized_afterwards(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client sends notifications/initialized after initialize was answered, and not before it knows the answer."""
    for session in evidence.sessions:
        openings = [request for request in session.with_method(side, "initialize") if request.is_request]
        answer = session.response_to(openings[0]) if openings else None
        first = next(iter(session.with_method(side, INITIALIZED)), None)
        if answer is None or first is None:
            continue
        if first.index < answer.index:
            yield broken(first.whole, f"{INITIALIZED} came before initialize was answered")
        else:
            yield HELD


#: what the _meta of every request has to have, with what it must be
_REQUIRED_META = ((VERSION, is_string, "a string"), (CAPABILITIES, is_object, "an object"))


@rule(
    "capability/request-meta-complete",
    CLIENT,
    MODERN_MUST,
    "basic",
    "meta",
    unobserved="the client sent no request of this revision",
)
def request_meta_complete(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every request, retries included, has the protocolVersion and the clientCapabilities in its _meta."""
    for session in evidence.sessions:
        requests = session.requests_of(side)
        # A client of the other era tries its handshake here too.
        if not any(version_in(request.body) == evidence.revision.name for request in requests):
            continue
        for request in requests:
            if request.method == "initialize":
                continue
            meta = request.whole.find("params", "_meta")
            if meta is None or not isinstance(meta.value, dict):
                yield broken(request.whole, f"this {request.method} has no _meta")
                continue
            for key, holds, expected in _REQUIRED_META:
                yield from require(meta, key, holds, expected)


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
            yield from asked_answered(exchange)
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


#: so often a request has to be refused, between plain ones that are not, until it is no user who refuses it
_REFUSED = 2


@rule(
    "capability/task-ignored",
    CLIENT,
    {"2025-11-25": MUST, "2026-07-28": None},
    "basic/utilities/tasks",
    "task-support-and-handling",
    unobserved="the client declared tasks for sampling, or refuses plain requests too",
)
def task_ignored(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that did not declare tasks for sampling processes a request that asks for one as any other."""
    asked = list(evidence.asks("task-undeclared"))
    for exchange in asked:
        if exchange.result is not None and (task := exchange.result.get("task")) and not is_result(exchange.result):
            yield broken(task, f"{exchange.name} was answered with a task, which the client did not declare")
        elif exchange.error is None:
            yield from asked_answered(exchange)
    refused = [exchange for exchange in asked if exchange.error is not None]
    plain = [e for e in evidence.asks("follow-up") if e.asked is not None and e.asked.after == "task-undeclared"]
    if len(refused) >= _REFUSED and all(exchange.result is not None for exchange in plain):
        error = refused[0].error or refused[0].request
        why = f"{refused[0].name} was refused {len(refused)} times with {shown(error.value)}, plain ones were answered"
        yield broken(error, why)


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
    because = "although the client did not declare sampling.tools"
    yield from all_rejected(evidence, "tools-undeclared", None, because)
