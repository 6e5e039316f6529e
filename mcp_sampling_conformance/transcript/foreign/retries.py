"""Which request repeats which call, in a recording where nobody noted it (2026-07-28 basic/patterns/mrtr)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...protocol.http_headers import NAMED
from ...protocol.jsonrpc import Json, id_key, params_of
from ...protocol.names import INPUT_REQUIRED
from ..events import Retried
from ..transcript import Side


@dataclass(frozen=True)
class _Call:
    """A request of the client."""

    id: Any
    method: Any
    name: Any  #: the tool, prompt or resource that it names

    @classmethod
    def of(cls, body: Json) -> _Call:
        method = body.get("method")
        key = NAMED.get(method) if isinstance(method, str) else None
        return cls(body.get("id"), method, params_of(body).get(key) if key else None)

    def repeats(self, other: _Call) -> bool:
        return (self.method, self.name) == (other.method, other.name)


class RetryFinder:
    """Told of every message of a connection in order, it says which requests are retries.

    A retry carries ``inputResponses`` or ``requestState``, and repeats a call that was answered by an
    InputRequiredResult: the same method, and the same tool, prompt or resource. Where several such calls wait for their
    retry, it is that of the one whose result had the same ``requestState``, else of the last.
    """

    def __init__(self) -> None:
        self._unanswered: dict[tuple[str, object], _Call] = {}
        self._waiting: list[
            tuple[_Call, Any]
        ] = []  #: calls that were asked for input, each with the state it was given

    def retry_in(self, sender: Side, body: Json) -> Retried | None:
        """The event to note after a message; ``None`` where it is no retry."""
        if sender is Side.SERVER:
            if "method" not in body:
                self._answered(body)
            return None
        if "method" not in body or "id" not in body:
            return None
        call = _Call.of(body)
        self._unanswered[id_key(call.id)] = call
        params = params_of(body)
        if not params.keys() & {"inputResponses", "requestState"}:
            return None
        return self._retry(call, params.get("requestState"))

    def _answered(self, body: Json) -> None:
        call = self._unanswered.pop(id_key(body.get("id")), None)
        result = body.get("result")
        if call is not None and isinstance(result, dict) and result.get("resultType") == INPUT_REQUIRED:
            self._waiting.append((call, result.get("requestState")))

    def _retry(self, call: _Call, state: Any) -> Retried | None:
        possible = [place for place, (waiting, _) in enumerate(self._waiting) if call.repeats(waiting)]
        if not possible:
            return None
        alike = [place for place in possible if self._waiting[place][1] == state]
        earlier, _ = self._waiting.pop((alike or possible)[-1])
        return Retried(call.id, earlier.id)
