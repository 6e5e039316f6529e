"""tasks, how a client answers what a server asks about them.

2025-11-25 basic/utilities/tasks.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..evidence.session import Session
from ..evidence.task_operations import Operation
from ..evidence.tasks import SamplingTask
from ..protocol.jsonrpc import shown
from ..protocol.names import (
    RELATED_TASK,
    TASK_OPERATIONS,
    TASK_STATUS,
    TASKS_CANCEL,
    TASKS_GET,
    TASKS_LIST,
    TASKS_RESULT,
    TERMINAL,
)
from ..transcript.transcript import Side
from .rule import BOTH, CLIENT, HELD, TASKS_MUST, TASKS_SHOULD, Finding, broken, rule
from .shapes import is_string, require
from .tasks_client import NO_TASK, PAGE, all_tasks, name_of, operations_of

_INVALID_PARAMS, _NO_METHOD = -32602, -32601


def _offers(session: Session, method: str) -> bool:
    """Whether a client declared what a method is for: to ask for a task and its result is part of all tasks."""
    if session.sampling_tasks is None or session.capabilities is None:
        return False
    member = method.partition("/")[2]
    return method in (TASKS_GET, TASKS_RESULT) or session.capabilities.find("tasks", member) is not None


def _offered(evidence: Evidence, *methods: str) -> Iterator[tuple[Session, Operation]]:
    """What was asked by these methods of clients that declared them, with the session."""
    for session in evidence.sessions:
        for operation in session.operations:
            if operation.method in methods and _offers(session, operation.method):
                yield session, operation


@rule(
    "tasks/operations-served",
    CLIENT,
    TASKS_MUST,
    "basic/lifecycle",
    "operation",
    unobserved="the client declares no tasks for sampling, or was asked nothing about them",
)
def operations_served(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that declares tasks answers tasks/get and tasks/result, and tasks/cancel and tasks/list where it
    declares those too; none of them is a method that it does not know."""
    for session, operation in _offered(evidence, *TASK_OPERATIONS):
        request = operation.request.whole
        if operation.code == _NO_METHOD:
            yield broken(operation.error or request, f"{operation.method} is declared, and refused as no method")
        elif operation.response is not None:
            yield HELD
        elif operation.timed_out is not None and not (_may_wait(session, operation) or _named_twice(operation)):
            yield broken(request, f"{operation.method} got no answer within {operation.timed_out:g} s")


def _may_wait(session: Session, operation: Operation) -> bool:
    """Whether it is for the end of a task that an answer has to wait; what has ended, tasks/result-given looks at."""
    return operation.method == TASKS_RESULT and any(operation in task.operations for task in session.tasks)


def _named_twice(operation: Operation) -> bool:
    """Whether a request names a task in ``_meta`` too, which is not to matter: tasks/id-from-params."""
    return operation.request.whole.find("params", "_meta", RELATED_TASK) is not None


@rule(
    "tasks/unknown-rejected",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "protocol-errors",
    unobserved="the client declares no tasks for sampling, or was not asked for one that does not exist",
)
def unknown_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/get, tasks/result and tasks/cancel of a task that does not exist are refused with -32602."""
    known = {str(task.id) for task in all_tasks(evidence)}
    for _, operation in _offered(evidence, TASKS_GET, TASKS_RESULT, TASKS_CANCEL):
        if str(operation.task_id) not in known:
            yield from _refused(operation, f"the task {shown(operation.task_id)}, which does not exist")


def _refused(operation: Operation, what: str) -> Iterator[Finding]:
    """Whether something was refused with -32602; that an operation is there at all is another rule's."""
    if operation.result is not None:
        yield broken(operation.result, f"{operation.method} was answered with a result for {what}")
    elif operation.code == _INVALID_PARAMS:
        yield HELD
    elif operation.error is not None and operation.code != _NO_METHOD:
        code = operation.error.get("code") or operation.error
        yield broken(code, f"{operation.method} was refused with {shown(code.value)} instead of -32602 for {what}")


