"""single-response: sampling does not stream; one request, one whole answer.

client/sampling "Creating Messages"; basic/utilities/progress.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.conversation import last_before
from ..evidence.evidence import Evidence
from ..evidence.messages import Message, Value
from ..evidence.reading import Key
from ..evidence.session import Probe, Session
from ..protocol.jsonrpc import id_key, is_number, meta_of, params_of, shown
from ..protocol.names import LOG_LEVEL
from ..transcript.events import AnsweredAgain
from ..transcript.transcript import Side
from .rule import (
    ALWAYS_ADVICE,
    ALWAYS_MUST,
    BOTH,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    MODERN_MUST,
    SERVER,
    Finding,
    broken,
    rule,
)
from .shapes import asked_answered, call_answered, served_next

PROGRESS = "basic/utilities/progress"


def _progress(session: Session, side: Side) -> Iterator[tuple[Value, Message | None]]:
    """The params of each progress notification of a side (where it has none, the whole message), with the request that
    asked for it: the last one before it with its token."""
    asking: dict[Key, list[Message]] = {}
    for request in session.requests_of(side.other):
        meta = meta_of(params_of(request.body))
        if "progressToken" in meta:
            asking.setdefault(id_key(meta["progressToken"]), []).append(request)
    for message in session.with_method(side, "notifications/progress"):
        if message.is_notification:
            params = message.whole.get("params") or message.whole
            token = params.get("progressToken")
            yield params, last_before(asking.get(id_key(token.value), ()), message.index) if token else None


@rule(
    "single-response/progress-only-with-token",
    BOTH,
    ALWAYS_MUST,
    PROGRESS,
    "behavior-requirements",
    unobserved="no progress was sent",
)
def progress_only_with_token(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Progress is sent only for a token that the other side gave, increasing, and not after the response."""
    for session in evidence.sessions:
        last: dict[int, float] = {}  # by the index of the request
        for params, request in _progress(session, side):
            if request is None:
                token = params.get("progressToken")
                given = "no progressToken" if token is None else f"the token {shown(token.value)}"
                yield broken(token or params, f"progress with {given}, which no request of the other side gave")
                continue
            progress, response, before = params.get("progress"), session.response_to(request), last.get(request.index)
            number = progress.value if progress is not None and is_number(progress.value) else None
            if response is not None and _became_a_task(request, response):
                response = None
            if response is not None and response.index < params.message.index:
                yield broken(params, "progress after the response to the request that asked for it")
            elif number is None:
                yield broken(progress or params, "progress without a number in params.progress")
            elif before is not None and number <= before:
                yield broken(
                    progress or params, f"progress went from {shown(before)} to {shown(number)}; it must increase"
                )
            else:
                yield HELD
            if number is not None:
                last[request.index] = number


