"""tasks, what a server makes of them that asks for a task in its sampling request. It never has to.

2025-11-25 basic/utilities/tasks.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Message
from ..evidence.session import Session
from ..evidence.tasks import SamplingTask
from ..protocol.jsonrpc import is_number, shown
from ..protocol.names import CANCELLED, TASKS_CANCEL, TASKS_LIST
from ..transcript.events import TaskPolled
from ..transcript.transcript import Side
from .rule import HELD, SERVER, TASKS_ADVICE, TASKS_MUST, Finding, broken, rule
from .shapes import call_answered, expect, is_object, served_next
from .tasks_client import PAGE, all_tasks, name_of

NOT_USED = "the server asked for no task, as it never has to"


@rule("tasks/request-shape", SERVER, TASKS_MUST, "schema", "taskmetadata", unobserved=NOT_USED)
def request_shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """task in a sampling request is an object, and ttl in it a number of milliseconds."""
    for params in evidence.asked.requests:
        task = params.get("task")
        yield from expect(task, is_object, "an object")
        if task is not None:
            yield from expect(task.get("ttl"), is_number, "a number of milliseconds")


@rule("tasks/end-survived", SERVER, TASKS_MUST, "messages", "responses", unobserved=NOT_USED)
def end_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server whose sampling request became a task answers its own call when the task has taken a while, has failed or
    was cancelled by the client, and serves the next one."""
    for probe in evidence.probes("task-late", "task-failed", "task-cancelled"):
        if any(exchange.task is not None for exchange in probe.exchanges):
            for call in probe.calls:
                yield call_answered(call, f"after {probe.name}")
            yield from served_next(probe)


#: so many times as often as asked, and so many times more, a server may look at a task: it may look at what it likes
#: when something happens, and what it sends in time may arrive together
_FACTOR, _SPARE = 2, 3


@rule(
    "tasks/poll-interval-respected",
    SERVER,
    TASKS_ADVICE,  # a SHOULD there, but what is measured here is when requests arrive, and not when they were sent
    PAGE,
    "getting-tasks",
    unobserved="the server asked for no task, or did not poll one",
)
def poll_interval_respected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server does not poll a task more often than its pollInterval says."""
    intervals = {str(task.id): task.created.get("pollInterval") for task in all_tasks(evidence)}
    polled = [event for session in evidence.sessions for event in session.events(TaskPolled) if event.polls]
    for event in polled:
        interval = intervals.get(event.task)
        if interval is None or not is_number(interval.value) or interval.value <= 0:
            continue
        if event.polls <= _FACTOR * event.seconds * 1000 / interval.value + _SPARE:
            yield HELD
        else:
            often = f"the task {shown(event.task)} was polled {event.polls} times within {event.seconds:.3g} s"
            yield broken(interval, f"{often}; its pollInterval is {shown(interval.value)} ms")


@rule(
    "tasks/operations-undeclared-not-used",
    SERVER,
    TASKS_MUST,
    "basic/lifecycle",
    "operation",
    unobserved="the server asked nothing about tasks",
)
def operations_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server asks for tasks/cancel and tasks/list only where the client declared them."""
    for session in evidence.sessions:
        for operation in session.operations if session.capabilities is not None else ():
            member = operation.method.partition("/")[2]
            optional = operation.method in (TASKS_CANCEL, TASKS_LIST)
            if optional and session.capabilities and session.capabilities.find("tasks", member) is None:
                yield broken(operation.request.whole, f"the client did not declare tasks.{member}")
            else:
                yield HELD


@rule(
    "tasks/cancelled-as-a-task",
    SERVER,
    TASKS_MUST,
    "schema",
    "cancellednotificationparams",
    unobserved="the server asked nothing about a task",
)
def cancelled_as_a_task(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server takes a task back by tasks/cancel, and not by notifications/cancelled for the request it came of."""
    for session in evidence.sessions:
        for task in session.tasks:
            if not task.operations:
                continue  # a cancellation may have crossed with the CreateTaskResult
            late = [each for each in _cancellations(session, task) if each.index > task.operations[0].index]
            for message in late:
                yield broken(message.whole, f"{name_of(task)} cannot be cancelled so: its request was answered")
            if not late:
                yield HELD


def _cancellations(session: Session, task: SamplingTask) -> Iterator[Message]:
    id = task.exchange.request.message.body.get("id")
    for message in session.with_method(Side.SERVER, CANCELLED):
        named = message.whole.find("params", "requestId")
        if named is not None and named.value == id and type(named.value) is type(id):
            yield message
