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

from ..protocol.jsonrpc import Json, id_key
from ..protocol.names import CALLS, CAPABILITIES, INPUT_REQUIRED, PREFIX, SAMPLING, VERSION
from ..transcript.events import Retried, RetryAmended
from ..transports.tasks import Tasks
from ..transports.wire import WireToServer
from .client import CLIENT_INFO, Asked, FixtureClient
from .other_requests import is_other
from .pace import Pace

#: after so many results in a row that ask for no sampling, but for another try or for other things, a call is given up
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

    def __init__(self, wire: WireToServer, timeout: float, revision: str, pace: Pace | None = None) -> None:
        super().__init__(wire, timeout, pace)
        self.amend: Amend | None = None  #: for the next retry only
        self._revision = revision
        self._meta: Json = {}
        self._calls: dict[tuple[str, object], _Call] = {}  #: by the id of the round whose response is due

    # --- the beginning

    def declare(self, sampling: Mapping[str, Any] | None, *, others: bool = True) -> None:
        """What the requests from now on say of sampling; with ``others`` they declare roots and elicitation too."""
        self._meta = {
            VERSION: self._revision,
            CAPABILITIES: self.capabilities(self._revision, sampling, others),
            f"{PREFIX}clientInfo": CLIENT_INFO,
        }

    def declare_nothing(self) -> None:
        """Leave out from now on what each request has to say: what the client can do."""
        self._meta = {key: value for key, value in self._meta.items() if key != CAPABILITIES}
        self.declares_sampling = False

    async def greet(self, revision: str, sampling: Mapping[str, Any] | None, *, others: bool = True) -> Json | None:
        """Open the conversation: send ``server/discover`` and return the response."""
        self.declare(sampling, others=others)
        return await self.open_with("server/discover")

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

    def _receive(self, body: Json, tasks: Tasks) -> None:
        call = self._calls.pop(id_key(body.get("id")), None) if "method" not in body else None
        if call is None:
            # A request of the server is left unanswered: there is no wire form for a response.
            if "id" not in body or "method" not in body:
                super()._receive(body, tasks)
            return
        self._measure(body)
        result = body.get("result")
        if isinstance(result, dict) and result.get("resultType") == INPUT_REQUIRED:
            tasks.start_soon(self._next_round, call, body, tasks)
        else:
            self._end(call, body)

    def _end(self, call: _Call, body: Json) -> None:
        """The call has come to its end, with this response."""
        self.received({**body, "id": call.first})
        self._wake()

    async def _next_round(self, call: _Call, body: Json, tasks: Tasks) -> None:
        """Have answered what a result asks for, and call again."""
        requests = body["result"].get("inputRequests", {})
        if not isinstance(requests, dict):
            self._end(call, body)
            return
        sampling = {key: request for key, request in requests.items() if _is_sampling(request)}
        others = {key: request for key, request in requests.items() if key not in sampling}
        outcomes = self._answers_to(others)
        if outcomes is None or (not sampling and call.bare_rounds == _MAX_BARE_ROUNDS):
            self._end(call, body)
        elif sampling:
            call.bare_rounds = 0
            for key, request in sampling.items():
                reply = partial(self._reply, call, body, outcomes, key)
                self.asked(Asked(request, reply), tasks)
            self._wake()
        else:
            if not others:
                await anyio.sleep(min(_PAUSE * 2**call.bare_rounds, _LONGEST_PAUSE))
            call.bare_rounds += 1
            self.note_activity()
            await self._retry(call, body, outcomes)

    def _answers_to(self, others: Json) -> Json | None:
        """The results for input requests other than for sampling; ``None`` where this client has nothing to offer for
        one of them, for an error has no wire form."""
        if not all(is_other(request) for request in others.values()):
            return None
        outcomes = {key: self.answer_other(key, request) for key, request in others.items()}
        results = {key: outcome["result"] for key, outcome in outcomes.items() if "result" in outcome}
        return results if len(results) == len(others) else None

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
        if self.amend and any(map(_is_sampling, state.get("inputRequests", {}).values())):
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