@rule(
    "single-response/log-level",
    SERVER,
    MODERN_MUST,
    "server/utilities/logging",
    "per-request-log-level",
    unobserved="no request without a log level was answered",
)
def log_level(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Nothing is logged to the client, by notifications/message, for a request that names no log level in its _meta."""
    for session in evidence.sessions:
        requests = session.requests_of(side.other)
        silent = [request for request in requests if request.whole.find("params", "_meta", LOG_LEVEL) is None]
        if len(silent) < len(requests) and session.transcript.transport != "http":
            continue  # nothing tells which request a message is for
        logged = False
        for message in session.with_method(side, "notifications/message"):
            own = session.request_on(message.channel)
            waiting = (own,) if own in silent else silent if own is None else ()
            if request := next((each for each in waiting if _pending_at(session, each, message.index)), None):
                logged = True
                what = f"{request.method} (id {shown(request.body['id'])})"
                yield broken(message.whole, f"notifications/message for {what}, whose _meta has no {LOG_LEVEL}")
        if not logged and any(session.response_to(request) for request in silent):
            yield HELD


def _pending_at(session: Session, request: Message, index: int) -> bool:
    """Whether a request waited for its response at an index."""
    response = session.response_to(request)
    return request.index < index and (response is None or response.index > index)


def _became_a_task(request: Message, response: Message) -> bool:
    """Whether a response says that there is a task now, for which the token goes on to be good
    (2025-11-25 basic/utilities/tasks "Task Progress Notifications")."""
    task = response.whole.find("result", "task")
    return task is not None and isinstance(task.value, dict) and "task" in params_of(request.body)


@rule(
    "single-response/no-stream-parameter",
    SERVER,
    ALWAYS_ADVICE,
    "schema",
    "createmessagerequestparams",
    unobserved="no sampling request came",
)
def no_stream_parameter(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request has no stream parameter, for the answer always comes whole."""
    streams = evidence.asked.parameters["stream"]
    for stream in streams:
        yield broken(stream, f"{stream.json_path} is {shown(stream.value)}, but MCP sampling does not stream")
    if evidence.asked.requests and not streams:
        yield HELD


@rule(
    "single-response/proceeds-after-one",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no sampling request was answered",
)
def proceeds_after_one(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """After one complete answer to its sampling request a server goes on with the call; it waits for nothing more."""
    for probe in evidence.probes("first-call", "late", "tools"):
        for call in probe.calls if probe.exchanges else ():
            # Who does not like what the model said may ask again, and again: that is going on.
            if call.response is not None or not _asked_again(probe):
                yield call_answered(call, f"after {probe.name}, one complete and valid answer")


#: after so many answers, each complete and valid, asking again is no going on any more
_ASKED_IN_VAIN = 500


def _asked_again(probe: Probe) -> bool:
    """Whether a probe ended with a sampling request that came after another one had been answered."""
    *before, last = probe.exchanges
    answered = any(e.answer is not None and e.answer.message.index < last.index for e in before)
    return answered and len(before) < _ASKED_IN_VAIN


@rule(
    "single-response/duplicate-ignored",
    SERVER,
    LEGACY_ADVICE,
    "messages",
    "responses",
    unobserved="no sampling request could be answered twice",
)
def duplicate_ignored(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A second response with the same id is ignored: it answers nothing else and breaks nothing."""
    for probe in evidence.probes("duplicate"):
        yield from served_next(probe)
        second = [event.text for event in probe.events(AnsweredAgain)]
        for call in (*probe.calls, *probe.follow_ups):
            if call.response is None or not second:
                continue
            text = shown(call.response.body, limit=1_000_000)
            if any(words in text for words in second):
                yield broken(
                    call.response.whole, "the call was answered with the text of the second, superfluous response"
                )
            else:
                yield HELD


#: groups of requests for which no other rule says that they must be answered
_WITHOUT_ANOTHER_RULE = (
    *("plain", "limit", "hints", "pinged", "several", "state", "bare", "odd-id", "spared", "polled"),
    *("tools-undeclared", "tools", "loop", "choice-none", "choice-required"),
)


@rule(
    "single-response/exactly-one",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no plain sampling request was sent",
)
def exactly_one(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request gets one answer, with the very id of the request, or in the modern era under its key."""
    for exchange in evidence.asks(*_WITHOUT_ANOTHER_RULE):
        if not exchange.abandoned:
            yield from asked_answered(exchange)
    for exchange in evidence.exchanges:
        for surplus in exchange.answers[1:]:
            yield broken(surplus, f"another response to {exchange.name}, which was answered before")
    # In the modern era every response of a client is one too many: association/never-a-response.
    for session in evidence.sessions if not evidence.revision.modern else ():
        asked = {id_key(request.body["id"]) for request in session.requests_of(side.other)}
        for message in session.responses_of(side):
            if "id" not in message.body:
                yield broken(message.whole, "a response without an id, so that nothing tells what it answers")
            elif id_key(message.body["id"]) not in asked:
                yield broken(message.whole, f"a response with the id {shown(message.body['id'])}, which no request had")


@rule(
    "single-response/exactly-one",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no request was made of the server in a record that has its beginning",
)
def one_response_of_server(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends one response to a request, with the very id of the request, and none to what was never asked."""
    for session in evidence.sessions:
        if not session.from_beginning:
            continue  # what was asked before is not known
        requests = session.requests_of(side.other)
        for request in requests:
            _, *surplus = session.responses_to(request) or (None,)
            for message in surplus:
                what = f"{request.method} (id {shown(request.body['id'])})"
                yield broken(message.whole, f"another response to {what}, which was answered before")
        asked = {id_key(request.body["id"]) for request in requests}
        # What has an id and nothing else may be taken for a request that lacks its method.
        asked |= {id_key(one.body["id"]) for one in session.responses_of(side.other) if not {*one.body} & _OUTCOMES}
        for message in session.responses_of(side):
            if "jsonrpc" in message.body:
                yield from _asked_for(session, message, asked)


#: what a response has one of
_OUTCOMES = {"result", "error"}


def _asked_for(session: Session, response: Message, asked: set[Key]) -> Iterator[Finding]:
    """Whether a response of the server has the id of a request, or is an error about what could not be read."""
    id = response.body.get("id")
    unread = "error" in response.body and (id is None or session.refused(response))
    if id_key(id) in asked:
        yield HELD
    elif id is None and not unread:
        yield broken(response.whole, "a response without an id, so that nothing tells what it answers")
    elif not unread:
        yield broken(response.whole, f"a response with the id {shown(id)}, which no request had")


#: how the methods begin by which a client would speak of sampling; any other has a meaning of its own
_OF_SAMPLING = ("notifications/sampling", "sampling/")
#: members by which a notification would carry a part of an answer
_CONTENT = ("content", "delta", "text", "role", "partial", "chunk")


@rule(
    "single-response/complete",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no sampling request was answered with a result",
)
def complete(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The whole answer is in the response: no notification carries a part of it."""
    for session in evidence.sessions:
        parts = [
            message.at("params", key)
            for message in session.notifications_of(side)
            if str(message.method).startswith(_OF_SAMPLING)
            for key in _CONTENT
            if key in params_of(message.body)
        ]
        for part in parts:
            yield broken(
                part, f"{shown(part.message.method)} carries {part.json_path}; sampling has no partial answers"
            )
        if not parts and any(exchange.result is not None for exchange in session.exchanges):
            yield HELD
