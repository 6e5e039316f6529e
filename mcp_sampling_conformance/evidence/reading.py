"""One pass over a transcript: its messages, sorted in the ways in which they are looked up.

A record may be larger than any cache, so it is gone through once, while what was parsed last is at hand.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..protocol.json_text import Parsed, parse_all
from ..protocol.jsonrpc import id_key, json_type
from ..protocol.names import CALLS, SAMPLING
from ..transcript.transcript import Entry, Side, Transcript
from .messages import Message

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
        self._stream_of: dict[bytes, str] = {}  # the first that a request of the server came on
        self._latest: dict[tuple[Side, Key], Message] = {}  # of the requests with an id
        self._unanswered: dict[Message, None] = {}  # requests of the client, in order
        self._calls: dict[Message, None] = {}  # those of them that are calls
        entries = list(transcript.entries)
        for entry, parsed in zip(entries, parse_all([entry.payload for entry in entries]), strict=True):
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
        requests = [message for message in messages if message.is_request] if entry.sender is Side.SERVER else []
        if requests and self._stream_of.setdefault(entry.payload, entry.channel) != entry.channel:
            self.broadcasts += requests
            return
        for message in messages:
            self._sort(message, entry.sender)

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
                self._unanswered[message] = None
                if isinstance(method, str) and method in CALLS:
                    self._calls[message] = None
        elif message.is_notification:
            self.notifications[sender].append(message)
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
