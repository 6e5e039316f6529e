"""Which request repeats which call, in a recording where nobody noted it (2026-07-28 basic/patterns/mrtr)."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any

from ...protocol.http_headers import NAMED
from ...protocol.jsonrpc import Json, id_key, params_of
from ...protocol.names import INPUT_REQUIRED
from ..events import Retried
from ..transcript import Side

Key = tuple[str, object]

#: what a retry has in common with the call that it repeats: the method, and the name or uri
_Target = tuple[Key, Key]


class _Waiting:
    """Calls of one target that were asked for input and not repeated yet."""

    def __init__(self) -> None:
        self._ids: dict[int, Any] = {}  #: by a number that counts up
        self._by_state: defaultdict[Key, list[int]] = defaultdict(list)
        self._numbers = count()

    def add(self, id: Any, state: Any) -> None:
        number = next(self._numbers)
        self._ids[number] = id
        self._by_state[id_key(state)].append(number)

    def take(self, state: Any) -> list[Any]:
        """The id of the last call that was given this state, or else of the last one, which then waits no more."""
        alike = self._by_state[id_key(state)]
        while alike and alike[-1] not in self._ids:
            alike.pop()
        number = alike[-1] if alike else next(reversed(self._ids), None)
        return [] if number is None else [self._ids.pop(number)]


class RetryFinder:
    """Told of every message of a connection in order, it says which requests are retries.

    A retry carries ``inputResponses`` or ``requestState``, and repeats a call that was answered by an
    InputRequiredResult: the same method, and the same tool, prompt or resource. Where several such calls wait for their
    retry, it is that of the one whose result had the same ``requestState``, else of the last.
    """

    def __init__(self) -> None:
        self._unanswered: dict[Key, tuple[Any, _Target]] = {}
        self._waiting: defaultdict[_Target, _Waiting] = defaultdict(_Waiting)

    def retry_in(self, sender: Side, body: Json) -> Retried | None:
        """The event to note after a message; ``None`` where it is no retry."""
        if sender is Side.SERVER:
            if "method" not in body:
                self._answered(body)
            return None
        if "method" not in body or "id" not in body:
            return None
        id, params, target = body["id"], params_of(body), _target(body)
        self._unanswered[id_key(id)] = id, target
        if not params.keys() & {"inputResponses", "requestState"}:
            return None
        repeated = self._waiting[target].take(params.get("requestState"))
        return Retried(id, repeated[0]) if repeated else None

    def _answered(self, body: Json) -> None:
        id, target = self._unanswered.pop(id_key(body.get("id")), (None, None))
        result = body.get("result")
        if target is not None and isinstance(result, dict) and result.get("resultType") == INPUT_REQUIRED:
            self._waiting[target].add(id, result.get("requestState"))


def _target(body: Json) -> _Target:
    method = body["method"]
    name = NAMED.get(method) if isinstance(method, str) else None
    return id_key(method), id_key(params_of(body).get(name) if name else None)
