"""The fixture server of the modern era (2026-07-28): it asks in results, and is answered by retries.

basic "_meta", basic/patterns/mrtr, server/discover. A probe asks as in the legacy era, and gets answers or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from ..protocol.jsonrpc import Json, meta_of
from ..protocol.names import CAPABILITIES, INPUT_REQUIRED, PREFIX, VERSION
from ..protocol.revisions import Revision
from ..transcript.events import Retried
from ..transports.tasks import Tasks
from ..transports.wire import WireToClient
from .server import SERVER_INFO, Book, FixtureServer, Question, Tool

#: how long a retry may still take, at least, once the client has begun another call, in seconds: of a client that is
#: known to make its calls one by one, of one that has retried before, and of any other
_PASSED, _USUAL, _UNCERTAIN = 0.05, 0.5, 1.0
#: what stands in every result of a server (basic "_meta")
STAMP: Json = {"_meta": {f"{PREFIX}serverInfo": SERVER_INFO}}
#: clients give a call up after a number of rounds (10 in the Python SDK); after so many none of its probes begins
_ROUNDS = 6


@dataclass
class _Call:
    """One call, over all its rounds."""

    id: Any  #: of the request whose response is due
    name: str  #: of the tool, as it is called
    declared: bool = False  #: its first request declared sampling
    rounds: int = 0  #: results that called for a retry
    asked_at: float = 0.0  #: when the last of them was sent
    waiting: bool = False  #: it was answered with a question, and a retry is awaited
    retry: Json | None = None
    abandoned: bool = False  #: the question was left unanswered so long that no other will be put


class ModernServer(FixtureServer):
    """One connection of a client. There is no session: each request says all that there is to know."""

    def __init__(self, wire: WireToClient, revision: Revision, book: Book, timeout: float) -> None:
        super().__init__(wire, revision, book, timeout)
        self._call_under_way = _Call(None, "", abandoned=True)
        self._asked: dict[str, _Call] = {}  #: the calls that were answered with a question, by tool
        self._passed = False  #: another call came since the last question
        self._at_once: bool | None = None  #: whether the client makes several calls at once, once it has shown

    # --- receiving

    def _refusal(self, method: str, params: Json) -> Json | None:
        """The error for a request that is not of this era or revision (basic "_meta", schema
        UnsupportedProtocolVersionError)."""
        meta = meta_of(params)
        version = meta.get(VERSION)
        if method == "initialize":
            self.refused_opening, version = method, params.get("protocolVersion")
        elif version is None or not isinstance(meta.get(CAPABILITIES), dict):
            self.malformed_opening = self.malformed_opening or method
            return {"code": -32602, "message": "_meta lacks protocolVersion or clientCapabilities"}
        if method == "initialize" or version != self.revision.name:
            supported = {"supported": [self.revision.name], "requested": version}
            return {"code": -32022, "message": f"this server speaks {self.revision.name} only", "data": supported}
        if not self._greeted:
            self._greet()
        return None

    def _reply(self, method: str, params: Json) -> Json:
        match method:
            case "server/discover":
                discovered = {"supportedVersions": [self.revision.name], "capabilities": {"tools": {}}}
                return {"result": self._cacheable(discovered)}
            case "tools/list":
                self.initialized = True
                return {"result": self._cacheable(self.listed_tools())}
            case _:
                return {"error": {"code": -32601, "message": f"the fixture server offers no {method}"}}

    def _called(self, id: Any, params: Json, tasks: Tasks) -> None:
        name = params.get("name")
        call = self._asked.get(name) if isinstance(name, str) else None
        if call and ("inputResponses" in params or "requestState" in params):
            self.transcript.note(Retried(id, call.id))
            self.book.pace.saw(anyio.current_time() - call.asked_at)
            call.id = id
            given = params.get("inputResponses")
            for key in given if isinstance(given, dict) else ():
                self.note_answer(key)
            if call.waiting:
                self.declare(meta_of(params).get(CAPABILITIES))
                call.retry, call.waiting = params, False
                self._wake()
                return
            self._at_once = True  # it has gone on with others in the meantime
        self._passed = True
        self._wake()
        super()._called(id, params, tasks)

    async def _run(self, tool: Tool, id: Any, params: Json) -> Any:
        self.declare(meta_of(params).get(CAPABILITIES))
        call = self._call_under_way = _Call(id, str(params["name"]), self.sampling is not None)
        await self._run_probes(tool, id)
        return None if call.abandoned else call.id

    def _may_ask_more(self) -> bool:
        call = self._call_under_way
        return not call.abandoned and call.rounds < _ROUNDS

    def _shown(self) -> Sequence[Tool]:
        """As in the legacy era, with the tools that are being called: some look a tool up before each round."""
        left = {tool.name for tool in self.book.left}
        return [tool for tool in self.book.tools.values() if tool.name in left or tool.name in self.running]

    def _complete(self, result: Json) -> Json:
        return {"resultType": "complete", **result, **STAMP}

    def _cacheable(self, result: Json) -> Json:
        """A result that may be cached, and is not to be (server/utilities/caching)."""
        return self._complete({**result, "ttlMs": 0, "cacheScope": "private"})

    # --- asking

    def given_up(self, group: str) -> bool:
        """Whether there is no use in asking, or nothing may be asked in the call under way."""
        call = self._call_under_way
        # Nothing may be asked of a retry that, unlike its call, declares no sampling.
        no_more = call.retry is not None and call.declared and self.sampling is None
        return call.abandoned or no_more or super().given_up(group)

    async def ask_together(self, questions: Sequence[Question]) -> list[Json | None]:
        """Ask all in one result; the answers as for ``ask``, in the same order."""
        return await self.ask_with_state(questions, f"state-{self.new_id()}")

    async def ask_with_state(
        self,
        questions: Sequence[Question],
        state: str | None,
        result_type: str | None = INPUT_REQUIRED,
        others: Mapping[str, Json] = {},
        beside: Json = STAMP,
    ) -> list[Json | None]:
        """Ask in one result, with this requestState (``None``: none) and resultType; the answers as for ``ask``.

        ``others`` are requests for something else than sampling, by key; ``beside`` are further members of the result.
        """
        group = questions[0].group
        if self.given_up(group):
            return [None for _ in questions]
        keys = [f"question-{self.new_id()}" for _ in questions]
        requests = {key: self.note_question(key, one) for key, one in zip(keys, questions, strict=True)}
        result = {**({"resultType": result_type} if result_type else {}), "inputRequests": {**requests, **others}}
        retry = await self.round({**result, **({} if state is None else {"requestState": state}), **beside})
        if retry is None and not self._passed and not self._at_once:
            for key in keys:
                self.note_silence(key, group)
        given = (retry or {}).get("inputResponses")
        answers = given if isinstance(given, dict) else {}
        for answer in answers.values():
            self.note_model(answer)
        return [{"result": answers[key]} if key in answers else None for key in keys]

    async def round(self, result: Json) -> Json | None:
        """Answer the call with a result that calls for a retry; the params of that, or ``None`` where none came."""
        call = self._call_under_way
        self._asked[call.name] = call
        # Whoever makes its calls one by one begins no other while one is unanswered.
        if self._turn.statistics().tasks_waiting:
            self._at_once = True
        call.retry, call.waiting, self._passed = None, True, False
        call.rounds, call.asked_at = call.rounds + 1, anyio.current_time()
        await self.send({"id": call.id, "result": result})
        if not self._at_once:
            await self.until(lambda: call.retry is not None or self._passed, self.timeout)
        if call.retry is None and (self._at_once or self._passed):
            await self.until(lambda: call.retry is not None, self._patience)
            self._at_once = bool(self._at_once)
        if call.retry is None:
            call.abandoned, call.waiting = True, False
        else:
            self.unanswered = 0
        return call.retry

    @property
    def _patience(self) -> float:
        """How long the retry of a client that has begun another call may take, in seconds."""
        if self._at_once is False:
            return _PASSED
        return self.margin(_UNCERTAIN if self.book.pace.slowest is None else _USUAL)


def server_for(wire: WireToClient, revision: Revision, book: Book, timeout: float) -> FixtureServer:
    """The fixture server of the revision's era."""
    return (ModernServer if revision.modern else FixtureServer)(wire, revision, book, timeout)
