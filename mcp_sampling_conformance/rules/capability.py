"""capability: what was negotiated, and what may be used because of it.

client/sampling "Capabilities" and "Tools in Sampling"; basic/lifecycle "Initialization" and "Operation";
from 2026-07-28 on basic "_meta" and "Statelessness".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence, Session, blocks_of
from ..evidence.exchanges import Call, Exchange, declared_in
from ..evidence.messages import Value
from ..protocol.jsonrpc import shown
from ..protocol.revisions import NAMES, REVISIONS
from .rule import HELD, Finding, broken
from ..transcript.transcript import Side
from .rule import ALWAYS_MUST, BOTH, CLIENT, LEGACY_ADVICE, LEGACY_MUST, LEGACY_SHOULD, MODERN_MUST, NEGOTIATED, SERVER, TOOLS_ADVICE, TOOLS_MUST, TOOLS_SHOULD, rule
from .shapes import asked_answered, call_answered, expect, is_object, rejected

NO_UNDECLARED_CALL = "no call was made without the capability whose tool samples otherwise"


#: where the modern revision says what capabilities of a request are for
META = ("basic", "meta")


@rule(
    "capability/undeclared-not-used",
    SERVER,
    NEGOTIATED,
    "basic/lifecycle",
    "operation",
    unobserved=NO_UNDECLARED_CALL,
    modern=META,
)
def undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request to a client that did not declare the sampling capability."""
    for session in evidence.sessions:
        for exchange in session.exchanges:
            if exchange.declared is None and _never_declared(session, exchange.index):
                yield broken(
                    exchange.request.get("method") or exchange.request,
                    f"the server sent sampling/createMessage although {_declares_none(evidence)}",
                )
        for call in session.calls:
            if call.declared is None and not any(call.may_own(exchange) for exchange in session.exchanges):
                yield HELD


def _never_declared(session: Session, index: int) -> bool:
    """Whether nothing before an index declared sampling: a server that remembers what did breaks per-request."""
    return not any(message.index < index and declared is not None for message, declared in session.declarations)


def _declares_none(evidence: Evidence) -> str:
    if evidence.revision.modern:
        return "the _meta of the client's request declared no sampling"
    return "the client's initialize declared no sampling"


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
    for call, owned in _undeclared_calls(evidence):
        if not owned:
            yield call_answered(call, "from a client without the sampling capability")


def _undeclared_calls(evidence: Evidence) -> Iterator[tuple[Call, bool]]:
    """The calls for which sampling was not declared, each with whether the server sampled for it all the same."""
    for session in evidence.sessions:
        for call in session.calls:
            if call.declared is None:
                yield call, any(call.may_own(exchange) for exchange in session.exchanges)


MISSING_CAPABILITY = -32021


