"""The fixture client: plays the client against a server under test, answers sampling as a probe wants it answered.

It judges nothing and repairs nothing. Whatever it waits for is bounded; where it waits in vain it notes that in the
transcript (``TimedOut``, ``NeverAnswered``, ``Exited``) and goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from .. import __version__
from ..protocol.jsonrpc import Json, id_key, params_of
from ..protocol.names import CANCELLED, INITIALIZED, SAMPLING, TASK_OPERATIONS
from ..transcript.events import Exited, NeverAnswered, OtherAsked, TimedOut
from ..transcript.limits import CALL_TIMEOUTS, OTHER_REQUESTS, SAMPLING_REQUESTS, Limit
from ..transports.tasks import Tasks
from ..transports.wire import WireToServer
from .client_tasks import CAPABILITY, ClientTask, ClientTasks
from .other_requests import answer_to, is_other, other_capabilities
from .pace import Pace
from .peer import Peer

CLIENT_INFO = {"name": "mcp-sampling-conformance", "version": __version__}


@dataclass(frozen=True)
class Asked:
    """A sampling request that came, whatever carried it."""

    body: Json  #: with ``method`` and ``params``, as it came
    reply: Callable[[Json], Awaitable[None]]  #: takes ``{"result": ...}`` or ``{"error": ...}``
    task: ClientTask | None = None  #: that was made of it, and ends with the reply


#: what to do about a sampling request; its position in the current probe comes with it
Sampler = Callable[["FixtureClient", Asked, int], Awaitable[None]]

#: those of one probe whose content is kept, for scenarios that look at it
_KEPT = 16
#: ids of requests of the server that are remembered
_RECENT = 2


class FixtureClient(Peer):
    """One connection to a server. Run ``listen`` beside whatever uses it.

    This is the client of the legacy era; ``ModernClient`` changes how it opens and how sampling travels.
    """

    def __init__(self, wire: WireToServer, timeout: float, pace: Pace | None = None) -> None:
        super().__init__(wire, timeout)
        self.wire = wire
        self.pace = pace or Pace()  #: of the server, on all connections that share it
        wire.on_loss = self._wake
        self.struggling = False  #: an answer was waited for in vain, or the server is gone
        self.lists_changed = False  #: the server said so of one of its lists
        self.declares_sampling = False  #: the requests from now on come from a client that has the capability
        self.sampling: list[Asked] = []  #: the sampling requests of the current probe
        self.cancelled: list[object] = []  #: the requests that the server cancelled, by id
        self.recent_server_ids: list[Any] = []  #: of the last requests of the server, two at most, in order
        self.used_ids: set[int | str] = set()  #: of all requests of our own
        self.sampler: Sampler | None = None  #: ``None`` leaves what is asked unanswered
        self.tasks: ClientTasks | None = None  #: those that were made of sampling requests, if any are made
        self._samplings = 0  #: sampling requests that came and answers to them that went out
        self._at_work = 0  #: samplers that are running
        self._others = 0  #: requests other than for sampling
        self._offered: Json = {}  #: the capabilities that were declared besides sampling
        self._sent: dict[tuple[str, object], float] = {}  #: when each request went out that is not answered yet
        self._active = 0.0  #: when a call was last seen to be under way
        self._opening: int | str | None = None  #: the id of the request that opens the conversation
        # Servers and SDKs count from 0 or 1: ours are far away, unless a probe wants them to coincide.
        self._last_id = 1000

    # --- receiving

    async def listen(self, tasks: Tasks) -> None:
        """Read until the server's output ends; answer its requests."""
        async for body in self.bodies():
            self._receive(body, tasks)

    def _receive(self, body: Json, tasks: Tasks) -> None:
        method = body.get("method")
        if method is not None and "id" in body:
            self.recent_server_ids = [*self.recent_server_ids, body["id"]][-_RECENT:]
        if method is None:
            self._measure(body)
            self.received(body)
        elif method == SAMPLING:
            self.asked(self._taken(body, tasks), tasks)
        elif "id" in body:
            self._others += 1
            if self._others <= OTHER_REQUESTS:
                tasks.start_soon(self._answer_other, body)
        elif method == CANCELLED:
            self.cancelled.append(params_of(body).get("requestId"))
        elif str(method).endswith("/list_changed"):
            self.lists_changed = True

    def _taken(self, body: Json, tasks: Tasks) -> Asked:
        """A sampling request with what answers it: a response, or the end of the task that it becomes."""
        if self.tasks is None or "task" not in params_of(body):
            return Asked(body, partial(self.answer, body))
        task = self.tasks.create(body)
        tasks.start_soon(self.answer, body, {"result": {"task": dict(task.state)}})
        return Asked(body, task.end, task)

    def asked(self, asked: Asked, tasks: Tasks) -> None:
        """Take a sampling request, and have it answered where there is a sampler."""
        self._samplings += 1
        if self._sent:
            self._saw(max(self._sent.values()))
        # A tool loop repeats all that went before in each round; only its first rounds are kept.
        kept = asked if len(self.sampling) < _KEPT else replace(asked, body={})
        self.sampling.append(kept)
        if self.sampler and len(self.sampling) <= SAMPLING_REQUESTS:
            tasks.start_soon(self._sample, self.sampler, asked, len(self.sampling) - 1)

    def note_activity(self) -> None:
        """Something happened that shows a call to be under way: its time starts anew."""
        self._samplings += 1
        self._active = anyio.current_time()
        self._wake()

    def expect(self, id: int | str) -> None:
        """A request with this id is about to be sent."""
        super().expect(id)
        self._sent[id_key(id)] = anyio.current_time()

    def _measure(self, response: Json) -> None:
        """See how long a response took."""
        sent = self._sent.pop(id_key(response.get("id")), None)
        if sent is None:
            return
        if response["id"] == self._opening:
            self.pace.saw_start(anyio.current_time() - sent)
        else:
            self._saw(sent)

    def _saw(self, sent: float) -> None:
        self.pace.saw(anyio.current_time() - max(sent, self._active))

    async def _sample(self, sampler: Sampler, asked: Asked, position: int) -> None:
        self._at_work += 1
        try:
            await sampler(self, asked, position)
        finally:
            self._at_work -= 1
            self.note_activity()

    async def _answer_other(self, body: Json) -> None:
        if body["method"] == "ping":
            await self.answer(body, {"result": {}})
        elif self.tasks is not None and body["method"] in TASK_OPERATIONS:
            await self.tasks.operate(body)
            self._wake()
        else:
            await self.answer(body, self.answer_other(body["id"], body))

    def answer_other(self, id: object, request: Json) -> Json:
        """What to answer to a request other than for sampling; one for what a client may have is noted."""
        outcome = answer_to(request, self._offered)
        if is_other(request):
            self.transcript.note(OtherAsked(id, request["method"], "result" in outcome))
        return outcome

    # --- sending

    async def answer(self, request: Json, outcome: Json) -> None:
        """Answer a request of the server; ``outcome`` is what the response holds besides its id."""
        if "id" in request:
            await self.send({"id": request["id"], **outcome})

    async def notify(self, method: str, params: Json | None = None) -> None:
        """Send a notification."""
        await self.send({"method": method, **({"params": params} if params else {})})

    async def start_request(self, method: str, params: Json | None = None, id: int | str | None = None) -> int | str:
        """Send a request and return its id without waiting; ``response`` waits."""
        if id is None:
            id = self.next_id()
        elif isinstance(id, int):
            self._last_id = max(self._last_id, id)  # no id is used twice
        self.used_ids.add(id)
        self.expect(id)
        await self.send({"id": id, "method": method, **({} if params is None else {"params": params})})
        return id

    def next_id(self) -> int:
        """An id that no request of ours had."""
        self._last_id += 1
        return self._last_id

    async def response(self, id: int | str) -> Json | None:
        """The response to a request; ``None``, which is noted, where the server is gone or none came in time.

        The time starts anew with every sampling request and every answer to one, so that it is the server's silence
        that is measured, not the length of a conversation.
        """
        seen, most = -1, CALL_TIMEOUTS * self.timeout
        ends = anyio.current_time() + most
        while not self._settled(id) and not self.gone and (seen != self._samplings or self._at_work):
            if anyio.current_time() > ends:
                self.transcript.reached(
                    Limit(round(most), "seconds in one call that asks for sampling again and again")
                )
                break
            seen = self._samplings
            await self.in_time(lambda seen=seen: self._settled(id) or self._samplings != seen)  # type: ignore[misc]
        return await self.response_within(id, 0)

    async def in_time(self, condition: Callable[[], bool]) -> bool:
        """As ``until``, for as long as it may take this server to answer."""
        # How long that is shows only in the meantime, where the server has answered nothing yet.
        return await self.until(condition, self.timeout) or await self.until(condition, self._grace)

    @property
    def _grace(self) -> float:
        """What an answer may take beyond the time-out: what the server's pace asks for, and what it told us to wait."""
        return self.pace.margin(self.timeout) + self.wire.pause

    def at_least(self, seconds: float) -> float:
        """A short wait for what a fast server does in so many seconds: longer for a slow one."""
        known = 0.0 if self.pace.slowest is None else self.pace.margin(self.timeout)
        return max(seconds, min(known, self.timeout))

    async def response_within(self, id: int | str, seconds: float, patience: float | None = None) -> Json | None:
        """As ``response``, but within so many seconds from now, whatever else happens.

        Where none came it is noted that it was waited for as long as ``patience`` says, or else the time-out."""
        await self.until(lambda: self._settled(id), seconds)
        if self.answered(id):
            return self.response_to(id)
        if self.transcript.cut_off:
            pass  # that no response comes is our own doing
        elif why := self.wire.lost.get(id_key(self.awaited(id))):
            self.transcript.note(NeverAnswered(self.awaited(id), why))
        elif self.gone:
            await self.note_exit()
        else:
            self.transcript.note(TimedOut(self.awaited(id), patience or self.timeout, self.wire.tail))
            self.pace.gave_up()
        self.struggling = True
        return None

    def _settled(self, id: int | str) -> bool:
        """Whether a response came, or none ever will."""
        return self.answered(id) or id_key(self.awaited(id)) in self.wire.lost

    def awaited(self, id: int | str) -> int | str:
        """The id of the request whose response a call waits for now."""
        return id

    async def note_exit(self) -> None:
        """Note, once, that the server ended although nobody asked it to."""
        self.struggling = True
        if not self.transcript.events(Exited) and not self.transcript.cut_off:
            code = await self.wire.exit_code()
            self.transcript.note(Exited(code, self.wire.tail))

    async def request(self, method: str, params: Json | None = None) -> Json | None:
        """Send a request and wait for its response."""
        return await self.response(await self.start_request(method, params))

    # --- the beginning

    async def open_with(self, method: str, params: Json | None = None) -> Json | None:
        """Send the request that opens the conversation, and wait for its response as long as a start may take."""
        id = self._opening = self.next_id()
        await self.start_request(method, params, id)
        seconds = self.pace.start(self.timeout)
        return await self.response_within(id, seconds, seconds)

    async def greet(self, revision: str, sampling: Mapping[str, Any] | None, *, others: bool = True) -> Json | None:
        """Open the conversation: send ``initialize`` and return the response.

        ``others``: the client has roots and elicitation besides, as far as the revision knows them.
        """
        declared = self.capabilities(revision, sampling, others)
        params = {"protocolVersion": revision, "capabilities": declared, "clientInfo": CLIENT_INFO}
        return await self.open_with("initialize", params)

    def capabilities(self, revision: str, sampling: Mapping[str, Any] | None, others: bool) -> Json:
        """What the client says that it can do, from now on."""
        self.declares_sampling = sampling is not None
        self._offered = other_capabilities(revision) if others else {}
        tasks = {} if self.tasks is None else {"tasks": CAPABILITY}
        return {**self._offered, **({} if sampling is None else {"sampling": dict(sampling)}), **tasks}

    def make_tasks(self) -> None:
        """Declare, from the opening on, that sampling requests become tasks where they ask for it."""
        self.tasks = ClientTasks(self.answer)

    def spoken(self, greeting: Json | None) -> Sequence[object]:
        """The revisions that the server agrees to, going by its response to ``greet``."""
        result = (greeting or {}).get("result")
        return [result["protocolVersion"]] if isinstance(result, dict) and "protocolVersion" in result else []

    async def begin(self) -> None:
        """Say that calls will follow."""
        await self.notify(INITIALIZED)


def tools_of(asked: Asked) -> list[Json]:
    """The tools that a sampling request offers; what is no object is none."""
    tools = params_of(asked.body).get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
