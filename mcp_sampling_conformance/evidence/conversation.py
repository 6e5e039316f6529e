"""A transcript read as JSON-RPC: its messages, which response answers which request, and what HTTP made of each.

Everything is read once and looked up from then on, so that a long record costs no more a message than a short one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from ..protocol.jsonrpc import id_key, json_type
from ..protocol.names import CAPABILITIES
from ..protocol.revisions import Revision
from ..transcript.events import Event, Exited, HttpExchange, NeverAnswered, TimedOut
from ..transcript.transcript import Entry, Side, Transcript
from .messages import Message, Value

#: an id with its JSON type, see ``id_key``
Key = tuple[str, object]
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
    def _read(self) -> tuple[list[Message], list[tuple[Entry, str]]]:
        messages: list[Message] = []
        strays: list[tuple[Entry, str]] = []
        for entry in self.transcript.entries:
            parsed = entry.parse()
            if parsed.fault is not None:
                strays.append((entry, parsed.fault))
                continue
            batch = parsed.value if isinstance(parsed.value, list) else None
            for position, body in enumerate(batch) if batch else ((None, parsed.value),):
                if fault := _not_a_message(body):
                    strays.append((entry, fault))
                if isinstance(body, dict):
                    prefix = () if position is None else (position,)
                    messages.append(Message(self.transcript, entry, body, prefix))
        return messages, strays

    @cached_property
    def broadcasts(self) -> list[Message]:
        """Requests of the server that came before, word for word, on another stream."""
        first: dict[bytes, str] = {}
        requests = [m for m in self._read[0] if m.sender is Side.SERVER and m.is_request]
        return [m for m in requests if first.setdefault(m.entry.payload, m.channel) != m.channel]

    @cached_property
    def messages(self) -> list[Message]:
        """What crossed, a request that came on several streams once."""
        if not self.broadcasts:
            return self._read[0]
        copies = {message.index for message in self.broadcasts}
        return [message for message in self._read[0] if message.index not in copies]

    @property
    def strays(self) -> list[tuple[Entry, str]]:
        """What is no JSON-RPC message, each with the reason."""
        return self._read[1]

    def sent_by(self, side: Side) -> list[Message]:
        return self._sent[side]

    def sent_between(self, side: Side, start: int, end: int) -> Sequence[Message]:
        """What a side sent between two indices."""
        sent = self.sent_by(side)
        return sent[bisect_right(sent, start, key=_index) : bisect_left(sent, end, key=_index)]

    @cached_property
    def _sent(self) -> dict[Side, list[Message]]:
        sent: dict[Side, list[Message]] = {side: [] for side in Side}
        for message in self.messages:
            sent[message.sender].append(message)
        return sent

    # --- requests and responses

    def answered_by(self, response: Message) -> Message | None:
        """The request that a message is the first response to, if it is one."""
        return self._answered.get(response)

    @cached_property
    def _answered(self) -> dict[Message, Message]:
        return {responses[0]: request for request, responses in self._responses.items() if responses}

    @cached_property
    def _responses(self) -> dict[Message, list[Message]]:
        """By request."""
        found: dict[Message, list[Message]] = {}
        latest: dict[tuple[Side, Key], Message] = {}  # of the requests with an id
        for message in self.messages:
            if message.is_request:
                key = message.sender, id_key(message.body["id"])
                before, latest[key] = latest.get(key), message
                # Two with one id in one batch: the responses may be to either.
                same = before is not None and before.index == message.index
                found[message] = found[before] if before is not None and same else []
            elif message.is_response:
                request = latest.get((message.sender.other, id_key(message.body.get("id"))))
                if request is not None:
                    found[request].append(message)
        return found

    @cached_property
    def _requests(self) -> dict[Key, list[Message]]:
        """Those of the client, by id."""
        found = defaultdict(list)
        for message in self.sent_by(Side.CLIENT):
            if message.is_request:
                found[id_key(message.body["id"])].append(message)
        return found

    def responses_to(self, request: Message) -> Sequence[Message]:
        """Every response that carries the id of a request, in order, up to where the id is used again."""
        return self._responses.get(request, ())

    def response_to(self, request: Message) -> Message | None:
        """The first of these, which counts."""
        responses = self.responses_to(request)
        return responses[0] if responses else None

    def last_request(self, id: object, before: int) -> Message | None:
        """The client's last request with an id before an index."""
        found = self._requests.get(id_key(id), [])
        place = bisect_left(found, before, key=_index)
        return found[place - 1] if place else None

    # --- what the client declared

    @cached_property
    def declarations(self) -> list[tuple[Message, Value | None]]:
        """Each request in which the client says what it can do, with its ``sampling`` capability, if any: every one in
        the modern era, ``initialize`` before."""
        requests = [m for m in self.sent_by(Side.CLIENT) if m.is_request]
        if self.revision.modern:
            return [(m, declared_in(m)) for m in requests]
        params = [m.whole.get("params") for m in requests if m.method == "initialize"]
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

    # --- HTTP

    def http(self, message: Message) -> HttpExchange | None:
        """What came, in the end, of the HTTP exchange that carried a message: its status and headers."""
        return self._http.get(message.channel)

    @cached_property
    def _http(self) -> dict[str, HttpExchange]:
        return {event.exchange: event for event in self.events(HttpExchange)}

    def refused(self, message: Message) -> bool:
        """Whether the POST that carried a message was answered with an HTTP error."""
        exchange = self.http(message)
        return exchange is not None and exchange.status >= 400

    @cached_property
    def stateless(self) -> bool:
        """Whether a server opened a legacy conversation over HTTP without a session."""
        opening = next((m for m in self.sent_by(Side.CLIENT) if m.method == "initialize"), None)
        exchange = self.http(opening) if opening else None
        return exchange is not None and exchange.status == 200 and "mcp-session-id" not in exchange.response_headers


def declared_in(request: Message) -> Value | None:
    """The ``sampling`` capability in the ``_meta`` of a modern request."""
    return request.whole.find("params", "_meta", CAPABILITIES, "sampling")


def _index(message: Message) -> int:
    return message.index


def _not_a_message(body: Any) -> str | None:
    """Why a JSON value is no JSON-RPC 2.0 message."""
    if not isinstance(body, dict):
        return f"a JSON {json_type(body)}, not a JSON-RPC message"
    if body.get("jsonrpc") != "2.0":
        return 'JSON, but no JSON-RPC message: "jsonrpc" is not "2.0"'
    if not ("method" in body or "result" in body or "error" in body):
        return "JSON, but no JSON-RPC message: it has no method, result or error"
    return None
