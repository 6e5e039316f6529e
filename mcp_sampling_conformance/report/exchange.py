"""The messages around a violation as lines of text, as they went over the wire, the offending one marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from ..judging.excerpt import Excerpt, Shown, ShownMessage
from ..judging.results import Result
from ..transcript.events import (
    Event,
    Exited,
    ExitWatched,
    Flooded,
    FollowUpStarted,
    HttpBody,
    HttpExchange,
    HttpFailed,
    LeftDuringCalls,
    NeverAnswered,
    ProbeStarted,
    StdinClosed,
    TimedOut,
)
from .printable import printable

#: characters of a message that are shown
_LONG = 600

#: what is said of an event, with its fields
_WORDS: dict[type[Event], str] = {
    ProbeStarted: "the harness: next, {name} ({callee})",
    FollowUpStarted: "the harness: now a plain call",
    TimedOut: "the harness: no answer to id {id} within {seconds:g} s, going on without",
    Exited: "the process has ended (exit code {code})",
    StdinClosed: "the harness closes the server's stdin",
    Flooded: "the harness reads no further after {bytes} bytes",
    HttpExchange: "HTTP {exchange}: {status}",
    HttpFailed: "HTTP {exchange} failed: {error}",
    HttpBody: "HTTP {exchange} carried no message but {content_type!r}: {body}",
    NeverAnswered: "the harness: id {id} will get no answer, {why}",
    LeftDuringCalls: "the connection was closed during {tools}",
    ExitWatched: "the harness: process ended by itself within {seconds:g} s: {exited}",
}


def evidence_lines(result: Result) -> list[str]:
    """What shows that a rule was broken, as lines; none for a result that shows nothing."""
    lines = list(_lines(result.excerpt)) if result.excerpt else []
    return lines + [printable(line) for line in result.details]


def _lines(excerpt: Excerpt) -> Iterator[str]:
    if not excerpt.alone:
        yield f"on the connection {excerpt.label!r}:"
    for item in excerpt.items:
        yield from _item(item, offending=item.index == excerpt.offending)
    if excerpt.later is not None:
        yield "    …"
        yield from _item(excerpt.later, offending=False)


def _item(item: Shown, offending: bool) -> Iterator[str]:
    if isinstance(item, ShownMessage):
        yield f"{'>>>' if offending else '   '} {_message(item)}"
        return
    told = {field.name: getattr(item, field.name) for field in fields(item)}
    yield f"    ({printable(_WORDS[type(item)].format(**told))})"
    if isinstance(item, Exited):
        for line in item.stderr.splitlines():
            yield f"    stderr:{printable(line)}"


def _message(message: ShownMessage) -> str:
    arrow = "client → server" if message.sender == "client" else "server → client"
    arrow += f" [{message.channel}]" if message.channel.startswith(("POST", "GET")) else ""
    head, tail = message.head, message.tail or message.head
    if message.tail or len(head) > _LONG:
        head = f"{head[: _LONG * 2 // 3]} … ({message.size} bytes) … {tail[-_LONG // 3 :]}"
    return f"{arrow}  {printable(head)}"
