"""The fixture server: plays the server for a client under test, one tool a probe, and asks for sampling in each call.

It judges nothing and repairs nothing. Every wait is bounded; one in vain is noted in the transcript (``TimedOut``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import anyio

from .. import __version__
from ..protocol.jsonrpc import Json, id_key, meta_of, params_of
from ..protocol.names import INITIALIZED, SAMPLING, TASKS_OF_SAMPLING, VERSION
from ..protocol.revisions import Revision
from ..transcript.events import Greeted, LeftDuringCalls, SamplingAsked, TimedOut
from ..transports.tasks import Tasks
from ..transports.wire import WireToClient
from .pace import Pace
from .peer import Peer, encoded, rpc

SERVER_INFO = {"name": "mcp-sampling-conformance", "version": __version__}
#: a group whose requests went unanswered so often is not asked any more
_STRIKES = 2
#: a session in which so many requests in a row went unanswered hangs, and is asked nothing more
_HUNG = 3
#: how long it may take at least until a client that takes nothing more is known to be gone, in seconds
_PARTING = 0.5
#: how long the first handshake is left without an answer, in seconds
_HASTE = 0.1
#: what need not come is waited for so many times as long as the slowest answer so far took
_SLOWER = 5
#: the only tool that some clients are shown, for they choose with a model, or call just one
NEUTRAL_TOOL: Json = {
    "name": "check",
    "description": "Call this tool once, with no arguments. It changes nothing.",
    "inputSchema": {"type": "object", "properties": {}},
}
#: what is longer is no name of a model
_LONGEST_MODEL = 100


class Details(TypedDict, total=False):
    """What rules are to know of a sampling request besides its group, as in ``SamplingAsked``."""

    word: str
    case: str
    expected: str
    after: str
    rounds: int


@dataclass(frozen=True)
class Question:
    """One sampling request to make: the group that rules look for, a name for people, and the params."""

    group: str
    name: str
    params: Any  #: ``None``: there are none at all
    details: Details = field(default_factory=Details)


@dataclass(frozen=True)
class Tool:
    """A tool that the fixture server lists: the probe that runs while it is called."""

    name: str
    description: str
    run: Callable[[FixtureServer, int | str], Awaitable[None]]
    builds_on_others: bool = False  #: what it asks follows from answers in the probes before it


@dataclass
class Book:
    """What is to be asked of one client in one revision, and how far it got; it outlives a client that is restarted."""

    tools: dict[str, Tool]
    called: list[str] = field(default_factory=list)  #: the tools whose probes were run, in order
    calls: int = 0  #: calls that ran a probe
    per_call: int = 1  #: probes that one call runs
    one_tool: bool = False  #: each connection is shown one neutral tool, whose call runs a probe that is left
    asked: set[str] = field(default_factory=set)  #: the groups of the requests that were made
    unanswered: dict[str, int] = field(default_factory=dict)  #: requests that got no answer, by group
    answered: int = 0  #: sampling requests that got any answer, be it late or an error
    late: bool = False  #: some answer came after it was waited for in vain
    pace: Pace = field(default_factory=Pace)  #: how long answers take
    welcomed: bool = False  #: a handshake was begun
    declared: bool = False  #: the client has declared sampling in some session
    declared_tools: bool = False  #: the client has declared ``sampling.tools`` in some session
    models: list[str] = field(default_factory=list)  #: the models that the client has shown, in order
    over: bool = False  #: nothing more is wanted of the client, and it need not be waited for

    @property
    def left(self) -> list[Tool]:
        """The tools that were not called, in order."""
        return [tool for tool in self.tools.values() if tool.name not in self.called]

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking: the plainest request went unanswered, or this group did twice; or once,
        where requests of other groups did too."""
        strikes = _STRIKES if self.silences <= _STRIKES else 1
        return bool(self.unanswered.get("plain")) or self.unanswered.get(group, 0) >= strikes

    @property
    def silences(self) -> int:
        """How many requests got no answer."""
        return sum(self.unanswered.values())


