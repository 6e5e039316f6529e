"""One pass over a transcript: its messages, sorted in the ways in which they are looked up.

A record may be larger than any cache, so it is gone through once, while what was parsed last is at hand.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..protocol.json_text import Parsed, parse_all
from ..protocol.jsonrpc import id_key, json_type, params_of
from ..protocol.names import CALLS, CANCELLED, SAMPLING
from ..transcript.events import HttpExchange
from ..transcript.transcript import Entry, Side, Transcript
from .messages import Message

#: the header of an HTTP request that takes up a stream
_RESUMES = "last-event-id"
#: takes back a request
#: an id with its JSON type, see ``id_key``
Key = tuple[str, object]


class Reading:
    """The messages of a transcript, in order, and what is no message."""

    def __init__(self, transcript: Transcript) -> None:
        self.messages: list[Message] = []  #: a request that came on several streams once
        self.broadcasts: list[Message] = []  #: requests of the server that came before on another stream
        self.strays: list[tuple[Entry, str]] = []  #: what is no JSON-RPC message, each with the reason
        self.sent: dict[Side, list[Message]] = {side: [] for side in Side}
        self.requests: dict[Side, list[Message]] = {side: [] for side in Side}
        self.notifications: dict[Side, list[Message]] = {side: [] for side in Side}
        self.responses: dict[Side, list[Message]] = {side: [] for side in Side}
        self.by_method: defaultdict[tuple[Side, str], list[Message]] = defaultdict(list)
        self.answers: dict[
            Message, list[Message]
        ] = {}  #: the responses to each request, up to where its id comes again
        #: for each sampling request of the legacy era: was a request of the client pending then, and the last such call
        self.pending: dict[Message, tuple[bool, Message | None]] = {}
        self._transcript = transcript
        self._has_streams = transcript.transport == "http"
        self.replays: list[tuple[Message, str]] = []  #: what a resumed stream brought again, with where it came first
        self._first: dict[bytes, list[Message]] = {}  # requests of the server that may come again, by what carried them
        self._waited_for: dict[bytes, list[Message]] = {}  # those of them that are not over
        self._over_at: dict[bytes, int] = {}  # of the others, the index of the next request of the client
        self._asked_on: set[str] = set()  # the channels that brought a request of the server
        self._resumed: dict[str, int] = {}  # from where on each channel carries a stream that was taken up again
        self._events: dict[tuple[str, bytes], str] = {}  # where each event of a stream with an id came first
        self._taken_back: set[Key] = set()  # the ids of requests that the server cancelled
        self.carried: dict[str, Message] = {}  #: over HTTP the requests of the client by their exchange
        self._latest: dict[tuple[Side, Key], Message] = {}  # of the requests with an id
        self._unanswered: dict[Message, None] = {}  # requests of the client, in order
        self._calls: dict[Message, None] = {}  # those of them that are calls
        for exchange in transcript.events(HttpExchange):
            if _RESUMES in exchange.request_headers:
                self._resumed.setdefault(exchange.exchange, exchange.index)
        entries = list(transcript.entries)
        for entry, parsed in zip(entries, parse_all(entry.payload for entry in entries), strict=True):
            self._read(entry, parsed)

    def _read(self, entry: Entry, parsed: Parsed) -> None:
        if parsed.fault is not None:
            self.strays.append((entry, parsed.fault))
            return
        batch = parsed.value if isinstance(parsed.value, list) else None
        messages = []
        for position, body in enumerate(batch or [parsed.value]):
            if fault := _not_a_message(body):
                self.strays.append((entry, fault))
            if isinstance(body, dict):
                messages.append(Message(self._transcript, entry, body, (position,) if batch else ()))
        if entry.sender is Side.SERVER and messages:
            if self._resumed and (before := self._replayed(entry)):
                self.replays.append((messages[0], before))
                return
            requests = [message for message in messages if message.is_request] if self._has_streams else []
            if requests and self._is_broadcast(entry, requests):
                self.broadcasts += requests
                return
        for message in messages:
            self._sort(message, entry.sender)

    def _replayed(self, entry: Entry) -> str | None:
        """The channel on which an event came before, where a stream that was resumed brings it again."""
        if not entry.event_id:
            return None
        event = entry.event_id, entry.payload
        before = self._events.get(event)
        self._events.setdefault(event, entry.channel)
        resumed = self._resumed.get(entry.channel)
        return before if resumed is not None and resumed < entry.index else None

    def _is_broadcast(self, entry: Entry, requests: list[Message]) -> bool:
        """Whether the same came on another stream before.

        On a stream that was opened once that was over, it is another request: whoever uses an id again may well say
        the same again. So it is where it is the first that the stream of another call brings, while both wait. On an
        older stream it may be a copy that is late.
        """
        opened, over = self.carried.get(entry.channel), self._over_at.get(entry.payload)
        if over is not None and opened is not None and opened.index >= over:
            del self._first[entry.payload], self._over_at[entry.payload]
        first = self._first.setdefault(entry.payload, requests)
        if first is requests:
            self._waited_for[entry.payload] = requests
        both_wait = first[0].channel in self.carried and opened is not None and entry.payload in self._waited_for
        own = both_wait and entry.channel not in self._asked_on
        self._asked_on.add(entry.channel)
        return first is not requests and first[0].channel != entry.channel and not own

    def _note_what_is_over(self, index: int) -> None:
        """Requests of the server that nobody waits for any more: answered, taken back, or their call is."""
        for words in [words for words, found in self._waited_for.items() if all(map(self._is_over, found))]:
            del self._waited_for[words]
            self._over_at[words] = index

    def _is_over(self, request: Message) -> bool:
        call = self.carried.get(request.channel)
        ended = call is not None and call not in self._unanswered
        return ended or bool(self.answers[request]) or id_key(request.body["id"]) in self._taken_back

    def _sort(self, message: Message, sender: Side) -> None:
        self.messages.append(message)
        self.sent[sender].append(message)
        method = message.method
        if isinstance(method, str):
            self.by_method[sender, method].append(message)
            if method == SAMPLING and sender is Side.SERVER:
                self.pending[message] = bool(self._unanswered), next(reversed(self._calls), None)
        if message.is_request:
            self.requests[sender].append(message)
            self._sort_request(message, sender)
            if sender is Side.CLIENT:
                self._note_what_is_over(message.index)
                self.carried[message.channel] = message
                self._unanswered[message] = None
                if isinstance(method, str) and method in CALLS:
                    self._calls[message] = None
        elif message.is_notification:
            self.notifications[sender].append(message)
            if method == CANCELLED and sender is Side.SERVER:
                self._taken_back.add(id_key(params_of(message.body).get("requestId")))
        elif message.is_response:
            self.responses[sender].append(message)
            self._sort_response(message, sender)

    def _sort_request(self, message: Message, sender: Side) -> None:
        key = sender, id_key(message.body["id"])
        before, self._latest[key] = self._latest.get(key), message
        # Two in one batch may have one id; the responses may be to either of them.
        same = before is not None and before.index == message.index
        self.answers[message] = self.answers[before] if before is not None and same else []

    def _sort_response(self, message: Message, sender: Side) -> None:
        request = self._latest.get((sender.other, id_key(message.body.get("id"))))
        if request is not None:
            self.answers[request].append(message)
            self._unanswered.pop(request, None)
            self._calls.pop(request, None)


def _not_a_message(body: Any) -> str | None:
    """Why a JSON value is no JSON-RPC 2.0 message."""
    if not isinstance(body, dict):
        return f"a JSON {json_type(body)}, not a JSON-RPC message"
    if body.get("jsonrpc") != "2.0":
        return 'JSON, but no JSON-RPC message: "jsonrpc" is not "2.0"'
    if not ("method" in body or "result" in body or "error" in body):
        return "JSON, but no JSON-RPC message: it has no method, result or error"
    return None
