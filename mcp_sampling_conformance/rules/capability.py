"""capability: what was negotiated, and what may be used because of it.

client/sampling "Capabilities" and "Tools in Sampling"; basic/lifecycle "Initialization" and "Operation".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence, Exchange, Value, blocks_of
from ..revisions import NAMES, REVISIONS
from ..verdicts import HELD, Finding, broken
from ..wire.transcript import Side
from . import (
    ALWAYS_ADVICE,
    ALWAYS_MUST,
    ALWAYS_SHOULD,
    BOTH,
    CLIENT,
    NEGOTIATED,
    SERVER,
    TOOLS_ADVICE,
    TOOLS_MUST,
    TOOLS_SHOULD,
    rule,
)
from .shapes import asked_answered, call_answered, expect, is_object, rejected, shown

NO_UNDECLARED_CALL = "no call was made without the capability whose tool samples otherwise"


@rule(
    "capability/undeclared-not-used",
    SERVER,
    NEGOTIATED,
    "basic/lifecycle",
    "operation",
    unobserved=NO_UNDECLARED_CALL,
)
def undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request to a client that did not declare the sampling capability."""
    for session in evidence.sessions:
        if session.sampling is None:
            for exchange in session.exchanges:
                yield broken(
                    exchange.request.at("method"),
                    "the server sent sampling/createMessage although the client's initialize declared no sampling",
                )
            if session.calls and not session.exchanges:
                yield HELD


@rule(
    "capability/undeclared-answered",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved=NO_UNDECLARED_CALL,
)
def undeclared_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that would need sampling is answered also when the client did not declare sampling."""
    for session in evidence.sessions:
        if session.sampling is None and not session.exchanges:
            for call in session.calls:
                yield call_answered(call, "from a client without the sampling capability")


def _offered_tools(params: Value) -> Value | None:
    """``tools`` where it offers any; an empty array makes no request tool-enabled."""
    tools = params.get("tools")
    return tools if tools is not None and tools.value not in ([], None) else None


@rule(
    "capability/tools-undeclared-not-used",
    SERVER,
    TOOLS_MUST,
    "client/sampling",
    "tools-in-sampling",
    unobserved="no sampling request reached a client without sampling.tools",
)
def tools_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server offers no tools in a sampling request to a client that did not declare sampling.tools."""
    for params in evidence.requests:
        session = params.message.session
        if session.sampling is not None and not session.declares("tools"):
            tools = _offered_tools(params)
            if tools is None:
                yield HELD
            else:
                yield broken(
                    tools,
                    f"{tools.where} offers {shown(tools.value)}, but the client declared "
                    f"sampling: {shown(session.sampling.value)}, without tools",
                )


