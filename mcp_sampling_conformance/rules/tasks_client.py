"""tasks, what a client makes of sampling requests that ask for one: the task, its states, its result.

2025-11-25 basic/utilities/tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..evidence.evidence import Evidence, is_result
from ..evidence.messages import Value
from ..evidence.task_operations import Operation
from ..evidence.tasks import SamplingTask, status_of
from ..protocol.jsonrpc import is_number, shown
from ..protocol.names import RELATED_TASK, TASK_STATUS, TASKS_CANCEL, TASKS_GET, TASKS_LIST, TASKS_RESULT, TERMINAL
from ..transcript.transcript import Side
from .rule import CLIENT, HELD, TASKS_ADVICE, TASKS_MUST, Finding, broken, rule
from .shapes import asked_answered, expect, is_object, is_string, require

PAGE = "basic/utilities/tasks"
#: why nothing of this topic can be judged of most clients
NO_TASK = "no sampling request became a task: the client declares none, or was asked for none, or refused"
_INVALID_PARAMS = -32602
#: codes that say nothing of a task: a failure inside the client, and a method that it should have
_ASIDE = (-32603, -32601)


def all_tasks(evidence: Evidence) -> list[SamplingTask]:
    """The tasks of all sessions."""
    return [task for session in evidence.sessions for task in session.tasks]


def operations_of(evidence: Evidence, *methods: str) -> Iterator[tuple[SamplingTask, Operation]]:
    """What was asked about the tasks, each with its task: by these methods, or by any."""
    for task in all_tasks(evidence):
        yield from ((task, each) for each in task.operations if not methods or each.method in methods)


def name_of(task: SamplingTask) -> str:
    """What a task is called in a finding."""
    return f"the task {shown(task.id)}"


@rule("tasks/created", CLIENT, TASKS_MUST, PAGE, "result-retrieval", unobserved=NO_TASK)
def created(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that declares tasks for sampling, and accepts a request that asks for one, answers it with a
    CreateTaskResult and not with the result itself."""
    for session in evidence.sessions if evidence.revision.tasks else ():
        asking = [each for each in session.exchanges if each.params.get("task") is not None]
        for exchange in asking if session.sampling_tasks is not None else ():
            if exchange.answer is None:
                if exchange.asked is not None:
                    yield from asked_answered(exchange)
            elif exchange.task is not None:
                yield HELD
            elif exchange.result is not None and is_result(exchange.result):
                why = f"{exchange.name}, with params.task, was answered with the result itself instead of a task"
                yield broken(exchange.result, why)


# --- the task and its states

_STATUSES = ("working", "input_required", *TERMINAL)


def _is_time(value: object) -> bool:
    """A timestamp of ISO 8601."""
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value.upper()))
    except ValueError:
        return False


def _is_ttl(value: object) -> bool:
    return value is None or is_number(value)


def _states(evidence: Evidence) -> Iterator[Value]:
    """Everything that is to be a task, wherever it stands."""
    for session in evidence.sessions:
        if session.sampling_tasks is None:
            continue
        yield from (task.created for task in session.tasks)
        for operation in session.operations:
            result = operation.result
            if result is not None and operation.method in (TASKS_GET, TASKS_CANCEL):
                yield result
            elif result is not None and operation.method == TASKS_LIST and (tasks := result.get("tasks")):
                yield from tasks.elements()
        for message in session.with_method(Side.CLIENT, TASK_STATUS):
            yield message.whole.get("params") or message.whole


@rule("tasks/task-valid", CLIENT, TASKS_MUST, "schema", "task", unobserved=NO_TASK)
def task_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A task has an id, one of the five statuses, the times at which it was created and last updated, and a ttl in
    milliseconds, or null; a statusMessage is a string and a pollInterval a number."""
    for state in _states(evidence):
        yield from expect(state, is_object, "a task, an object")
        yield from require(state, "taskId", is_string, "a string")
        yield from require(state, "status", lambda value: value in _STATUSES, f"one of {', '.join(_STATUSES)}")
        for member in ("createdAt", "lastUpdatedAt"):
            yield from require(state, member, _is_time, "a timestamp of ISO 8601")
        yield from require(state, "ttl", _is_ttl, "a number of milliseconds, or null")
        yield from expect(state.get("statusMessage"), is_string, "a string")
        yield from expect(state.get("pollInterval"), is_number, "a number of milliseconds")


@rule("tasks/ids-unique", CLIENT, TASKS_MUST, PAGE, "task-id-requirements", unobserved="the client made no two tasks")
def ids_unique(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """No two tasks of a client have the same id."""
    for session in evidence.sessions:
        seen: set[object] = set()
        for task in session.tasks:
            id = task.created.get("taskId")
            if id is None or not isinstance(id.value, str):
                continue
            if id.value in seen:
                yield broken(id, f"{shown(id.value)} is the id of an earlier task, too")
            elif seen:
                yield HELD
            seen.add(id.value)


# Whoever is done before the CreateTaskResult goes out may say so in it: hence no MUST.
@rule("tasks/begins-working", CLIENT, TASKS_ADVICE, PAGE, "task-status-lifecycle", unobserved=NO_TASK)
def begins_working(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A CreateTaskResult shows the task as working, for so it begins."""
    for task in all_tasks(evidence):
        status = task.created.get("status")
        if status is not None and status.value in _STATUSES:
            yield HELD if status.value == "working" else broken(status, f"a new task is {shown(status.value)}")


