"""A transcript read as JSON-RPC: its messages, which response answers which request, and what HTTP made of each.

Everything is read once and looked up from then on, so that a long record costs no more a message than a short one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

from ..protocol.jsonrpc import id_key
from ..protocol.names import CAPABILITIES, TASKS_OF_SAMPLING
from ..protocol.revisions import Revision
from ..transcript.events import EndedByHarness, Event, Exited, HttpBody, HttpExchange, NeverAnswered, TimedOut
from ..transcript.transcript import Entry, Side, Transcript
from .messages import Message, Value
from .reading import Key, Reading

AnEvent = TypeVar("AnEvent", bound=Event)


class Conversation:
    """One transcript, read in one revision."""

    def __init__(self, transcript: Transcript, revision: Revision) -> None:
        self.transcript = transcript
        self.revision = revision

    @property
    def end(self) -> int:
        """An index after everything."""
        items = self.transcript.items
        return items[-1].index + 1 if items else 0

    def events(self, kind: type[AnEvent]) -> Sequence[AnEvent]:
        """The events of one kind, in order."""
        return self.transcript.events(kind)

    # --- messages

    @cached_property
    def _read(self) -> Reading:
        return Reading(self.transcript)

    @property
    def messages(self) -> list[Message]:
        """What crossed, a request that came on several streams once."""
        return self._read.messages

    @property
    def broadcasts(self) -> list[Message]:
        """Requests of the server that came before, word for word, on another stream, and were not answered yet."""
        return self._read.broadcasts

    @property
    def replays(self) -> list[tuple[Message, str]]:
        """What a resumed stream brought again, each with the channel on which it came first."""
        return self._read.replays

    @cached_property
    def resumed(self) -> bool:
        """Whether the client took up a stream again, and the server went on with it."""
        found = self.events(HttpExchange)
        return any("last-event-id" in exchange.request_headers and exchange.status == 200 for exchange in found)

    @property
    def strays(self) -> list[tuple[Entry, str]]:
        """What is no JSON-RPC message, each with the reason."""
        return self._read.strays

    def sent_by(self, side: Side) -> list[Message]:
        """What a side sent."""
        return self._read.sent[side]

    def requests_of(self, side: Side) -> list[Message]:
        """The requests that a side sent."""
        return self._read.requests[side]

    def notifications_of(self, side: Side) -> list[Message]:
        """The notifications that a side sent."""
        return self._read.notifications[side]

    def responses_of(self, side: Side) -> list[Message]:
        """The responses that a side sent."""
        return self._read.responses[side]

    def request_on(self, channel: str) -> Message | None:
        """The request of the client that an HTTP exchange carried, if any."""
        return self._read.carried.get(channel)

    def with_method(self, side: Side, method: str) -> Sequence[Message]:
        """The requests and notifications with a method that a side sent."""
        return self._read.by_method.get((side, method), ())

    # --- requests and responses

    def responses_to(self, request: Message) -> Sequence[Message]:
        """Every response that carries the id of a request, in order, up to where the id is used again."""
        return self._read.answers.get(request, ())

    def response_to(self, request: Message) -> Message | None:
        """The first of these, which counts."""
        responses = self.responses_to(request)
        return responses[0] if responses else None

    def last_request(self, id: object, before: int) -> Message | None:
        """The client's last request with an id before an index."""
        return last_before(self._requests.get(id_key(id), ()), before)

    @cached_property
    def _requests(self) -> dict[Key, list[Message]]:
        """The requests of the client by id."""
        found = defaultdict(list)
        for message in self.requests_of(Side.CLIENT):
            found[id_key(message.body["id"])].append(message)
        return found

    def pending_at(self, sampling: Message) -> tuple[bool, Message | None]:
        """Whether any request of the client was pending when a sampling request of the legacy era came, and the last
        call that was."""
        return self._read.pending[sampling]

    # --- what the client declared

    @cached_property
    def capabilities(self) -> Value | None:
        """What the client of the legacy era declared in its first ``initialize``."""
        openings = [message for message in self.with_method(Side.CLIENT, "initialize") if message.is_request]
        return openings[0].whole.find("params", "capabilities") if openings else None

    @cached_property
    def sampling_tasks(self) -> Value | None:
        """What declares that the client makes tasks of sampling requests; ``None`` where it does not, or where the
        revision has no tasks."""
        declared = self.capabilities if self.revision.tasks else None
        return declared.find(*TASKS_OF_SAMPLING) if declared is not None else None

    @cached_property
    def declarations(self) -> list[tuple[Message, Value | None]]:
        """Each request in which the client says what it can do, with its ``sampling`` capability, if any: every one in
        the modern era, ``initialize`` before."""
        if self.revision.modern:
            return [(request, declared_in(request)) for request in self.requests_of(Side.CLIENT)]
        openings = [message for message in self.with_method(Side.CLIENT, "initialize") if message.is_request]
        params = [message.whole.get("params") for message in openings]
        capabilities = [found.get("capabilities") for found in params if found]
        return [(found.message, found.get("sampling")) for found in capabilities if found]

    @cached_property
    def sampling(self) -> Value | None:
        """The ``sampling`` capability that the client declared first; ``None`` where it declared none."""
        return next((declared for _, declared in self.declarations if declared is not None), None)

    @cached_property
    def sampling_declared_at(self) -> int | None:
        """The index of the first message that declared it."""
        return next((message.index for message, declared in self.declarations if declared is not None), None)

    @cached_property
    def from_beginning(self) -> bool:
        """Whether the record has the beginning of the session, which a recording may lack."""
        return self.revision.modern or bool(self.with_method(Side.CLIENT, "initialize"))

    # --- what did not come

    def timed_out(self, id: object) -> float | None:
        """Seconds that the harness waited in vain for what has this id."""
        return self._timed_out.get(id_key(id))

    @cached_property
    def _timed_out(self) -> dict[Key, float]:
        return {id_key(event.id): event.seconds for event in self.events(TimedOut)}

    def never_answered(self, id: object) -> str | None:
        """Why what has this id will never be answered, where an HTTP exchange ended without the answer."""
        return self._never_answered.get(id_key(id))

    @cached_property
    def _never_answered(self) -> dict[Key, str]:
        return {id_key(event.id): event.why for event in reversed(self.events(NeverAnswered))}

    @property
    def exited(self) -> Exited | None:
        """How a process ended, or a connection was closed, although a probe was under way."""
        return next(iter(self.events(Exited)), None)

    @property
    def cut_off(self) -> EndedByHarness | None:
        """Why the harness itself ended the connection, if it did: then what did not come proves nothing."""
        return self.transcript.cut_off

    # --- HTTP

    def http(self, message: Message | Entry) -> HttpExchange | None:
        """What came, in the end, of the HTTP exchange that carried a message: its status and headers."""
        return self._http.get(message.channel)

    @cached_property
    def _http(self) -> dict[str, HttpExchange]:
        return {event.exchange: event for event in self.events(HttpExchange)}

    def refused(self, message: Message | Entry) -> bool:
        """Whether the POST that carried a message, or that it answers, was answered with an HTTP error."""
        exchange = self.http(message)
        return exchange is not None and exchange.status >= 400

    def body(self, message: Message) -> str:
        """What the server answered the POST with that carried a message, stripped; of a stream the first event."""
        found = self._bodies.get(message.channel, "")
        return (found.text if isinstance(found, Entry) else found).strip()

    @cached_property
    def _bodies(self) -> dict[str, Entry | str]:
        entries = [entry for entry in self.transcript.entries if entry.sender is Side.SERVER]
        other = {event.exchange: event.body for event in self.events(HttpBody)}
        return {**other, **{entry.channel: entry for entry in reversed(entries)}}

    @cached_property
    def stateless(self) -> bool:
        """Whether a server opened a legacy conversation over HTTP without a session."""
        opening = next(iter(self.with_method(Side.CLIENT, "initialize")), None)
        exchange = self.http(opening) if opening else None
        return exchange is not None and exchange.status == 200 and "mcp-session-id" not in exchange.response_headers


def declared_in(request: Message) -> Value | None:
    """The ``sampling`` capability in the ``_meta`` of a modern request."""
    return request.whole.find("params", "_meta", CAPABILITIES, "sampling")


def between(messages: Sequence[Message], start: int, end: int) -> Sequence[Message]:
    """Those of some messages, which are in order, that stand between two indices."""
    return messages[bisect_right(messages, start, key=_index) : bisect_left(messages, end, key=_index)]


def last_before(messages: Sequence[Message], index: int) -> Message | None:
    """The last of some messages, which are in order, before an index."""
    place = bisect_left(messages, index, key=_index)
    return messages[place - 1] if place else None


def _index(message: Message) -> int:
    return message.index
