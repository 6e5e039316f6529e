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

from .revisions import Revision
from .wire.transcript import Entry, Mark, Side, Transcript

SAMPLING = "sampling/createMessage"
#: the requests of a client during which a server may sample
CALLS = frozenset({"tools/call", "prompts/get", "resources/read"})

Path = tuple[str | int, ...]


def show_path(path: Path) -> str:
    """``("params", "messages", 0, "role")`` as ``params.messages[0].role``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the message"


def is_integer(value: object) -> bool:
    """A JSON integer: 100 and 100.0 are the same number in JSON, true is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_id(value: object) -> bool:
    """What the specification allows as a request id: a string or an integer."""
    return isinstance(value, str) or is_integer(value)


def id_key(value: object) -> tuple[str, object]:
    """Ids compare with their JSON type: 1 is not "1", and true is not 1."""
    if is_number(value):
        return "number", value
    return type(value).__name__, value if isinstance(value, str) else repr(value)


@dataclass(frozen=True)
class Message:
    """One JSON-RPC message (or one element of a batch) where it stands in its session."""

    session: Session = field(repr=False)
    entry: Entry
    body: Any
    prefix: Path = ()

    @property
    def index(self) -> int:
        return self.entry.index

    @property
    def sender(self) -> Side:
        return self.entry.sender

    @property
    def method(self) -> Any:
        return self.body.get("method")

    @property
    def is_request(self) -> bool:
        return "method" in self.body and "id" in self.body

    @property
    def is_notification(self) -> bool:
        return "method" in self.body and "id" not in self.body

    @property
    def is_response(self) -> bool:
        return "method" not in self.body and ("result" in self.body or "error" in self.body)

    def at(self, *path: str | int) -> Value:
        """The value at a path that exists."""
        value = self.body
        for step in path:
            value = value[step]
        return Value(self, self.prefix + path, value)

    @property
    def whole(self) -> Value:
        return self.at()


@dataclass(frozen=True)
class Value:
    """A JSON value and where it stands: in which message, at which path."""

    message: Message
    path: Path
    value: Any

    def get(self, key: str) -> Value | None:
        """The member ``key``, or ``None`` where this is no object or has none."""
        if isinstance(self.value, dict) and key in self.value:
            return Value(self.message, (*self.path, key), self.value[key])
        return None

    def elements(self) -> list[Value]:
        """The elements of an array; none where this is no array."""
        if not isinstance(self.value, list):
            return []
        return [Value(self.message, (*self.path, i), v) for i, v in enumerate(self.value)]

    @property
    def where(self) -> str:
        return show_path(self.path)


@dataclass(frozen=True)
class Exchange:
    """One sampling request and what answered it, whatever carried them."""

    request: Message
    params: Value
    answers: tuple[Message, ...]
    ask: Mark | None  #: what the harness had in mind, where it was the one that asked
    gave_up: float | None  #: seconds waited in vain, where the harness gave up on it

    @property
    def group(self) -> str | None:
        return str(self.ask.data["group"]) if self.ask else None

    @property
    def name(self) -> str:
        return str(self.ask.data["name"]) if self.ask else "a sampling request"

    @property
    def error(self) -> Value | None:
        return self.answer.whole.get("error") if self.answer else None

    @property
    def answer(self) -> Message | None:
        return self.answers[0] if self.answers else None

    @property
    def result(self) -> Value | None:
        """The result that answered it; ``None`` where an error did, even with a result beside it."""
        return self.answer.whole.get("result") if self.answer and self.error is None else None

    @property
    def text(self) -> str | None:
        """What the client said, where that is one block of text."""
        content = self.result.get("content") if self.result else None
        text = content.get("text") if content else None
        return text.value if text is not None and isinstance(text.value, str) else None


@dataclass(frozen=True)
class Call:
    """A client's request during which the server may sample, and its response."""

    request: Message
    response: Message | None
    gave_up: float | None  #: seconds waited in vain, where the harness gave up on it

    @property
    def failed(self) -> bool:
        """Answered with an error, or with a tool result that says so."""
        if self.response is None:
            return True
        result = self.response.body.get("result")
        return not isinstance(result, dict) or result.get("isError") is True

    def pending_at(self, index: int) -> bool:
        return self.request.index < index and (self.response is None or index < self.response.index)


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
        return [e for e in self.session.exchanges if self.start.index < e.request.index < self.follow_up]

    def marks(self, kind: str) -> list[Mark]:
        return [m for m in self.session.marks(kind) if self.start.index < m.index < self.end]


@dataclass(frozen=True, eq=False)
class Session:
    """One transcript, read."""

    transcript: Transcript

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

    @property
    def messages(self) -> list[Message]:
        return self._read[0]

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

    @cached_property
    def _requests(self) -> dict[tuple[Side, tuple[str, object]], list[Message]]:
        found = defaultdict(list)
        for message in self.messages:
            if message.is_request:
                found[message.sender, id_key(message.body["id"])].append(message)
        return found

    @cached_property
    def initialize(self) -> Message | None:
        return next((m for m in self.sent_by(Side.CLIENT) if m.is_request and m.method == "initialize"), None)

    @cached_property
    def sampling(self) -> Value | None:
        """The ``sampling`` capability that the client declared; ``None`` where it declared none."""
        if self.initialize is None:
            return None
        params = self.initialize.whole.get("params")
        capabilities = params.get("capabilities") if params else None
        return capabilities.get("sampling") if capabilities else None

    def declares(self, member: str) -> bool:
        return self.sampling is not None and self.sampling.get(member) is not None

    @cached_property
    def exchanges(self) -> list[Exchange]:
        asks = {id_key(mark.data["id"]): mark for mark in self.marks("ask")}
        return [
            Exchange(
                message,
                message.whole.get("params") or message.whole,
                self.responses_to(message),
                asks.get(id_key(message.body.get("id"))),
                self._gave_up.get(id_key(message.body.get("id"))),
            )
            for message in self.sent_by(Side.SERVER)
            if message.method == SAMPLING
        ]

    @cached_property
    def _gave_up(self) -> dict[tuple[str, object], float]:
        """The requests that the harness waited for in vain, with the seconds it waited."""
        return {id_key(mark.data["id"]): float(mark.data["seconds"]) for mark in self.marks("gave-up")}

    @cached_property
    def calls(self) -> list[Call]:
        return [
            Call(m, next(iter(self.responses_to(m)), None), self._gave_up.get(id_key(m.body["id"])))
            for m in self.sent_by(Side.CLIENT)
            if m.is_request and m.method in CALLS
        ]

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


def json_type(value: object) -> str:
    """The name that JSON has for the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


@dataclass(frozen=True, eq=False)
class Evidence:
    """All sessions that were held in one revision."""

    revision: Revision
    sessions: tuple[Session, ...]

    @property
    def exchanges(self) -> Iterator[Exchange]:
        return (exchange for session in self.sessions for exchange in session.exchanges)

    @property
    def requests(self) -> Iterator[Value]:
        """The params of every sampling request whose content is the server's own."""
        for exchange in self.exchanges:
            if exchange.request.index < exchange.request.session.spoiled:
                yield exchange.params

    @property
    def request_messages(self) -> Iterator[Value]:
        """Every element of ``messages`` in these requests."""
        for params in self.requests:
            messages = params.get("messages")
            if messages:
                yield from messages.elements()

    @property
    def results(self) -> Iterator[Value]:
        """The result of every sampling request that was answered with one."""
        return (exchange.result for exchange in self.exchanges if exchange.result is not None)

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
