"""The tasks that the fixture client makes of sampling requests (2025-11-25 basic/utilities/tasks)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

from ..protocol.jsonrpc import Json, is_number, params_of
from ..protocol.names import RELATED_TASK, TASKS_CANCEL, TASKS_GET, TASKS_RESULT, TERMINAL

#: what is declared: no tasks/list, so that a server that asks for it all the same shows that it does
CAPABILITY: Json = {"cancel": {}, "requests": {"sampling": {"createMessage": {}}}}
#: how often a server is to look at a task, and how long one is kept where nobody says, in milliseconds
POLL_INTERVAL, _TTL = 100, 600_000

#: answers a request: takes it, and what the response holds besides its id
Answer = Callable[[Json, Json], Awaitable[None]]


class ClientTask:
    """One task: ``state`` is what the server may see of it."""

    def __init__(self, request: Json, answer: Answer) -> None:
        task = params_of(request).get("task")
        ttl = task.get("ttl") if isinstance(task, dict) else None
        self.id = str(uuid4())
        self.state: Json = {
            "taskId": self.id,
            "status": "working",
            "createdAt": _now(),
            "lastUpdatedAt": _now(),
            "ttl": ttl if is_number(ttl) else _TTL,
            "pollInterval": POLL_INTERVAL,
        }
        self.polls = 0  #: how often the server has looked at it
        self._answer = answer
        self._outcome: Json = {}  #: once it has ended: ``{"result": ...}`` or ``{"error": ...}``
        self._waiting: list[Json] = []  #: requests for the result

    async def end(self, outcome: Json) -> None:
        """It has come to this result or error."""
        failed = "error" in outcome
        await self._end("failed" if failed else "completed", outcome, "the request was refused" if failed else None)

    async def cancel(self, why: str) -> None:
        """It is not gone on with."""
        await self._end("cancelled", {"error": {"code": -1, "message": why}}, why)

    async def _end(self, status: str, outcome: Json, message: str | None) -> None:
        if self.has_ended:
            return
        self._outcome = outcome
        self.state |= {"status": status, "lastUpdatedAt": _now(), **({"statusMessage": message} if message else {})}
        for request in self._waiting:
            await self.give_result(request)

    @property
    def has_ended(self) -> bool:
        return self.state["status"] in TERMINAL

    async def give_result(self, request: Json) -> None:
        """Answer a request for the result, now or once it is there."""
        if not self.has_ended:
            self._waiting.append(request)
            return
        result = self._outcome.get("result")
        if isinstance(result, dict):
            related = {RELATED_TASK: {"taskId": self.id}}
            await self._answer(request, {"result": {**result, "_meta": {**_meta(result), **related}}})
        else:
            await self._answer(request, self._outcome)


class ClientTasks:
    """All tasks of one connection."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._tasks: dict[object, ClientTask] = {}

    @property
    def made(self) -> bool:
        """Whether the server has asked for any."""
        return bool(self._tasks)

    def create(self, request: Json) -> ClientTask:
        """The task for a sampling request, which is still to be told of it."""
        task = ClientTask(request, self._answer)
        self._tasks[task.id] = task
        return task

    async def operate(self, request: Json) -> None:
        """Answer a request about tasks."""
        id = params_of(request).get("taskId")
        task = self._tasks.get(id) if isinstance(id, str) else None
        method = request["method"]
        if method not in (TASKS_GET, TASKS_RESULT, TASKS_CANCEL):
            await self._refuse(request, -32601, f"the fixture client offers no {method}")
        elif task is None:
            await self._refuse(request, -32602, "there is no such task")
        elif method == TASKS_RESULT:
            await task.give_result(request)
        elif method == TASKS_CANCEL and task.has_ended:
            await self._refuse(request, -32602, f"the task is {task.state['status']} already")
        else:
            if method == TASKS_CANCEL:
                await task.cancel("the server has cancelled it")
            task.polls += 1
            await self._answer(request, {"result": dict(task.state)})

    async def _refuse(self, request: Json, code: int, message: str) -> None:
        await self._answer(request, {"error": {"code": code, "message": message}})


def _meta(result: Json) -> Json:
    meta = result.get("_meta")
    return meta if isinstance(meta, dict) else {}


def _now() -> str:
    return datetime.now(UTC).isoformat()
