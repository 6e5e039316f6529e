"""Sampling as it travels: exchanges and the calls they belong to, read from a conversation of either era.

Legacy: the server sends a request of its own while a call is pending, and the client responds (client/sampling).
Modern: the server answers the call with an InputRequiredResult, and the client calls again with the answers
(basic/patterns/mrtr). Whoever judges an exchange need not know which it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.jsonrpc import id_key
from ..protocol.names import CALLS, INPUT_REQUIRED, SAMPLING
from ..transcript.events import ClientHung, Exited, LeftDuringCalls, Retried, SamplingAsked
from ..transcript.transcript import Side
from .conversation import Conversation, declared_in
from .messages import Message, Value
from .reading import Key
from .task_operations import created_task, outcome_of, read_operations


@dataclass(eq=False, slots=True)
class Call:
    """A client's request during which the server may sample, with the retries that carry answers, and its response."""

    conversation: Conversation
    rounds: tuple[Message, ...]  #: the request, and in the modern era its retries
    response: Message | None  #: to the last of them
    timed_out: float | None  #: seconds that the harness waited in vain for it
    declared: Value | None  #: the ``sampling`` capability in force for it; ``None`` where there was none

    @property
    def request(self) -> Message:
        return self.rounds[0]

    @property
    def last(self) -> Message:
        return self.rounds[-1]

    @property
    def failed(self) -> bool:
        """Answered with an error or with a tool result that says so, or not at all."""
        if self.response is None:
            return True
        result = self.response.body.get("result")
        return not isinstance(result, dict) or result.get("isError") is True

    @property
    def cut_off(self) -> bool:
        """Without response because the harness ended the connection: it is as if it had not been made."""
        conversation = self.conversation
        settled = self.response is not None or self.timed_out is not None or conversation.exited is not None
        lost = conversation.never_answered(self.last.body["id"]) is not None
        return conversation.cut_off is not None and not settled and not lost

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


@dataclass(eq=False, slots=True)
class Exchange:
    """One sampling request and what answered it, whatever carried them."""

    conversation: Conversation
    request: Value  #: a JSON-RPC request, or a member of ``inputRequests``
    answers: tuple[Value, ...]  #: responses, or the member of ``inputResponses``
    result: Value | None  #: ``None`` also where an error answered it, even with a result beside it
    error: Value | None
    carrier: Message | None  #: the call in whose response it came (modern)
    declared: Value | None  #: the ``sampling`` capability in force for it; ``None`` where there was none
    asked: SamplingAsked | None  #: what the harness had in mind, where it was the one that asked
    timed_out: float | None  #: seconds that the harness waited in vain for its answer
    #: the task that the client made of it (2025-11-25); ``result`` and ``error`` are then what ``tasks/result`` brought
    task: Value | None = None

    @property
    def index(self) -> int:
        return self.request.message.index

    @property
    def params(self) -> Value:
        return self.request.get("params") or self.request

    @property
    def group(self) -> str | None:
        return self.asked.group if self.asked else None

    @property
    def name(self) -> str:
        return self.asked.name if self.asked else "a sampling request"

    @property
    def answer(self) -> Value | None:
        return self.answers[0] if self.answers else None

    @property
    def cut_off(self) -> bool:
        """As for a call, where it was the harness that asked."""
        conversation, settled = self.conversation, self.answer is not None or self.timed_out is not None
        ended = any(conversation.events(kind) for kind in (Exited, ClientHung, LeftDuringCalls))
        return conversation.cut_off is not None and self.asked is not None and not settled and not ended

    @property
    def abandoned(self) -> bool:
        """Left unanswered by a client that went on with something else: how one refuses in the modern era."""
        if self.carrier is None or self.answer is not None:
            return False
        crashed = any(event.code != 0 for event in self.conversation.events(Exited))
        ended = crashed or self.conversation.events(ClientHung)
        sent = self.conversation.sent_by(Side.CLIENT)
        return not ended or sent[-1].index > self.index

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


def read_calls(conversation: Conversation) -> Iterator[Call]:
    """The calls of a conversation in order, retries gathered with what they repeat."""
    retries = _retries(conversation)
    following = {first.index: retry for retry, first in retries}
    later = {retry.index for retry, _ in retries}
    calls = [message for method in CALLS for message in conversation.with_method(Side.CLIENT, method)]
    for message in sorted(calls, key=lambda message: (message.index, message.prefix)):
        if not message.is_request or message.index in later:
            continue
        rounds = [message]
        while rounds[-1].index in following:
            rounds.append(following[rounds[-1].index])
        declared = declared_in(message) if conversation.revision.modern else conversation.sampling
        call = Call(
            conversation,
            tuple(rounds),
            conversation.response_to(rounds[-1]),
            conversation.timed_out(rounds[-1].body["id"]),
            declared,
        )
        if not call.cut_off:
            yield call


def _retries(conversation: Conversation) -> list[tuple[Message, Message]]:
    """Each retry with the request that it repeats, as the harness noted when it made it or took it for that."""
    found = []
    for event in conversation.events(Retried):
        retry = conversation.last_request(event.id, before=event.index)
        earlier = conversation.last_request(event.of, before=retry.index) if retry else None
        if retry and earlier:
            found.append((retry, earlier))
    return found


def read_exchanges(conversation: Conversation, calls: list[Call]) -> list[Exchange]:
    """The sampling requests of a conversation with their answers, in the order in which they came."""
    asked = {id_key(event.id): event for event in conversation.events(SamplingAsked)}
    modern = conversation.revision.modern
    found = _from_rounds(conversation, calls, asked) if modern else _from_requests(conversation, asked)
    return sorted((each for each in found if not each.cut_off), key=lambda exchange: exchange.index)


def _from_requests(conversation: Conversation, asked: dict[Key, SamplingAsked]) -> Iterator[Exchange]:
    operations = read_operations(conversation) if conversation.sampling_tasks is not None else []
    for message in conversation.with_method(Side.SERVER, SAMPLING):
        id = message.body.get("id")
        answers = tuple(response.whole for response in conversation.responses_to(message))
        error = answers[0].get("error") if answers else None
        result = answers[0].get("result") if answers and error is None else None
        task = created_task(conversation, message.whole, result)
        if task is not None:
            result, error = outcome_of(task, operations)
        yield Exchange(
            conversation,
            message.whole,
            answers,
            result,
            error,
            carrier=None,
            declared=conversation.sampling,
            asked=asked.get(id_key(id)),
            timed_out=conversation.timed_out(id),
            task=task,
        )


def _from_rounds(conversation: Conversation, calls: list[Call], asked: dict[Key, SamplingAsked]) -> Iterator[Exchange]:
    for call in calls:
        for position, carrier in enumerate(call.rounds):
            response = conversation.response_to(carrier)
            result = response.whole.get("result") if response else None
            requests = result.get("inputRequests") if result else None
            retry = call.rounds[position + 1] if position + 1 < len(call.rounds) else None
            for key, request in requests.members() if requests else ():
                method, ask = request.get("method"), asked.get(id_key(key))
                if method is None or method.value != SAMPLING:
                    continue
                # The harness asks in results of other types too, and wants no answer then.
                if ask is None and not (response and asks_for_input(response)):
                    continue
                answer = retry.whole.find("params", "inputResponses", key) if retry else None
                yield Exchange(
                    conversation,
                    request,
                    answers=(answer,) if answer else (),
                    result=answer,
                    error=None,
                    carrier=carrier,
                    declared=declared_in(carrier),
                    asked=ask,
                    timed_out=conversation.timed_out(key),
                )
