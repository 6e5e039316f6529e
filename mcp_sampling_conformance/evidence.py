"""What the judge sees: the transcripts of one revision, read as messages, exchanges, calls and probes.

Nothing here knows which side the harness played or which transport carried a message, does I/O, or looks at a
clock: the same transcripts give the same evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .exchanges import Call, Exchange, declared_in, read_calls, read_exchanges
from .messages import Message, Value, id_key, json_type
from .revisions import Revision
from .wire.transcript import Entry, Mark, Side, Transcript


@dataclass(frozen=True)
class Probe:
    """What one probe of a scenario did: the part of its session between its two marks."""

    session: Session = field(repr=False)
    start: Mark
    end: int
    follow_up: int  #: index from which on the calls are plain ones that show whether the other side lives on

    @property
    def group(self) -> str:
        return str(self.start.data["group"])

    @property
    def name(self) -> str:
        return str(self.start.data["name"])

    @property
    def calls(self) -> list[Call]:
        """The calls of the probe itself, without its follow-up."""
        return [c for c in self.session.calls if self.start.index < c.request.index < self.follow_up]

    @property
    def follow_ups(self) -> list[Call]:
        return [c for c in self.session.calls if self.follow_up < c.request.index < self.end]

    @property
    def exchanges(self) -> list[Exchange]:
        """The sampling requests that came in the probe itself."""
        return [e for e in self.session.exchanges if self.start.index < e.index < self.follow_up]

    def marks(self, kind: str) -> list[Mark]:
        return [m for m in self.session.marks(kind) if self.start.index < m.index < self.end]


@dataclass(frozen=True, eq=False)
class Session:
    """One transcript, read as a conversation in one revision."""

    transcript: Transcript
    revision: Revision

    @cached_property
    def _read(self) -> tuple[list[Message], list[tuple[Entry, str]]]:
        messages, strays = [], []
        for item in self.transcript.items:
            if not isinstance(item, Entry):
                continue
            if item.fault is not None:
                strays.append((item, item.fault))
                continue
            batch = item.parsed if isinstance(item.parsed, list) else None
            for position, body in enumerate(batch or [item.parsed]):
                fault = _not_a_message(body)
                if fault:
                    strays.append((item, fault))
                if isinstance(body, dict):
                    messages.append(Message(self, item, body, (position,) if batch else ()))
        return messages, strays

    @cached_property
    def broadcasts(self) -> list[Message]:
        """Requests of the server that came before, word for word, on another stream."""
        first: dict[bytes, str] = {}
        requests = [m for m in self._read[0] if m.sender is Side.SERVER and m.is_request]
        return [m for m in requests if first.setdefault(m.entry.raw, m.entry.channel) != m.entry.channel]

    @cached_property
    def messages(self) -> list[Message]:
        """What crossed, a request that came on several streams once."""
        copies = {message.index for message in self.broadcasts}
        return [message for message in self._read[0] if message.index not in copies]

    @property
    def strays(self) -> list[tuple[Entry, str]]:
        """What is no JSON-RPC message, each with the reason."""
        return self._read[1]

    def sent_by(self, side: Side) -> Iterator[Message]:
        return (message for message in self.messages if message.sender is side)

    def marks(self, kind: str) -> list[Mark]:
        return self.transcript.marks(kind)

    @cached_property
    def _responses(self) -> dict[tuple[Side, tuple[str, object]], list[Message]]:
        found = defaultdict(list)
        for message in self.messages:
            if message.is_response:
                found[message.sender, id_key(message.body.get("id"))].append(message)
        return found

    def responses_to(self, request: Message) -> tuple[Message, ...]:
        """Every response that carries the id of a request, in order."""
        if not request.is_request:
            return ()
        key = request.sender.other, id_key(request.body.get("id"))
        later = [m for m in self._responses.get(key, ()) if m.index > request.index]
        reused = [m.index for m in self._requests.get((request.sender, key[1]), ()) if m.index > request.index]
        return tuple(m for m in later if not reused or m.index < reused[0])

    def response_to(self, request: Message) -> Message | None:
        """The first of these, which counts."""
        return next(iter(self.responses_to(request)), None)

    @cached_property
    def _requests(self) -> dict[tuple[Side, tuple[str, object]], list[Message]]:
        found = defaultdict(list)
        for message in self.messages:
            if message.is_request:
                found[message.sender, id_key(message.body["id"])].append(message)
        return found

    def last_request(self, id: object, before: int) -> Message | None:
        """The client's last request with an id before an index."""
        found = self._requests.get((Side.CLIENT, id_key(id)), [])
        return next((m for m in reversed(found) if m.index < before), None)

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

    @property
    def sampling(self) -> Value | None:
        """The ``sampling`` capability that the client declared first; ``None`` where it declared none."""
        return next((declared for _, declared in self.declarations if declared is not None), None)

    @cached_property
    def exchanges(self) -> list[Exchange]:
        return list(read_exchanges(self))

    @cached_property
    def calls(self) -> list[Call]:
        return list(read_calls(self))

    def gave_up(self, id: object) -> float | None:
        """Seconds that the harness waited in vain for what has this id."""
        return self._gave_up.get(id_key(id))

    def lost(self, id: object) -> str | None:
        """Why what has this id will never be answered, where an HTTP exchange ended without the answer."""
        return next((str(m.data["why"]) for m in self.marks("lost") if id_key(m.data["id"]) == id_key(id)), None)

    def exchange(self, message: Message) -> Mark | None:
        """What came, in the end, of the HTTP exchange that carried a message: its status and headers."""
        marks = [mark for mark in self.marks("http") if mark.data["exchange"] == message.entry.channel]
        return marks[-1] if marks else None

    @cached_property
    def stateless(self) -> bool:
        """Whether a server opened a legacy conversation over HTTP without a session."""
        opening = next((m for m in self.sent_by(Side.CLIENT) if m.method == "initialize"), None)
        mark = self.exchange(opening) if opening else None
        return mark is not None and mark.data["status"] == 200 and "mcp-session-id" not in mark.data["headers"]

    def refused(self, message: Message) -> bool:
        """Whether the POST that carried a message was answered with an HTTP error."""
        mark = self.exchange(message)
        return mark is not None and mark.data["status"] >= 400

    @cached_property
    def _gave_up(self) -> dict[tuple[str, object], float]:
        return {id_key(mark.data["id"]): float(mark.data["seconds"]) for mark in self.marks("gave-up")}

    @cached_property
    def probes(self) -> list[Probe]:
        end_of_record = len(self.transcript.items)
        starts = self.marks("probe")
        ends = [mark.index for mark in starts[1:]] + [end_of_record] * bool(starts)
        follow_ups = [mark.index for mark in self.marks("follow-up")]
        return [
            Probe(
                self,
                start,
                end,
                next((index for index in follow_ups if start.index < index < end), end),
            )
            for start, end in zip(starts, ends, strict=True)
        ]

    @cached_property
    def spoiled(self) -> int:
        """The index from which on the harness itself sent invalid content, which an honest peer may hand back."""
        hostile = [m.index for m in self.marks("probe") if m.data.get("hostile")]
        return hostile[0] if hostile else len(self.transcript.items)

    @property
    def exit_code(self) -> int | None:
        """The code of a process that ended although its stdin was open and a probe was under way."""
        codes = [m.data["code"] for m in self.marks("died")]
        return codes[0] if codes else None

    @property
    def died(self) -> bool:
        return bool(self.marks("died"))