@rule(
    "tasks/transitions",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "task-status-lifecycle",
    unobserved="no task was seen again after it had ended",
)
def transitions(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A task that is completed, failed or cancelled stays so."""
    for task, operation in operations_of(evidence, TASKS_GET):
        before, state = task.status(before=operation.index), task.shown_in(operation)
        status = state.get("status") if state is not None else None
        if before in TERMINAL and status is not None:
            if status.value == before:
                yield HELD
            else:
                yield broken(status, f"{name_of(task)} was {before}, and is now {shown(status.value)}")


@rule("tasks/retained", CLIENT, TASKS_MUST, "schema", "task", unobserved="no task was asked for again")
def retained(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A task can be asked for until its ttl has passed, unless it was cancelled."""
    for task, operation in operations_of(evidence, TASKS_GET):
        # A cancelled task may be deleted at once.
        deleted = task.status(before=operation.index) == "cancelled"
        if deleted or not task.is_kept(operation):
            continue
        if operation.code == _INVALID_PARAMS:
            why = f"{name_of(task)} cannot be had any more, although its ttl has not passed"
            yield broken(operation.error or operation.request.whole, why)
        elif operation.result is not None:
            yield HELD


# --- its result


def _fetched(task: SamplingTask) -> list[Operation]:
    return [operation for operation in task.operations if operation.method == TASKS_RESULT]


@rule(
    "tasks/result-given",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "result-retrieval",
    unobserved="the result of no task that had ended was asked for",
)
def result_given(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/result brings what the sampling request would have brought: of a completed task a result, always the same,
    and of a failed one an error."""
    for task in all_tasks(evidence):
        results = []
        for operation in _fetched(task):
            # A task that is waited for shows its end only afterwards.
            status = task.status(before=_next_request(task, operation))
            if operation.response is None:
                if operation.timed_out is not None and task.is_over(before=operation.index):
                    why = f"the result of {name_of(task)}, which is {status}, did not come"
                    yield broken(operation.request.whole, f"{why} within {operation.timed_out:g} s")
            elif task.is_kept(operation):
                results += [operation.result] if operation.result is not None else []
                yield _as_status_says(task, operation, status)
        for result in results[1:]:
            if not _alike(results[0], result):
                yield broken(result, f"tasks/result brings another result of {name_of(task)} than it did before")


def _next_request(task: SamplingTask, operation: Operation) -> int:
    """The index before which an answer of the client to the next ``tasks/get`` or ``tasks/cancel`` still counts."""
    later = [each for each in task.operations if each.index > operation.index and each.method == TASKS_GET]
    first = later[0].response if later else None
    return first.index + 1 if first is not None else operation.index


def _as_status_says(task: SamplingTask, operation: Operation, status: object) -> Finding:
    result, error = operation.result, operation.error
    if status == "completed" and error is not None and operation.code not in _ASIDE:
        return broken(error, f"{name_of(task)} is completed, and tasks/result brings the error {shown(error.value)}")
    if status == "failed" and result is not None:
        return broken(result, f"{name_of(task)} has failed, and tasks/result brings a result instead of the error")
    return HELD


def _alike(one: Value, other: Value) -> bool:
    """Whether two results say the same; what ``_meta`` says is another matter."""
    if not isinstance(one.value, dict) or not isinstance(other.value, dict):
        return bool(one.value == other.value)
    return all(one.value.get(key) == other.value.get(key) for key in ("role", "content", "model", "stopReason"))


@rule(
    "tasks/result-blocks",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "result-retrieval",
    unobserved="no task was asked for once its result was there",
)
def result_blocks(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/result is not answered before the task has ended."""
    for task, operation in operations_of(evidence, TASKS_RESULT):
        response = operation.response
        if response is None or operation.code in _ASIDE or task.is_over(before=operation.index):
            continue
        later = (each for each in task.operations if each.method == TASKS_GET and each.index > response.index)
        state = next(map(task.shown_in, later), None)
        if state is not None and (status := status_of(state)) in _STATUSES:
            if status in TERMINAL:
                yield HELD
            else:
                yield broken(response.whole, f"tasks/result was answered, and {name_of(task)} is still {status}")


@rule(
    "tasks/result-related",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "related-task-metadata",
    unobserved="the client made no task whose result was asked for",
)
def result_related(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The result that tasks/result brings names its task in _meta, under io.modelcontextprotocol/related-task."""
    for task, operation in operations_of(evidence, TASKS_RESULT):
        result = operation.result
        if result is None or not isinstance(result.value, dict):
            continue
        named = result.find("_meta", RELATED_TASK, "taskId")
        if named is None:
            yield broken(result, f"the result of {name_of(task)} has no taskId in _meta under {RELATED_TASK}")
        elif named.value != task.id:
            yield broken(named, f"the result of {name_of(task)} names the task {shown(named.value)}")
        else:
            yield HELD
