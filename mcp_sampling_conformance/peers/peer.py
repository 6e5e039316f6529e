"""What the fixture client and the fixture server share: messages sent, responses that arrive, bounded waits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio

from ..protocol.jsonrpc import Json, id_key, objects_in
from ..transcript.events import HarnessFailed, TimedOut
from ..transports.wire import Wire


class Peer:
    """One end of a connection to the system under test."""

    def __init__(self, wire: Wire, timeout: float) -> None:
        self.transcript = wire.transcript
        self.timeout = timeout  #: seconds that any one answer may take
        self.gone = False  #: the other end has closed the connection
        self._wire = wire
        self._responses: dict[tuple[str, object], Json] = {}
        self._changed = anyio.Event()  #: set, and replaced, whenever anything happens
        self._writing = anyio.Lock()  # no line is written into another

    async def bodies(self) -> AsyncIterator[Json]:
        """The messages of the other side, a batch taken apart, until it closes the connection."""
        async for entry in self._wire.messages():
            for body in objects_in(entry.parse().value):
                yield body
            self._wake()
        self.gone = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """A bug of ours ends the connection."""
        if self.transcript.cut_off is None:
            self.transcript.note(HarnessFailed(f"{type(error).__name__}: {error}"))
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``condition`` holds, the other end is gone, or the time is over; whether it holds."""
        with anyio.move_on_after(seconds):
            while not condition() and not self.gone:
                await self._changed.wait()
        return condition()

    async def send(self, body: Json | list[Json]) -> bool:
        """Send one message, or a batch; whether there was somebody to take it, as far as one can know.

        A request that cannot be delivered in time is noted as timed out.
        """
        whole: Any = [rpc(one) for one in body] if isinstance(body, list) else rpc(body)
        raw = encoded(whole)
        taken = False
        with anyio.move_on_after(self.timeout) as scope:
            async with self._writing:
                taken = await self._wire.send(raw)
        if scope.cancelled_caught and not self.gone:
            for one in objects_in(body):
                if "method" in one and "id" in one:
                    self.transcript.note(TimedOut(one["id"], self.timeout))
        return taken

    def expect(self, id: int | str) -> None:
        """Forget what was received for an id before: a request with it is about to be sent."""
        self._responses.pop(id_key(id), None)

    def received(self, body: Json) -> None:
        """Keep a response; the first one for an id counts."""
        self._responses.setdefault(id_key(body.get("id")), body)

    def forget(self) -> None:
        """Let go of what was received: the connection is over, and the transcript has it."""
        self._responses.clear()

    def answered(self, id: int | str) -> bool:
        """Whether a response to the request with this id was received."""
        return id_key(id) in self._responses

    def answered_first(self, id: int | str, other: int | str) -> bool:
        """Whether both requests were answered, and the first of them first."""
        order = list(self._responses)
        both = self.answered(id) and self.answered(other)
        return both and order.index(id_key(id)) < order.index(id_key(other))

    def response_to(self, id: int | str) -> Json:
        """The response that was received for an id. Raises ``KeyError`` where there is none."""
        return self._responses[id_key(id)]


def encoded(message: Any) -> bytes:
    """A message as it goes over the wire."""
    try:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON has and UTF-8 has not
        return json.dumps(message, separators=(",", ":")).encode()


def rpc(body: Json) -> Json:
    return {"jsonrpc": "2.0", **body}