@rule(
    "capability/undeclared-error-modern",
    SERVER,
    MODERN_MUST,
    *META,
    unobserved="no call failed for want of the sampling capability",
)
def undeclared_error_modern(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that needs sampling, without the capability in its _meta, gets the error -32021, whose
    data.requiredCapabilities is an object that names sampling."""
    for calls in _plain_calls(evidence).values():
        needs = [call for call, asked in calls if call.declared is None and not asked and call.failed and call.response]
        right = [call for call in needs if _wrong_refusal(call) is None]
        # Where other calls fail too, or one of these was refused as it should be, there is another reason to fail.
        otherwise = any(call.failed for call, _ in calls if call.declared is not None)
        if right:
            yield HELD
        elif any(asked for _, asked in calls) and not otherwise:
            for call in needs:
                yield _wrong_refusal(call) or HELD


def _plain_calls(evidence: Evidence) -> dict[object, list[tuple[Call, bool]]]:
    """The plain calls by what they call, each with whether the server sampled for it."""
    found: dict[object, list[tuple[Call, bool]]] = {}
    for probe in evidence.probes("first-call", "second-call"):
        for call in probe.calls:
            asked = any(call.may_own(exchange) for exchange in probe.exchanges)
            found.setdefault(probe.callee, []).append((call, asked))
    return found


def _wrong_refusal(call: Call) -> Finding | None:
    """What is wrong with the failure of a call that lacks the capability; ``None`` where it is as it should be."""
    assert call.response is not None
    lacking = "the call needs sampling, which its _meta did not declare"
    error = call.response.whole.get("error")
    if error is None:
        return broken(call.response.whole, f"{lacking}; it failed with a result instead of the error -32021")
    code, data = error.get("code"), error.get("data")
    required = data.get("requiredCapabilities") if data else None
    if code is None or code.value != MISSING_CAPABILITY:
        given = shown(code.value) if code else "no code"
        return broken(code or error, f"{lacking}; the error has {given} instead of -32021")
    if required is None or not is_object(required.value) or "sampling" not in required.value:
        why = "the error -32021 does not name sampling in an object data.requiredCapabilities"
        return broken(required or data or error, why)
    return None


@rule(
    "capability/per-request",
    SERVER,
    MODERN_MUST,
    "basic",
    "statelessness",
    unobserved="no connection carried calls with and without the sampling capability",
)
def per_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What a client can do is taken from the _meta of the very request, never from an earlier one."""
    afresh = _asked_without(evidence)
    for session in evidence.sessions:
        for probe in session.probes:
            if probe.group not in ("first-call", "second-call"):
                continue
            target = probe.callee
            for call in probe.calls:
                asked = [exchange for exchange in probe.exchanges if call.may_own(exchange)]
                before = not _never_declared(session, call.request.index)
                if call.declared is None and before and target not in afresh:
                    if asked:
                        yield broken(
                            asked[0].request.get("method") or asked[0].request,
                            "this call's _meta declared no sampling, and the server asked for it all the same: it took "
                            "the capability from an earlier request on the connection",
                        )
                    elif call.response is not None:
                        yield HELD
                if call.declared is not None and (wrong := _denied(call, call.declared)):
                    yield broken(wrong, "this call's _meta declared what the server says that it lacks")


def _denied(call: Call, declared: Value) -> Value | None:
    """The error -32021 of a call, where all that it requires was declared."""
    error = call.response.whole.get("error") if call.response else None
    code = error.get("code") if error else None
    data = error.get("data") if error else None
    required = data.get("requiredCapabilities") if data else None
    if error is None or code is None or code.value != MISSING_CAPABILITY or required is None:
        return None
    names, parts = dict(required.members()), required.get("sampling")
    lacking = [name for name, _ in parts.members() if declared.get(name) is None] if parts else []
    return error if set(names) == {"sampling"} and not lacking else None


def _asked_without(evidence: Evidence) -> set[object]:
    """The targets that sample for a client that never declared it: there is no telling what they remember."""
    return {
        probe.callee
        for probe in evidence.probes("first-call", "second-call")
        for exchange in probe.exchanges
        if exchange.declared is None and _never_declared(probe.session, exchange.index)
    }


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
    for exchange in evidence.asked:
        if exchange.declared is not None and exchange.declared.get("tools") is None:
            tools = _offered_tools(exchange.params)
            if tools is None:
                yield HELD
            else:
                yield broken(
                    tools,
                    f"{tools.json_path} offers {shown(tools.value)}, but the client declared "
                    f"sampling: {shown(exchange.declared.value)}, without tools",
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
    for exchange in evidence.asked:
        params, declared = exchange.params, exchange.declared
        if declared is not None and declared.get("tools") is None and not _offered_tools(params):
            for field in (params.get("toolChoice"), params.get("tools")):
                if field is not None:
                    yield broken(
                        field,
                        f"{field.json_path} is {shown(field.value)} although the client did not declare sampling.tools; "
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
    for exchange in evidence.asked:
        if exchange.declared is not None and exchange.declared.get("context") is None:
            context = _context(exchange.params)
            yield (
                broken(
                    context,
                    f"{context.json_path} is {shown(context.value)}, but the client did not declare sampling.context",
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
    for exchange in evidence.asked:
        if exchange.declared is not None and exchange.declared.get("context") is not None:
            context = _context(exchange.params)
            yield (
                broken(context, f"{context.json_path} is {shown(context.value)}, which is deprecated") if context else HELD
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
    modern=("basic/versioning", "protocol-version-negotiation"),
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
    return broken(value, f"{value.json_path} {what}, but {evidence.revision.name} was negotiated")


@rule(
    "capability/not-before-initialized",
    SERVER,
    LEGACY_SHOULD,
    "basic/lifecycle",
    "initialization",
    unobserved="no session reached notifications/initialized",
)
def not_before_initialized(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request before it received notifications/initialized."""
    for session in evidence.sessions:
        ready = next((m for m in session.sent_by(Side.CLIENT) if m.method == "notifications/initialized"), None)
        early = [e for e in session.exchanges if ready is None or e.index < ready.index]
        for exchange in early:
            yield broken(
                exchange.request.get("method") or exchange.request,
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
        probe.callee
        for probe in evidence.probes("first-call")
        if probe.exchanges and all(_is_plain(e) for e in probe.exchanges)
    }
    # Whoever shows what the model said on another connection remembers it, and has no need to ask.
    sampled = {exchange.text for exchange in evidence.exchanges if exchange.text}
    for probe in evidence.probes("first-call"):
        target = probe.callee
        declared = probe.calls[0].declared if probe.calls else None
        if declared is None or target not in plain:
            continue
        responses = [shown(call.response.body, limit=1_000_000) for call in probe.calls if call.response]
        # Where another call samples for this form, the form is understood, and this call may have been put off.
        if any(e.declared is not None and e.declared.value == declared.value for e in probe.session.exchanges):
            yield HELD
        # One modern process sees all forms, and may answer a later one from what it made of an earlier answer.
        elif evidence.revision.modern and not any(call.failed for call in probe.calls):
            continue
        elif not any(text in response for response in responses for text in sampled):
            yield broken(
                probe.calls[0].request.whole,
                f"{target} sampled for another form of the capability, but not for a client that declared "
                f"sampling: {shown(declared.value)}",
            )
    # The connection without sampling is started beside the others: where it fails too, it is not for their capability;
    # nor is it where a server is slow to start.
    opened = any(session.sampling is None and not session.marks("not-opened") for session in evidence.sessions)
    for session in evidence.sessions:
        refused = session.marks("not-opened") and not session.marks("gave-up")
        if opened and session.sampling is not None and refused:
            yield broken(
                session.sampling,
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
                yield broken(exchange.result, f"a result to a sampling request, although {_declares_none(evidence)}")


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
    LEGACY_MUST,
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
