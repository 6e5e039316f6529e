"""The fixture server: plays the server for a client under test, one tool a probe, and asks for sampling in each call.

It judges nothing and repairs nothing. Every wait is bounded; one in vain is marked (``gave-up``) in the transcript.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from . import __version__
from .evidence import SAMPLING, id_key
from .revisions import Revision
from .wire.transcript import Entry, Transcript

Json = dict[str, Any]

#: a group whose requests went unanswered so often is not asked any more
_STRIKES = 2
#: a session in which so many requests in a row went unanswered hangs, and is asked nothing more
_HUNG = 3
#: what is longer is no name of a model
_LONGEST_MODEL = 100


class Wire(Protocol):
    """What the fixture server needs of a transport."""

    transcript: Transcript

    async def send(self, raw: bytes) -> bool: ...

    def messages(self) -> AsyncIterator[Entry]: ...


@dataclass(frozen=True)
class Tool:
    """A tool that the fixture server lists: the probe that runs while it is called."""

    name: str
    description: str
    run: Callable[[FixtureServer, int | str], Awaitable[None]]


@dataclass
class Book:
    """What is to be asked of one client in one revision, and how far it got; it outlives a client that is restarted."""

    tools: dict[str, Tool]
    called: list[str] = field(default_factory=list)
    unanswered: dict[str, int] = field(default_factory=dict)  #: requests that got no answer, by group
    models: list[str] = field(default_factory=list)  #: the models that the client has shown, in order

    @property
    def left(self) -> list[Tool]:
        return [tool for tool in self.tools.values() if tool.name not in self.called]

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking: the plainest request went unanswered, or this group did twice."""
        return bool(self.unanswered.get("plain")) or self.unanswered.get(group, 0) >= _STRIKES


class FixtureServer:
    """One session with a client."""

    def __init__(self, wire: Wire, revision: Revision, book: Book, timeout: float) -> None:
        self.wire = wire
        self.transcript = wire.transcript
        self.revision = revision
        self.book = book
        self.timeout = timeout
        self.initialized = False  #: the client accepted the revision
        self.sampling: Any = None  #: the capability as the client declared it
        self.running: list[str] = []  #: the tools whose calls are under way
        self.gone = False
        self.unanswered = 0  #: requests in a row
        self._responses: dict[tuple[str, object], Json] = {}
        self._changed = anyio.Event()
        # Agents call all tools at once; probes still run one by one, and no line is written into another.
        self._turn = anyio.Lock()
        self._writing = anyio.Lock()
        # Far from where clients begin to count, unless a probe wants ids to coincide.
        self._last_id = 5000

    @property
    def declares_tools(self) -> bool:
        return isinstance(self.sampling, dict) and self.sampling.get("tools") is not None

    # --- receiving

    async def serve(self, tasks: TaskGroup) -> None:
        """Answer the client until it closes the connection."""
        async for entry in self.wire.messages():
            bodies = entry.parsed if isinstance(entry.parsed, list) else [entry.parsed]
            for body in bodies:
                if isinstance(body, dict):
                    await self._receive(body, tasks)
            self._wake()
        self.gone = True
        if self.running:
            self.transcript.mark("left", tools=", ".join(self.running))
        self._wake()

    async def _receive(self, body: Json, tasks: TaskGroup) -> None:
        method, id = body.get("method"), body.get("id")
        if method is None:
            self._responses.setdefault(id_key(id), body)
        elif method == "notifications/initialized":
            self.initialized = True
        elif "id" in body:
            params = body.get("params") if isinstance(body.get("params"), dict) else {}
            if method == "tools/call":
                tasks.start_soon(self._call, id, (params or {}).get("name"))
            else:
                await self.send({"id": id, **self._reply(str(method), params or {})})

    def _reply(self, method: str, params: Json) -> Json:
        match method:
            case "initialize":
                self.transcript.mark("initialize")
                capabilities = params.get("capabilities")
                self.sampling = capabilities.get("sampling") if isinstance(capabilities, dict) else None
                return {
                    "result": {
                        "protocolVersion": self.revision.name,
                        "capabilities": {"tools": {}},
                        "serverInfo": {"name": "mcp-sampling-conformance", "version": __version__},
                    }
                }
            case "ping":
                return {"result": {}}
            case "tools/list":
                return {"result": {"tools": [_listed(tool) for tool in self.book.left]}}
            case _:
                return {"error": {"code": -32601, "message": f"the fixture server offers no {method}"}}

    async def _call(self, id: Any, name: object) -> None:
        """Run the probe of a tool. The call itself always succeeds, so that agents go on."""
        tool = self.book.tools.get(name) if isinstance(name, str) else None
        async with self._turn:
            if tool is not None and tool.name not in self.book.called and not self.gone:
                self.book.called.append(tool.name)
                self.running.append(tool.name)
                await tool.run(self, id)
                if not self.gone:
                    self.running.remove(tool.name)
        if self.gone:
            return
        await self.send({"id": id, "result": {"content": [{"type": "text", "text": "done"}]}})

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``condition`` holds, the client is gone, or the time is over; whether it holds."""
        with anyio.move_on_after(seconds):
            while not condition() and not self.gone:
                await self._changed.wait()
        return condition()

    # --- sending

    async def send(self, body: Json | list[Json]) -> None:
        """Send one message, or a batch."""
        whole: Any = [_rpc(one) for one in body] if isinstance(body, list) else _rpc(body)
        raw = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        with anyio.move_on_after(self.timeout) as scope:
            async with self._writing:
                await self.wire.send(raw)
        if scope.cancelled_caught and not self.gone:
            for one in body if isinstance(body, list) else [body]:
                if "method" in one and "id" in one:
                    self.transcript.mark("gave-up", id=one["id"], seconds=self.timeout)

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def prepare(self, group: str, name: str, params: Any, id: int | str | None = None, **data: Any) -> Json:
        """A sampling request, marked in the transcript but not sent."""
        id = self.new_id() if id is None else id
        self._responses.pop(id_key(id), None)
        self.transcript.mark("ask", id=id, group=group, name=name, **data)
        return {"id": id, "method": SAMPLING, **({} if params is None else {"params": params})}

    def answered(self, id: int | str) -> bool:
        return id_key(id) in self._responses

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking in this session."""
        return self.gone or self.unanswered >= _HUNG or self.book.given_up(group)

    async def response(self, request: Json, group: str) -> Json | None:
        """The response to a request that was sent; ``None``, with a mark, where none came."""
        id = request["id"]
        if await self.until(lambda: self.answered(id), self.timeout):
            self.unanswered = 0
            response = self._responses[id_key(id)]
            result = response.get("result")
            model = result.get("model") if isinstance(result, dict) else None
            if isinstance(model, str) and len(model) <= _LONGEST_MODEL and model not in self.book.models:
                self.book.models.append(model)
            return response
        self.unanswered += 1
        self.book.unanswered[group] = self.book.unanswered.get(group, 0) + 1
        if not self.gone:
            self.transcript.mark("gave-up", id=id, seconds=self.timeout)
        return None

    async def ask(self, group: str, name: str, params: Any, **data: Any) -> Json | None:
        """Send a sampling request and wait for its response; ``None`` where none came or there was no use in asking."""
        if self.given_up(group):
            return None
        request = self.prepare(group, name, params, **data)
        await self.send(request)
        return await self.response(request, group)


def _listed(tool: Tool) -> Json:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": {"type": "object", "properties": {}},
    }


def _rpc(body: Json) -> Json:
    return {"jsonrpc": "2.0", **body}