def _not_a_message(body: Any) -> str | None:
    """Why a JSON value is no JSON-RPC 2.0 message."""
    if not isinstance(body, dict):
        return f"a JSON {json_type(body)}, not a JSON-RPC message"
    if body.get("jsonrpc") != "2.0":
        return 'JSON, but no JSON-RPC message: "jsonrpc" is not "2.0"'
    if not ("method" in body or "result" in body or "error" in body):
        return "JSON, but no JSON-RPC message: it has no method, result or error"
    return None


@dataclass(frozen=True, eq=False)
class Evidence:
    """All sessions that were held in one revision."""

    revision: Revision
    sessions: tuple[Session, ...]

    @property
    def exchanges(self) -> Iterator[Exchange]:
        return (exchange for session in self.sessions for exchange in session.exchanges)

    @property
    def asked(self) -> Iterator[Exchange]:
        """The sampling requests whose content is the server's own."""
        return (exchange for exchange in self.exchanges if exchange.index < exchange.session.spoiled)

    @property
    def requests(self) -> Iterator[Value]:
        """The params of these."""
        return (exchange.params for exchange in self.asked)

    @property
    def request_messages(self) -> Iterator[Value]:
        """Every element of ``messages`` in these requests."""
        for params in self.requests:
            messages = params.get("messages")
            if messages:
                yield from messages.elements()

    @property
    def results(self) -> Iterator[Value]:
        """The result of every sampling request that was answered with one, but for what hands invalid content back."""
        answered = ((exchange, exchange.result) for exchange in self.exchanges)
        return (result for exchange, result in answered if result is not None and not _hands_back(exchange, result))

    def turns(self, side: Side) -> Iterator[Value]:
        """What ``side`` says in the conversation, each with ``role`` and ``content``."""
        return self.request_messages if side is Side.SERVER else self.results

    def blocks(self, side: Side) -> Iterator[Value]:
        """Every content block that ``side`` sends, outermost first, those inside a tool_result after it."""
        for turn in self.turns(side):
            yield from blocks_of(turn)
            for block in blocks_of(turn):
                yield from inner_blocks(block)

    def asks(self, *groups: str) -> Iterator[Exchange]:
        """The sampling requests that the harness made for one of the groups."""
        return (exchange for exchange in self.exchanges if exchange.group in groups)

    def probes(self, *groups: str) -> Iterator[Probe]:
        return (p for session in self.sessions for p in session.probes if p.group in groups)


def _hands_back(exchange: Exchange, result: Value) -> bool:
    """Whether an honest client hands back content of a request that the harness itself made invalid."""
    messages = exchange.params.get("messages") if exchange.group == "odd" else None
    said = [block.value for message in (messages.elements() if messages else ()) for block in blocks_of(message)]
    return any(block.value in said for block in blocks_of(result))


def blocks_of(turn: Value) -> list[Value]:
    """The blocks of a message's ``content``, whether it is one block or an array."""
    content = turn.get("content")
    if content is None or not isinstance(content.value, dict | list):
        return []
    return content.elements() if isinstance(content.value, list) else [content]


def inner_blocks(block: Value) -> list[Value]:
    """The blocks inside a ``tool_result``."""
    if has_type(block, "tool_result"):
        content = block.get("content")
        return content.elements() if content else []
    return []


def has_type(block: Value, *types: str) -> bool:
    kind = block.get("type")
    return kind is not None and isinstance(kind.value, str) and kind.value in types
