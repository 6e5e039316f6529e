"""Sampling requests that became tasks: their states, as the client showed them."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol.jsonrpc import is_number
from ..protocol.names import TASKS_CANCEL, TASKS_GET, TERMINAL
from .exchanges import Exchange
from .messages import Value
from .task_operations import Operation


@dataclass(eq=False, slots=True)
class SamplingTask:
    """A task that a client made of a sampling request, and what the server asked about it."""

    exchange: Exchange
    created: Value  #: ``task`` in the CreateTaskResult
    operations: list[Operation]  #: afterwards, in order

    @property
    def id(self) -> object:
        """``None`` where it has none."""
        id = self.created.get("taskId")
        return id.value if id is not None else None

    def shown_in(self, operation: Operation) -> Value | None:
        """The state that an answer to ``tasks/get`` or ``tasks/cancel`` shows; ``None`` where it is another task's."""
        state = operation.result if operation.method in (TASKS_GET, TASKS_CANCEL) else None
        id = state.get("taskId") if state is not None else None
        return state if id is None or id.value == self.id else None

    def states(self, *, before: int) -> list[Value]:
        """The states that the client showed before an index, each with a ``status`` that is a string: in the
        CreateTaskResult, and in its answers."""
        states = [state for state in (self.created, *map(self.shown_in, self.operations)) if state is not None]
        return [s for s in states if s.message.index < before and isinstance(status_of(s), str)]

    def status(self, *, before: int) -> object:
        """The last status that was shown before an index; ``None`` where none was."""
        states = self.states(before=before)
        return status_of(states[-1]) if states else None

    def is_over(self, *, before: int) -> bool:
        """Whether it was shown to have come to an end before an index."""
        return self.status(before=before) in TERMINAL

    def is_kept(self, operation: Operation) -> bool:
        """Whether its ``ttl`` had not passed when an operation was answered. The time counts from the request for it
        on, so that it is never taken for less than it was."""
        ttl = self.created.get("ttl")
        if operation.response is None or ttl is None:
            return False
        seconds = operation.response.entry.at - self.exchange.request.message.entry.at
        return ttl.value is None or (is_number(ttl.value) and seconds * 1000 < ttl.value)


def status_of(state: Value) -> object:
    """The status in a state of a task; ``None`` where there is none."""
    status = state.get("status")
    return status.value if status is not None else None


def read_tasks(exchanges: list[Exchange], operations: list[Operation]) -> list[SamplingTask]:
    """The tasks among these sampling requests, in order."""
    made = [exchange for exchange in exchanges if exchange.task is not None]
    found = []
    for place, exchange in enumerate(made):
        task = exchange.task
        assert task is not None
        id = task.get("taskId")
        # Where a client gives an id twice, what is asked from then on is about the later task.
        again = (later.task for later in made[place + 1 :] if later.task is not None and id is not None)
        end = next((each.message.index for each in again if _same_id(each, id)), None)
        about = [
            each
            for each in operations
            if id is not None and each.task_id == id.value and task.message.index < each.index
            if end is None or each.index < end
        ]
        found.append(SamplingTask(exchange, task, about))
    return found


def _same_id(task: Value, id: Value | None) -> bool:
    other = task.get("taskId")
    return id is not None and other is not None and other.value == id.value
