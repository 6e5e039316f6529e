"""What a server asks a client about tasks, and what it gets (2025-11-25 basic/utilities/tasks).

Only tasks that the client made are looked at: those of a server are no matter of sampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.jsonrpc import params_of
from ..protocol.names import TASK_OPERATIONS, TASKS_RESULT
from ..transcript.transcript import Side
from .conversation import Conversation
from .messages import Message, Value


@dataclass(eq=False, slots=True)
class Operation:
    """A request of the server about tasks, with the client's response."""

    request: Message
    response: Message | None
    timed_out: float | None  #: seconds that the harness waited in vain for it

    @property
    def method(self) -> str:
        return str(self.request.method)

    @property
    def index(self) -> int:
        return self.request.index

    @property
    def task_id(self) -> object:
        """The task that it is about; ``None`` where it names none."""
        return params_of(self.request.body).get("taskId")

    @property
    def result(self) -> Value | None:
        """``None`` also where an error stands beside it."""
        return self.response.whole.get("result") if self.response is not None and self.error is None else None

    @property
    def error(self) -> Value | None:
        return self.response.whole.get("error") if self.response is not None else None

    @property
    def code(self) -> object:
        """The code of the error; ``None`` where there is none."""
        code = self.error.get("code") if self.error is not None else None
        return code.value if code is not None else None


def read_operations(conversation: Conversation) -> list[Operation]:
    """The requests of the server about tasks, in order."""
    found = [
        Operation(request, conversation.response_to(request), conversation.timed_out(request.body["id"]))
        for method in TASK_OPERATIONS
        for request in conversation.with_method(Side.SERVER, method)
        if request.is_request
    ]
    return sorted(found, key=lambda operation: operation.index)


def created_task(conversation: Conversation, request: Value, result: Value | None) -> Value | None:
    """The task in what answered a sampling request that asked for one, of a client that declared to make them;
    ``None`` where the answer is another."""
    asked = request.find("params", "task")
    if asked is None or result is None or conversation.sampling_tasks is None or result.get("content") is not None:
        return None
    return result.get("task")


def outcome_of(task: Value, operations: list[Operation]) -> tuple[Value | None, Value | None]:
    """The result, or the error, that the server got when it asked for the result of a task; the result counts where it
    got both."""
    answers = list(_asked_for(task, operations))
    result = next((each.result for each in answers if each.result is not None), None)
    return result, None if result is not None else next((each.error for each in answers if each.error), None)


def _asked_for(task: Value, operations: list[Operation]) -> Iterator[Operation]:
    id = task.get("taskId")
    for operation in operations:
        about = operation.method == TASKS_RESULT and id is not None and operation.task_id == id.value
        if about and operation.index > task.message.index:
            yield operation