@rule(
    "tasks/id-from-params",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "associating-task-related-messages",
    unobserved="no task was shown in an answer",
)
def id_from_params(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/get and tasks/cancel are about the task that params.taskId names, whatever _meta says."""
    for task, operation in operations_of(evidence):
        if _named_twice(operation) and operation.response is None and operation.timed_out is not None:
            why = f"{operation.method} that names a task in _meta too got no answer within {operation.timed_out:g} s"
            yield broken(operation.request.whole, why)
        shows = operation.result.get("taskId") if operation.result is not None else None
        if operation.method not in (TASKS_GET, TASKS_CANCEL) or shows is None or not isinstance(shows.value, str):
            continue
        if shows.value == operation.task_id:
            yield HELD
        else:
            yield broken(shows, f"{operation.method} of {name_of(task)} shows the task {shown(shows.value)}")


# --- what fails


@rule(
    "tasks/failure-explained",
    CLIENT,
    TASKS_SHOULD,
    PAGE,
    "task-execution-errors",
    unobserved="no task has failed",
)
def failure_explained(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What tasks/get shows of a failed task has a statusMessage that says what went wrong."""
    for task, operation in operations_of(evidence, TASKS_GET):
        state = operation.result
        status = state.get("status") if state is not None else None
        if state is None or status is None or status.value != "failed":
            continue
        message = state.get("statusMessage")
        if message is None or message.value == "":
            yield broken(state, f"{name_of(task)} has failed, and no statusMessage says why")
        else:
            yield HELD


# --- what is taken back


def _cancellations(evidence: Evidence) -> Iterator[tuple[SamplingTask, Operation]]:
    for session in evidence.sessions:
        for task in session.tasks if _offers(session, TASKS_CANCEL) else ():
            yield from ((task, operation) for operation in task.operations if operation.method == TASKS_CANCEL)


@rule(
    "tasks/cancelled",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "task-cancellation",
    unobserved="the client does not declare tasks.cancel, or ended each task before it could be cancelled",
)
def cancelled(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/cancel of a task that has not ended is answered once the task is cancelled, and shows it as that."""
    for task, operation in _cancellations(evidence):
        # Whoever brought the result, and still does not show the end, has ended the task all the same.
        brought = any(each.method == TASKS_RESULT and each.response is not None for each in _before(task, operation))
        if brought or task.is_over(before=operation.index):
            continue
        status = operation.result.get("status") if operation.result is not None else None
        if status is not None and status.value == "cancelled":
            yield HELD
        elif operation.result is not None:
            found = shown(status.value) if status is not None else "of no status"
            yield broken(status or operation.result, f"{name_of(task)} was cancelled, and is shown as {found}")
        elif operation.code == _INVALID_PARAMS and (still := _still_at_work(task, operation)) is not None:
            # One that has ended meanwhile is refused by right.
            yield broken(operation.error or still, f"{name_of(task)} could not be cancelled, and goes on")


def _before(task: SamplingTask, operation: Operation) -> list[Operation]:
    return [each for each in task.operations if each.index < operation.index]


def _still_at_work(task: SamplingTask, operation: Operation) -> Value | None:
    """The status that was shown right after an operation, where that is no end."""
    later = [each for each in task.operations if each.method == TASKS_GET and each.index > operation.index]
    status = later[0].result.get("status") if later and later[0].result is not None else None
    return status if status is not None and status.value not in TERMINAL else None


@rule(
    "tasks/ended-not-cancelled",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "task-cancellation",
    unobserved="the client does not declare tasks.cancel, or no task ended",
)
def ended_not_cancelled(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/cancel of a task that has ended is refused with -32602."""
    for task, operation in _cancellations(evidence):
        if task.is_over(before=operation.index):
            status = task.status(before=operation.index)
            yield from _refused(operation, f"{name_of(task)}, which is {status} already")


# --- lists


@rule(
    "tasks/listed",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "task-listing",
    unobserved="the client does not declare tasks.list, or shows more tasks than were looked at",
)
def listed(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/list brings an array of tasks, page by page, and each that tasks/get brings is among them."""
    for session in evidence.sessions:
        pages = [each for each in session.operations if each.method == TASKS_LIST and each.result is not None]
        for page in pages if _offers(session, TASKS_LIST) else ():
            assert page.result is not None
            yield from require(page.result, "tasks", lambda value: isinstance(value, list), "an array of tasks")
            cursor = page.result.get("nextCursor")
            if cursor is not None and not isinstance(cursor.value, str):
                yield from require(page.result, "nextCursor", is_string, "a string")
        if not pages or not _is_last(pages[-1]) or not _offers(session, TASKS_LIST):
            continue
        found = {str(id.value) for page in pages for task in _tasks_in(page) if (id := task.get("taskId"))}
        for task in session.tasks:
            if _can_be_had(task, pages[0].index, pages[-1].index):
                if str(task.id) in found:
                    yield HELD
                else:
                    yield broken(pages[-1].request.whole, f"{name_of(task)} can be had, and is in no list")


def _tasks_in(page: Operation) -> list[Value]:
    tasks = page.result.get("tasks") if page.result is not None else None
    return tasks.elements() if tasks is not None else []


def _is_last(page: Operation) -> bool:
    cursor = page.result.get("nextCursor") if page.result is not None else None
    return cursor is None or cursor.value is None


def _can_be_had(task: SamplingTask, first: int, last: int) -> bool:
    """Whether a task was there before and after something, and is not one that may be deleted at any time."""
    gets = [each for each in task.operations if each.method == TASKS_GET]
    after = [each for each in gets if each.index > last]
    there = bool(after) and after[0].result is not None
    return there and task.created.message.index < first and task.status(before=first) != "cancelled"


@rule(
    "tasks/cursor-rejected",
    CLIENT,
    TASKS_MUST,
    PAGE,
    "protocol-errors",
    unobserved="the client does not declare tasks.list, or was given no cursor that it had not made",
)
def cursor_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """tasks/list with a cursor that the client never gave is refused with -32602."""
    given: set[object] = set()
    for _, operation in _offered(evidence, TASKS_LIST):
        cursor = operation.request.whole.find("params", "cursor")
        if cursor is not None and isinstance(cursor.value, str) and cursor.value not in given:
            yield from _refused(operation, f"the cursor {shown(cursor.value)}, which the client never gave")
        following = operation.result.get("nextCursor") if operation.result is not None else None
        if following is not None and isinstance(following.value, str):
            given.add(following.value)


# --- what names its task already


@rule("tasks/related-left-out", BOTH, TASKS_SHOULD, PAGE, "associating-task-related-messages", unobserved=NO_TASK)
def related_left_out(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What names its task anyhow does not name it in _meta, too: requests about tasks (server), what answers tasks/get,
    tasks/cancel and tasks/list, and notifications of a status (client)."""
    for session in evidence.sessions:
        if session.sampling_tasks is not None:
            for part in _said_by_server(session) if side is Side.SERVER else _said_by_client(session):
                named = part.find("_meta", RELATED_TASK)
                yield HELD if named is None else broken(named, f"{named.json_path} is superfluous here")


def _said_by_server(session: Session) -> Iterator[Value]:
    for operation in session.operations:
        yield operation.request.whole.get("params") or operation.request.whole


def _said_by_client(session: Session) -> Iterator[Value]:
    for operation in session.operations:
        if operation.method != TASKS_RESULT and operation.result is not None:
            yield operation.result
    for message in session.with_method(Side.CLIENT, TASK_STATUS):
        yield message.whole.get("params") or message.whole
