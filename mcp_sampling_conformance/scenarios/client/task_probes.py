"""The probe of a client that makes tasks of sampling requests (2025-11-25 basic/utilities/tasks).

Everything is asked on one connection and of three tasks. A task is never polled: tasks/result waits for its end.
"""

from __future__ import annotations

from ...peers.server import FixtureServer
from ...protocol.jsonrpc import Json
from ...protocol.names import RELATED_TASK, TASKS_CANCEL, TASKS_GET, TASKS_LIST, TASKS_RESULT
from ...transcript.events import TimedOut
from .asks import QUESTION, request, text, turn

#: how long a task is wanted to be kept, in milliseconds: longer than the probe takes
_TTL = 600_000
#: a task and a cursor that no client has
_NO_TASK, _NO_CURSOR = "no-such-task-8d1f6b0e", "no-such-cursor-8d1f6b0e"
#: so many pages of a list are read at most
_PAGES = 10
#: after so many answers that did not come, nothing more is asked
_SILENCES = 2


class TaskProbe:
    """What is asked about tasks, on one connection."""

    def __init__(self, server: FixtureServer) -> None:
        self._server = server
        self._silences = 0
        tasks = server.capabilities.get("tasks")
        self._declared: Json = tasks if isinstance(tasks, dict) else {}

    async def run(self) -> None:
        """Ask for three tasks: one is waited for, one is cancelled at once, one has something invalid to do."""
        first = await self._create("task", "a request for a task", request(task={"ttl": _TTL}))
        if first is not None:
            await self._follow(first)
            await self._ask(TASKS_RESULT, first)
            await self._ask(TASKS_CANCEL, first)
        for method in (TASKS_GET, TASKS_RESULT, TASKS_CANCEL):
            await self._ask(method, _NO_TASK)
        second = await self._create("task-taken-back", "a request for a task without a ttl", request(task={}))
        if second is not None:
            await self._ask(TASKS_CANCEL, second)
        if first is not None:
            await self._list()
            # Receivers are to go by the params, whatever this says.
            await self._ask(TASKS_GET, first, {"_meta": {RELATED_TASK: {"taskId": second or _NO_TASK}}})
        if second is not None:
            await self._ask(TASKS_GET, second)
        odd = request(turn("system", text(QUESTION)), task={"ttl": _TTL})
        third = await self._create("task-broken", 'a request for a task, with a message of role "system"', odd)
        if third is not None:
            await self._follow(third)

    async def _create(self, group: str, name: str, params: Json) -> str | None:
        """Ask for a task; its id, where the client made one."""
        answer = await self._server.ask(group, name, params)
        result = (answer or {}).get("result")
        task = result.get("task") if isinstance(result, dict) else None
        id = task.get("taskId") if isinstance(task, dict) else None
        return id if isinstance(id, str) else None

    async def _follow(self, id: str) -> None:
        """Wait for the end of a task, and see what it has come to."""
        await self._ask(TASKS_RESULT, id)
        await self._ask(TASKS_GET, id)

    async def _list(self) -> None:
        cursor: object = None
        for _ in range(_PAGES):
            page = await self._request(TASKS_LIST, {} if cursor is None else {"cursor": cursor})
            result = (page or {}).get("result")
            cursor = result.get("nextCursor") if isinstance(result, dict) else None
            if not isinstance(cursor, str):
                break
        await self._request(TASKS_LIST, {"cursor": _NO_CURSOR})

    async def _ask(self, method: str, id: str, more: Json | None = None) -> None:
        await self._request(method, {"taskId": id, **(more or {})})

    async def _request(self, method: str, params: Json) -> Json | None:
        """Ask for something that the client declares; the response, if one came."""
        server, member = self._server, method.partition("/")[2]
        optional = method in (TASKS_CANCEL, TASKS_LIST)
        if server.gone or self._silences >= _SILENCES or (optional and self._declared.get(member) is None):
            return None
        id = server.new_id()
        server.expect(id)
        await server.send({"id": id, "method": method, "params": params})
        if await server.until(lambda: server.answered(id), server.timeout):
            return server.response_to(id)
        self._silences += 1
        if not server.gone:
            server.transcript.note(TimedOut(id, server.timeout))
        return None