@rule(
    "capability/tool-fields-undeclared-avoided",
    SERVER,
    TOOLS_ADVICE,
    "schema",
    "createmessagerequestparams",
    unobserved="no sampling request reached a client without sampling.tools",
)
def tool_fields_undeclared_avoided(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Without sampling.tools a server leaves toolChoice and an empty tools array out too, for a client must refuse
    them."""
    for params in evidence.requests:
        session = params.message.session
        if session.sampling is not None and not session.declares("tools") and not _offered_tools(params):
            for field in (params.get("toolChoice"), params.get("tools")):
                if field is not None:
                    yield broken(
                        field,
                        f"{field.where} is {shown(field.value)} although the client did not declare sampling.tools; "
                        "a client that follows the schema answers this with an error",
                    )
                else:
                    yield HELD


CONTEXT_VALUES = ("thisServer", "allServers")


def _context(params: Value) -> Value | None:
    value = params.get("includeContext")
    return value if value is not None and value.value in CONTEXT_VALUES else None


@rule(
    "capability/context-undeclared-not-used",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "capabilities",
    unobserved="no sampling request reached a client without sampling.context",
)
def context_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server asks for includeContext other than none only from a client that declared sampling.context."""
    for params in evidence.requests:
        session = params.message.session
        if session.sampling is not None and not session.declares("context"):
            context = _context(params)
            yield (
                broken(
                    context,
                    f"{context.where} is {shown(context.value)}, but the client did not declare sampling.context",
                )
                if context
                else HELD
            )


@rule(
    "capability/context-avoided",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "capabilities",
    unobserved="no sampling request reached a client that declares sampling.context",
)
def context_avoided(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server avoids the deprecated includeContext values thisServer and allServers, declared or not."""
    for params in evidence.requests:
        if params.message.session.declares("context"):
            context = _context(params)
            yield (
                broken(context, f"{context.where} is {shown(context.value)}, which is deprecated") if context else HELD
            )


def _first_with(block_type: str) -> str | None:
    """The first revision whose sampling messages know a block type; ``None`` where none does."""
    return next((name for name in NAMES if block_type in REVISIONS[name].content_types), None)


def _newer_fields(evidence: Evidence, params: Value) -> Iterator[tuple[Value, str]]:
    """What a request carries that its revision does not know yet (or, for task, no other revision knows)."""
    revision = evidence.revision
    if not revision.tools:
        for key in ("tools", "toolChoice"):
            if field := params.get(key):
                yield field, "came with 2025-11-25"
    if not revision.tasks and (task := params.get("task")):
        yield task, "belongs to 2025-11-25 only"


def _newer_content(evidence: Evidence, turn: Value) -> Iterator[tuple[Value, str]]:
    revision = evidence.revision
    content = turn.get("content")
    if content is not None and isinstance(content.value, list) and not revision.content_arrays:
        yield content, "as an array came with 2025-11-25"
    for block in blocks_of(turn):
        kind = block.get("type")
        if kind is None or not isinstance(kind.value, str) or kind.value in revision.content_types:
            continue
        if first := _first_with(kind.value):
            yield block, f"is a {kind.value} block, which came with {first}"


@rule(
    "capability/revision-respected",
    BOTH,
    NEGOTIATED,
    "basic/lifecycle",
    "operation",
    unobserved="no content was sent that could be of a later revision",
)
def revision_respected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A party uses nothing in sampling that its negotiated revision does not have yet."""
    for turn in evidence.turns(side):
        found = list(_newer_content(evidence, turn))
        yield from (_too_new(evidence, value, what) for value, what in found)
        if not found:
            yield HELD
    if side is Side.SERVER:
        for params in evidence.requests:
            found = list(_newer_fields(evidence, params))
            yield from (_too_new(evidence, value, what) for value, what in found)
            if not found:
                yield HELD


def _too_new(evidence: Evidence, value: Value, what: str) -> Finding:
    return broken(value, f"{value.where} {what}, but {evidence.revision.name} was negotiated")


@rule(
    "capability/not-before-initialized",
    SERVER,
    ALWAYS_SHOULD,
    "basic/lifecycle",
    "initialization",
    unobserved="no session reached notifications/initialized",
)
def not_before_initialized(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request before it received notifications/initialized."""
    for session in evidence.sessions:
        ready = next((m for m in session.sent_by(Side.CLIENT) if m.method == "notifications/initialized"), None)
        early = [e for e in session.exchanges if ready is None or e.request.index < ready.index]
        for exchange in early:
            yield broken(
                exchange.request.at("method"),
                "the server sent sampling/createMessage before notifications/initialized",
            )
        if ready is not None and not early:
            yield HELD


def _is_plain(exchange: Exchange) -> bool:
    return not any(exchange.params.get(key) for key in ("tools", "toolChoice")) and not _context(exchange.params)


@rule(
    "capability/declared-forms-accepted",
    SERVER,
    ALWAYS_MUST,
    "client/sampling",
    "capabilities",
    unobserved="no tool sampled in a session that declares sampling",
)
def declared_forms_accepted(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every form of the sampling capability (empty, with tools, with context, with both, with unknown members) means
    that sampling is supported."""
    # What samples plainly for one form has no reason not to sample for another.
    plain = {
        probe.start.data["target"]
        for probe in evidence.probes("first-call")
        if probe.exchanges and all(_is_plain(e) for e in probe.exchanges)
    }
    # Whoever shows what the model said on another connection remembers it, and has no need to ask.
    sampled = {exchange.text for exchange in evidence.exchanges if exchange.text}
    for probe in evidence.probes("first-call"):
        sampling = probe.session.sampling
        target = probe.start.data["target"]
        if sampling is None or target not in plain or not probe.calls:
            continue
        responses = [shown(call.response.body, limit=1_000_000) for call in probe.calls if call.response]
        # Where another call samples for this form, the form is understood, and this call may have been put off.
        if probe.session.exchanges:
            yield HELD
        elif not any(text in response for response in responses for text in sampled):
            yield broken(
                probe.calls[0].request.whole,
                f"{target} sampled for another form of the capability, but not for a client that declared "
                f"sampling: {shown(sampling.value)}",
            )
    # The connection without sampling is started beside the others: where it fails too, it is not for their capability;
    # nor is it where a server is slow to start.
    opened = any(session.sampling is None and not session.marks("not-opened") for session in evidence.sessions)
    for session in evidence.sessions:
        refused = session.marks("not-opened") and not session.marks("gave-up")
        if opened and session.sampling is not None and refused:
            assert session.initialize is not None
            yield broken(
                session.initialize.at("params", "capabilities", "sampling"),
                f"the server did not come up for a client that declared sampling: {shown(session.sampling.value)}",
            )


@rule(
    "capability/declared-shape",
    CLIENT,
    ALWAYS_MUST,
    "client/sampling",
    "capabilities",
    unobserved="the client declared no sampling",
)
def declared_shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The sampling capability is an object, and from 2025-11-25 on so are tools and context in it."""
    for session in evidence.sessions:
        if session.sampling is not None:
            yield from expect(session.sampling, is_object, "an object")
            for member in ("tools", "context") if evidence.revision.tools else ():
                yield from expect(session.sampling.get(member), is_object, "an object")


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
            if exchange.request.session.sampling is not None:
                yield HELD
            else:
                yield broken(exchange.result, "a result, from a client whose initialize declared no sampling")


@rule(
    "capability/declared-answered",
    CLIENT,
    ALWAYS_SHOULD,
    "client/sampling",
    "capabilities",
    unobserved="no plain request was answered by a client that declares sampling",
)
def declared_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that declared sampling answers a plain valid request with a result or an error that means something, not
    with -32601."""
    for exchange in evidence.asks("plain"):
        if exchange.answer is None:
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
    ALWAYS_MUST,
    "basic/lifecycle",
    "operation",
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
    ALWAYS_ADVICE,
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
    """A client that did not declare sampling.tools answers a request with tools or toolChoice with an error."""
    for exchange in evidence.asks("tools-undeclared"):
        yield from rejected(exchange, None, "although the client did not declare sampling.tools")