class FixtureServer(Peer):
    """One connection of a client.

    This is the server of the legacy era; ``ModernServer`` changes how it opens and how sampling travels.
    """

    _wire: WireToClient

    def __init__(self, wire: WireToClient, revision: Revision, book: Book, timeout: float) -> None:
        super().__init__(wire, timeout)
        self.revision = revision
        self.book = book
        self.initialized = False  #: the client accepted the revision
        self.malformed_opening: str | None = None  #: the first request that lacks what every request needs
        self.refused_opening: str | None = None  #: what a client of the other era began with
        self.capabilities: Json = {}  #: as the client declared them
        self.running: list[str] = []  #: the tools whose calls are under way
        self.unanswered = 0  #: requests in a row
        self.share = 0.0  #: which part of the tools is listed first: 0.5 begins with the second half
        self.calls: list[str] = []  #: the tools whose probes its calls began, in order
        self._greeted = False
        self._unanswered: set[tuple[str, object]] = set()  #: ids of sampling requests that got no answer yet
        self._late: set[tuple[str, object]] = set()  #: of those that were waited for in vain
        # Agents call all tools at once; probes still run one by one.
        self._turn = anyio.Lock()
        # Far from where clients begin to count, unless a probe wants ids to coincide.
        self._last_id = 5000

    @property
    def sampling(self) -> Any:
        """The ``sampling`` capability as the client declared it."""
        return self.capabilities.get("sampling")

    @property
    def declares_tools(self) -> bool:
        """Whether the client declared ``sampling.tools``."""
        return isinstance(self.sampling, dict) and self.sampling.get("tools") is not None

    @property
    def declares_tasks(self) -> bool:
        """Whether the client declared that it makes tasks of sampling requests."""
        found: Any = self.capabilities
        for member in TASKS_OF_SAMPLING:
            found = found.get(member) if isinstance(found, dict) else None
        return found is not None

    # --- receiving

    async def serve(self, tasks: Tasks) -> None:
        """Answer the client until it closes the connection."""
        async for body in self.bodies():
            await self._receive(body, tasks)
        if self.running and not self.transcript.cut_off:
            self.transcript.note(LeftDuringCalls(", ".join(self.running)))

    async def _receive(self, body: Json, tasks: Tasks) -> None:
        method, id = body.get("method"), body.get("id")
        if method is None:
            self.note_answer(id)
            self.received(body)
        elif method == INITIALIZED:
            self.initialized = True
        elif "id" in body:
            params = params_of(body)
            if refusal := self._refusal(str(method), params):
                await self.send({"id": id, "error": refusal})
            elif method == "tools/call":
                self._called(id, params, tasks)
            elif method == "initialize" and not self.revision.modern and not self.book.welcomed:
                tasks.start_soon(self._welcome, id, params)
            else:
                await self.send({"id": id, **self._reply(str(method), params)})

    def _refusal(self, method: str, params: Json) -> Json | None:
        """The error for a request that cannot be taken, for want of a handshake."""
        if self._greeted or method in ("initialize", "ping"):
            return None
        if method == "server/discover" or VERSION in meta_of(params):
            self.refused_opening = method
        message = f"this server speaks {self.revision.name}: initialize comes first"
        # Over HTTP an unknown method is what a modern server would say (2026-07-28 streamable-http).
        unknown = method == "server/discover" and self.transcript.transport != "http"
        return {"code": -32601 if unknown else -32600, "message": message}

    def _called(self, id: Any, params: Json, tasks: Tasks) -> None:
        tasks.start_soon(self._call, id, params)

    def _reply(self, method: str, params: Json) -> Json:
        match method:
            case "initialize":
                self._greet()
                self.declare(params.get("capabilities"))
                return {
                    "result": {
                        "protocolVersion": self.revision.name,
                        "capabilities": {"tools": {}},
                        "serverInfo": SERVER_INFO,
                    }
                }
            case "ping":
                return {"result": {}}
            case "tools/list":
                return {"result": self.listed_tools()}
            case _:
                return {"error": {"code": -32601, "message": f"the fixture server offers no {method}"}}

    async def _welcome(self, id: Any, params: Json) -> None:
        """Answer the first handshake only when a hasty client has had the time to go on without the answer."""
        self.book.welcomed = True
        answer = self._reply("initialize", params)
        await self.until(lambda: self.initialized, _HASTE)
        await self.send({"id": id, **answer})

    def _greet(self) -> None:
        self._greeted = True
        self.transcript.note(Greeted())

    def declare(self, capabilities: object) -> None:
        """The client says what it can do."""
        self.capabilities = capabilities if isinstance(capabilities, dict) else {}
        self.book.declared |= self.sampling is not None
        self.book.declared_tools |= self.declares_tools

    def listed_tools(self) -> Json:
        """What answers ``tools/list``: a tool for each probe that is left, or one that stands for all of them."""
        return {"tools": [NEUTRAL_TOOL] if self.book.one_tool else [listed(tool) for tool in self._shown()]}

    def _shown(self) -> Sequence[Tool]:
        """The tools to list, where each stands for itself."""
        return self._left()

    def _left(self) -> list[Tool]:
        """The tools that were not called, beginning with our share of them."""
        left = self.book.left
        if self.share:
            alone = [tool for tool in left if not tool.builds_on_others]
            first = int(len(alone) * self.share)
            left = alone[first:] + alone[:first] + [tool for tool in left if tool.builds_on_others]
        return left

    async def _call(self, id: Any, params: Json) -> None:
        """Run the probe of a tool. The call itself always succeeds, so that agents go on."""
        async with self._turn:
            tool = None if self.gone else self._tool_called(params.get("name"))
            if tool is not None:
                self.book.calls += 1
                self.calls.append(tool.name)
                self._wire.call = id
                id = await self._run(tool, id, params)
        if not self.gone and id is not None:
            await self.send({"id": id, "result": self._complete({"content": [{"type": "text", "text": "done"}]})})

    def _tool_called(self, name: object) -> Tool | None:
        """The tool whose probe a call begins; ``None`` where that was run before, or there is no such tool."""
        if self.book.one_tool:
            # Once a connection: a retry could not be told from one of the call before.
            return next(iter(self._left()), None) if name == NEUTRAL_TOOL["name"] and not self.calls else None
        return next((tool for tool in self.book.left if tool.name == name), None)

    async def _run(self, tool: Tool, id: Any, params: Json) -> Any:
        """Run the probe, and more of them where the client makes too few calls; returns the id of the request that is
        to be answered in the end, if any."""
        await self._run_probes(tool, id)
        return id

    async def _run_probes(self, tool: Tool, call: Any) -> None:
        ends = anyio.current_time() + self.timeout
        self.book.called.append(tool.name)
        self.running.append(tool.name)
        await tool.run(self, call)
        for _ in range(1, self.book.per_call):
            # A call that takes long may be given up by the client.
            if self.gone or self.unanswered or anyio.current_time() > ends or not self._may_ask_more():
                break
            another = next(iter(self._left()), None)
            if another is None:
                break
            self.book.called.append(another.name)
            self.running.append(another.name)
            await another.run(self, call)
            if not self.gone:
                self.running.remove(another.name)
        if not self.gone:
            self.running.remove(tool.name)

    def _may_ask_more(self) -> bool:
        """Whether the call under way can take more questions."""
        return True

    def _complete(self, result: Json) -> Json:
        """A result as it goes out."""
        return result

    # --- sending

    def new_id(self) -> int:
        """An id for a request of ours."""
        self._last_id += 1
        return self._last_id

    def prepare(
        self, group: str, name: str, params: Any, id: int | str | None = None, **details: Unpack[Details]
    ) -> Json:
        """A sampling request, noted in the transcript but not sent."""
        id = self.new_id() if id is None else id
        self.expect(id)
        return {"id": id, **self.note_question(id, Question(group, name, params, details))}

    def note_question(self, id: int | str, question: Question) -> Json:
        """Note a sampling request under its id, or the key that stands for one; returns its method and params."""
        self._unanswered.add(id_key(id))
        self.book.asked.add(question.group)
        self.transcript.note(SamplingAsked(id, question.group, question.name, **question.details))
        return {"method": SAMPLING, **({} if question.params is None else {"params": question.params})}

    def note_answer(self, id: object) -> None:
        """Count the answer to a sampling request, if it is the first one."""
        if id_key(id) in self._unanswered:
            self._unanswered.remove(id_key(id))
            self.book.answered += 1
            self.book.late |= id_key(id) in self._late

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking in this session."""
        return self.gone or self.unanswered >= _HUNG or self.book.given_up(group)

    async def send_together(self, *bodies: Json) -> None:
        """Send messages so that they arrive at the same time, as far as the transport can."""
        with anyio.move_on_after(self.timeout):
            async with self._writing:
                await self._wire.send_together([encoded(rpc(body)) for body in bodies])

    async def interrupt(self) -> bool:
        """Close the connection that carries the call under way, and not the stream on it; whether the client takes that
        up again. Nothing is done where the transport has no such streams."""
        return await self._wire.interrupt(self.timeout)

    def margin(self, least: float) -> float:
        """How long to wait for what need not come, in seconds: it follows what the client needed so far."""
        return min(self.timeout, max(least, _SLOWER * (self.book.pace.slowest or 0.0)))

    async def responses(self, requests: Sequence[Json], group: str) -> list[Json | None]:
        """The responses to requests that were just sent; ``None``, which is noted, for each that got none in time."""
        began = anyio.current_time()
        if await self.until(lambda: all(self.answered(request["id"]) for request in requests), self.timeout):
            self.book.pace.saw(anyio.current_time() - began)
        return [self._response(request["id"], group) for request in requests]

    def _response(self, id: int | str, group: str) -> Json | None:
        if self.answered(id):
            self.unanswered = 0
            response = self.response_to(id)
            self.note_model(response.get("result"))
            return response
        self.note_silence(id, group)
        return None

    def note_model(self, result: object) -> None:
        """Remember the model that a result names."""
        model = result.get("model") if isinstance(result, dict) else None
        if isinstance(model, str) and len(model) <= _LONGEST_MODEL and model not in self.book.models:
            self.book.models.append(model)

    def note_silence(self, id: int | str, group: str) -> None:
        """A request got no answer in time."""
        self._late.add(id_key(id))
        self.unanswered += 1
        self.book.unanswered[group] = self.book.unanswered.get(group, 0) + 1
        if not self.gone:
            self.transcript.note(TimedOut(id, self.timeout))

    async def ask(self, group: str, name: str, params: Any, **details: Unpack[Details]) -> Json | None:
        """Make one sampling request and wait for its answer, ``{"result": ...}`` or ``{"error": ...}``; ``None`` where
        none came or there was no use in asking."""
        (answer,) = await self.ask_together([Question(group, name, params, details)])
        return answer

    async def ask_together(self, questions: Sequence[Question]) -> list[Json | None]:
        """Make sampling requests of one group at the same time; the answers as for ``ask``, in the same order."""
        group = questions[0].group
        if self.given_up(group):
            return [None for _ in questions]
        requests = [self.prepare(one.group, one.name, one.params, **one.details) for one in questions]
        taken = [await self.send(request) for request in requests]
        # Who has hung up on a call cannot be asked in it, which proves nothing where the session goes on.
        if not any(taken) and not await self.until(lambda: self.gone, self.margin(_PARTING)):
            return [None for _ in requests]
        return await self.responses(requests, group)


def listed(tool: Tool) -> Json:
    """A tool as it stands in the answer to ``tools/list``."""
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": {"type": "object", "properties": {}},
    }
