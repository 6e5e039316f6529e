"""The fixture client of the modern era (2026-07-28): sampling travels in multi round-trip requests.

basic "_meta", basic/patterns/mrtr, server/discover. What a probe sees is the same as in the legacy era: a call,
sampling requests to answer, and one response at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from ..protocol.jsonrpc import Json, id_key
from ..protocol.names import CALLS, CAPABILITIES, INPUT_REQUIRED, PREFIX, SAMPLING, VERSION
from ..transcript.events import Retried, RetryAmended
from ..transports.wire import WireToServer
from .client import CLIENT_INFO, Asked, FixtureClient, capabilities

#: after so many results in a row that ask for nothing but another try, a call is given up
_MAX_BARE_ROUNDS = 20
#: how long to wait before the first such try, and at most, in seconds
_PAUSE, _LONGEST_PAUSE = 0.02, 1.0

#: what to send instead of the next retry (its params); ``None`` sends none
Amend = Callable[[Json], Json | None]


@dataclass
class _Call:
    """A call under way, over all its rounds."""

    method: str
    params: Json  #: of the first request, ``_meta`` included
    first: int | str  #: the id under which the caller waits
    latest: int | str  #: the id of the round whose response is due
    bare_rounds: int = 0


class ModernClient(FixtureClient):
    """One connection to a server. There is no handshake: each request says all that there is to know."""

    def __init__(self, wire: WireToServer, timeout: float, revision: str) -> None:
        super().__init__(wire, timeout)
        self.amend: Amend | None = None  #: for the next retry only
        self._revision = revision
        self._meta: Json = {}
        self._calls: dict[tuple[str, object], _Call] = {}  #: by the id of the round whose response is due

    # --- the beginning

    def declare(self, sampling: Mapping[str, Any] | None) -> None:
        """What the requests from now on say of sampling."""
        self.declares_sampling = sampling is not None
        self._meta = {
            VERSION: self._revision,
            CAPABILITIES: capabilities(sampling),
            f"{PREFIX}clientInfo": CLIENT_INFO,
        }

    async def greet(self, revision: str, sampling: Mapping[str, Any] | None) -> Json | None:
        """Open the conversation: send ``server/discover`` and return the response."""
        self.declare(sampling)
        return await self.request("server/discover")

    def spoken(self, greeting: Json | None) -> Sequence[object]:
        """The revisions that the server supports, going by its response to ``greet``."""
        result = (greeting or {}).get("result")
        versions = result.get("supportedVersions") if isinstance(result, dict) else None
        return versions if isinstance(versions, list) else []

    async def begin(self) -> None:
        """There is nothing to say."""

    # --- calls and their rounds

    async def start_request(self, method: str, params: Json | None = None, id: int | str | None = None) -> int | str:
        """As in the legacy era, with what each request has to say in ``_meta``."""
        params = params or {}
        params = {**params, "_meta": {**self._meta, **params.get("_meta", {})}}
        id = self.next_id() if id is None else id
        if method in CALLS:
            # What belongs to a retry is no part of what later rounds repeat.
            plain = {key: value for key, value in params.items() if key not in ("inputResponses", "requestState")}
            self._calls[id_key(id)] = _Call(method, plain, id, id)
        return await super().start_request(method, params, id)

    def awaited(self, id: int | str) -> int | str:
        """The id of the last retry of the call that began with ``id``."""
        return next((call.latest for call in self._calls.values() if call.first == id), id)

    def _receive(self, body: Json, tasks: TaskGroup) -> None:
        call = self._calls.pop(id_key(body.get("id")), None) if "method" not in body else None
        if call is None:
            # A request of the server is left unanswered: there is no wire form for a response.
            if "id" not in body or "method" not in body:
                super()._receive(body, tasks)
            return
        result = body.get("result")
        if isinstance(result, dict) and result.get("resultType") == INPUT_REQUIRED:
            tasks.start_soon(self._next_round, call, body, tasks)
        else:
            self._end(call, body)

    def _end(self, call: _Call, body: Json) -> None:
        """The call has come to its end, with this response."""
        self.received({**body, "id": call.first})
        self._wake()

    async def _next_round(self, call: _Call, body: Json, tasks: TaskGroup) -> None:
        """Have answered what a result asks for, and call again."""
        requests = body["result"].get("inputRequests", {})
        if not isinstance(requests, dict) or not all(_is_sampling(request) for request in requests.values()):
            self._end(call, body)  # nothing that this client has to offer
        elif requests:
            call.bare_rounds = 0
            outcomes: Json = {}
            for key, request in requests.items():
                reply = partial(self._reply, call, body, outcomes, key)
                self.asked(Asked(request, reply), tasks)
            self._wake()
        elif call.bare_rounds < _MAX_BARE_ROUNDS:
            await anyio.sleep(min(_PAUSE * 2**call.bare_rounds, _LONGEST_PAUSE))
            call.bare_rounds += 1
            self.note_activity()
            await self._retry(call, body, {})
        else:
            self._end(call, body)

    async def _reply(self, call: _Call, body: Json, outcomes: Json, key: str, outcome: Json) -> None:
        """Keep the answer to one input request; the last one makes the retry. An error abandons the call."""
        if "result" not in outcome:
            self._end(call, body)
            return
        if key in outcomes:
            return  # an answer is given once
        outcomes[key] = outcome["result"]
        if len(outcomes) == len(body["result"]["inputRequests"]):
            await self._retry(call, body, outcomes)

    async def _retry(self, call: _Call, body: Json, responses: Json) -> None:
        state = body["result"]
        params = {**call.params, **({"inputResponses": responses} if responses else {})}
        params |= {"requestState": state["requestState"]} if "requestState" in state else {}
        amended: Json | None = params
        if responses and self.amend:
            amend, self.amend = self.amend, None
            amended = amend(params)
        if amended is None:
            self._end(call, body)
            return
        before, call.latest = call.latest, self.next_id()
        self._calls[id_key(call.latest)] = call
        self.used_ids.add(call.latest)
        self.expect(call.latest)
        if amended is not params:
            self.transcript.note(RetryAmended(call.latest))
        await self.send({"id": call.latest, "method": call.method, "params": amended})
        self.transcript.note(Retried(call.latest, before))


def _is_sampling(request: object) -> bool:
    return isinstance(request, dict) and request.get("method") == SAMPLING
