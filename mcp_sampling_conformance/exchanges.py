"""Sampling as it travels: exchanges and the calls they belong to, read from a session of either era.

Legacy: the server sends a request of its own while a call is pending, and the client responds (client/sampling).
Modern: the server answers the call with an InputRequiredResult, and the client calls again with the answers
(basic/patterns/mrtr). Whoever judges an exchange need not know which it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .messages import CALLS, SAMPLING, Message, Value, id_key
from .wire.transcript import Mark, Side

if TYPE_CHECKING:
    from .evidence import Session

#: the resultType of a result that asks for something
INPUT_REQUIRED = "input_required"
#: where a modern request says what its client can do
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


@dataclass(frozen=True)
class Call:
    """A client's request during which the server may sample, with the retries that carry answers, and its response."""

    rounds: tuple[Message, ...]  #: the request, and in the modern era its retries
    response: Message | None  #: to the last of them
    gave_up: float | None  #: seconds waited in vain, where the harness gave up on it
    declared: Value | None  #: the ``sampling`` capability in force for it; ``None`` where there was none

    @property
    def request(self) -> Message:
        return self.rounds[0]

    @property
    def last(self) -> Message:
        return self.rounds[-1]

    @property
    def failed(self) -> bool:
        """Answered with an error, or with a tool result that says so."""
        if self.response is None:
            return True
        result = self.response.body.get("result")
        return not isinstance(result, dict) or result.get("isError") is True

    @property
    def complete(self) -> bool:
        """Answered for good: with success, and not by asking for something."""
        return not self.failed and self.response is not None and not asks_for_input(self.response)

    def may_own(self, exchange: Exchange) -> bool:
        """Whether a sampling request can belong to this call: in the modern era certainly, else by its time."""
        if exchange.carrier is not None:
            return any(exchange.carrier is message for message in self.rounds)
        index = exchange.index
        return self.request.index < index and (self.response is None or index < self.response.index)


@dataclass(frozen=True)
class Exchange:
    """One sampling request and what answered it, whatever carried them."""

    request: Value  #: a JSON-RPC request, or a member of ``inputRequests``
    answers: tuple[Value, ...]  #: responses, or the member of ``inputResponses``
    result: Value | None  #: ``None`` also where an error answered it, even with a result beside it
    error: Value | None
    carrier: Message | None  #: the call in whose response it came (modern)
    declared: Value | None  #: the ``sampling`` capability in force for it; ``None`` where there was none
    ask: Mark | None  #: what the harness had in mind, where it was the one that asked
    gave_up: float | None  #: seconds waited in vain, where the harness gave up on it

    @property
    def index(self) -> int:
        return self.request.message.index

    @property
    def session(self) -> Session:
        return self.request.message.session

    @property
    def params(self) -> Value:
        return self.request.get("params") or self.request

    @property
    def group(self) -> str | None:
        return str(self.ask.data["group"]) if self.ask else None

    @property
    def name(self) -> str:
        return str(self.ask.data["name"]) if self.ask else "a sampling request"

    @property
    def answer(self) -> Value | None:
        return self.answers[0] if self.answers else None

    @property
    def abandoned(self) -> bool:
        """Left unanswered by a client that went on with something else: how one refuses in the modern era."""
        if self.carrier is None or self.answer is not None:
            return False
        session = self.session
        crashed = any(mark.data["code"] != 0 for mark in session.marks("died"))
        ended = crashed or session.marks("hung")
        return not ended or any(m.index > self.index for m in session.sent_by(Side.CLIENT))

    @property
    def text(self) -> str | None:
        """What the client said, where that is one block of text."""
        content = self.result.get("content") if self.result else None
        text = content.get("text") if content else None
        return text.value if text is not None and isinstance(text.value, str) else None


def asks_for_input(response: Message) -> bool:
    """Whether a response is an InputRequiredResult."""
    result = response.body.get("result")
    return isinstance(result, dict) and result.get("resultType") == INPUT_REQUIRED


def declared_in(request: Message) -> Value | None:
    """The ``sampling`` capability in the ``_meta`` of a modern request."""
    return request.whole.find("params", "_meta", CAPABILITIES, "sampling")


def read_calls(session: Session) -> Iterator[Call]:
    """The calls of a session, retries gathered with what they repeat."""
    retries = _retries(session)
    following = {first.index: retry for retry, first in retries}
    later = {retry.index for retry, _ in retries}
    for message in session.sent_by(Side.CLIENT):
        if not (message.is_request and message.method in CALLS) or message.index in later:
            continue
        rounds = [message]
        while rounds[-1].index in following:
            rounds.append(following[rounds[-1].index])
        declared = declared_in(message) if session.revision.modern else session.sampling
        response = session.response_to(rounds[-1])
        yield Call(tuple(rounds), response, session.gave_up(rounds[-1].body["id"]), declared)


def _retries(session: Session) -> list[tuple[Message, Message]]:
    """Each retry with the request that it repeats, as the harness marked them when it made or took them for that."""
    found = []
    for mark in session.marks("retry"):
        retry = session.last_request(mark.data["id"], before=mark.index)
        earlier = session.last_request(mark.data["of"], before=retry.index) if retry else None
        if retry and earlier:
            found.append((retry, earlier))
    return found


def read_exchanges(session: Session) -> Iterator[Exchange]:
    """The sampling requests of a session with their answers."""
    asks = {id_key(mark.data["id"]): mark for mark in session.marks("ask")}
    if session.revision.modern:
        yield from _from_rounds(session, asks)
    else:
        yield from _from_requests(session, asks)


def _from_requests(session: Session, asks: dict[tuple[str, object], Mark]) -> Iterator[Exchange]:
    for message in session.sent_by(Side.SERVER):
        if message.method != SAMPLING:
            continue
        id = message.body.get("id")
        answers = tuple(response.whole for response in session.responses_to(message))
        error = answers[0].get("error") if answers else None
        result = answers[0].get("result") if answers and error is None else None
        ask = asks.get(id_key(id))
        yield Exchange(message.whole, answers, result, error, None, session.sampling, ask, session.gave_up(id))


def _from_rounds(session: Session, asks: dict[tuple[str, object], Mark]) -> Iterator[Exchange]:
    for call in session.calls:
        for position, carrier in enumerate(call.rounds):
            response = session.response_to(carrier)
            result = response.whole.get("result") if response else None
            requests = result.get("inputRequests") if result else None
            retry = call.rounds[position + 1] if position + 1 < len(call.rounds) else None
            for key, request in requests.members() if requests else ():
                method, ask = request.get("method"), asks.get(id_key(key))
                if method is None or method.value != SAMPLING:
                    continue
                # The harness asks in results of other types too, and wants no answer then.
                if ask is None and not (response and asks_for_input(response)):
                    continue
                answer = retry.whole.find("params", "inputResponses", key) if retry else None
                declared = declared_in(carrier)
                answers = (answer,) if answer else ()
                gave_up = session.gave_up(key)
                yield Exchange(request, answers, answer, None, carrier, declared, ask, gave_up)
