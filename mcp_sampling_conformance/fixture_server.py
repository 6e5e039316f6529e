"""The fixture server: plays the server for a client under test, one tool a probe, and asks for sampling in each call.

It judges nothing and repairs nothing. Every wait is bounded; one in vain is marked (``gave-up``) in the transcript.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

from . import __version__
from .messages import SAMPLING
from .peer import Json, Peer, Wire
from .revisions import Revision

#: a group whose requests went unanswered so often is not asked any more
_STRIKES = 2
#: a session in which so many requests in a row went unanswered hangs, and is asked nothing more
_HUNG = 3
#: what is longer is no name of a model
_LONGEST_MODEL = 100


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


class FixtureServer(Peer):
    """One session with a client."""

    def __init__(self, wire: Wire, revision: Revision, book: Book, timeout: float) -> None:
        super().__init__(wire, timeout)
        self.revision = revision
        self.book = book
        self.initialized = False  #: the client accepted the revision
        self.sampling: Any = None  #: the capability as the client declared it
        self.running: list[str] = []  #: the tools whose calls are under way
        self.unanswered = 0  #: requests in a row
        # Agents call all tools at once; probes still run one by one.
        self._turn = anyio.Lock()
        # Far from where clients begin to count, unless a probe wants ids to coincide.
        self._last_id = 5000

    @property
    def declares_tools(self) -> bool:
        return isinstance(self.sampling, dict) and self.sampling.get("tools") is not None

    # --- receiving

    async def serve(self, tasks: TaskGroup) -> None:
        """Answer the client until it closes the connection."""
        async for body in self.bodies():
            await self._receive(body, tasks)
        if self.running:
            self.transcript.mark("left", tools=", ".join(self.running))

    async def _receive(self, body: Json, tasks: TaskGroup) -> None:
        method, id = body.get("method"), body.get("id")
        if method is None:
            self.received(body)
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

    # --- sending

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def prepare(self, group: str, name: str, params: Any, id: int | str | None = None, **data: Any) -> Json:
        """A sampling request, marked in the transcript but not sent."""
        id = self.new_id() if id is None else id
        self.expect(id)
        self.transcript.mark("ask", id=id, group=group, name=name, **data)
        return {"id": id, "method": SAMPLING, **({} if params is None else {"params": params})}

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking in this session."""
        return self.gone or self.unanswered >= _HUNG or self.book.given_up(group)

    async def responses(self, requests: Sequence[Json], group: str) -> list[Json | None]:
        """The responses to requests that were sent; ``None``, with a mark, for each that got none in time."""
        await self.until(lambda: all(self.answered(request["id"]) for request in requests), self.timeout)
        return [self._response(request["id"], group) for request in requests]

    def _response(self, id: int | str, group: str) -> Json | None:
        if self.answered(id):
            self.unanswered = 0
            response = self.response_to(id)
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
        (response,) = await self.responses([request], group)
        return response


def _listed(tool: Tool) -> Json:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": {"type": "object", "properties": {}},
    }
