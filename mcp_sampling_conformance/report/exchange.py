"""The messages around a violation as lines of text, as they went over the wire, the offending one marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from ..judging.excerpt import Excerpt, Shown, ShownMessage
from ..judging.results import Result
from ..protocol.http_headers import KEPT
from ..transcript.events import (
    CutShort,
    Event,
    Exited,
    ExitWatched,
    FollowUpStarted,
    HarnessFailed,
    HttpBody,
    HttpExchange,
    HttpFailed,
    LeftDuringCalls,
    LimitReached,
    NeverAnswered,
    ProbeStarted,
    SaidInAnotherSession,
    StdinClosed,
    StreamInterrupted,
    TimedOut,
)
from .printable import printable

#: characters of a message that are shown
_LONG = 600

#: the topics that are about how messages travel
_ABOUT_HTTP = ("http", "framing")
#: the headers that they are about, as a transcript names them
_HEADERS = (*(name.lower() for name in KEPT), "location", "allow")

#: what is said of an event, with its fields
_WORDS: dict[type[Event], str] = {
    ProbeStarted: "the harness: next, {name} ({callee})",
    FollowUpStarted: "the harness: now a plain call",
    SaidInAnotherSession: "the harness says {text!r} in another session ({session})",
    TimedOut: "the harness: no answer to id {id} within {seconds:g} s, going on without",
    Exited: "the process has ended (exit code {code})",
    StdinClosed: "the harness closes the server's stdin",
    LimitReached: "the harness reads no further: more than {most:,} {what}",
    CutShort: "the run ends here: {why}",
    HarnessFailed: "a bug in the harness ended the connection: {error}",
    HttpExchange: "HTTP {exchange}: {status}",
    HttpFailed: "HTTP {exchange} failed: {error}",
    HttpBody: "HTTP {exchange} carried no message but {content_type!r}: {body}",
    NeverAnswered: "the harness: id {id} will get no answer, {why}",
    StreamInterrupted: "the harness closed the connection of {exchange}, not its stream; taken up again: {taken_up}",
    LeftDuringCalls: "the connection was closed during {tools}",
    ExitWatched: "the harness: process ended by itself within {seconds:g} s: {exited}",
}


def evidence_lines(result: Result) -> list[str]:
    """What shows that a rule was broken, as printable lines; none for a result that shows nothing."""
    lines = list(excerpt_lines(result.excerpt)) if result.excerpt else []
    return [printable(line) for line in (*lines, *heads_of(result), *result.details)]


def heads_of(result: Result) -> list[str]:
    """The heads of the HTTP exchange that broke a rule about such, as lines that may not be printable."""
    return list(_http(result.excerpt.http)) if result.excerpt and result.topic in _ABOUT_HTTP else []


def excerpt_lines(excerpt: Excerpt) -> Iterator[str]:
    """What an excerpt shows, as lines that may not be printable."""
    if not excerpt.alone:
        yield f"on the connection {excerpt.label!r}:"
    for item in excerpt.items:
        yield from _item(item, offending=item.index == excerpt.offending)
    if excerpt.later is not None:
        yield "    …"
        yield from _item(excerpt.later, offending=False)


def _http(heads: Iterable[HttpExchange]) -> Iterator[str]:
    """The heads of an HTTP exchange: method and status, with those headers of both sides that rules are about."""
    for head in heads:
        yield f"the HTTP exchange [{head.exchange}]:"
        for arrow, first, headers in (
            ("client → server", head.method, head.request_headers),
            ("server → client", f"HTTP {head.status}", head.response_headers),
        ):
            yield f"    {arrow}  {first}"
            for name in _HEADERS:
                if name in headers:
                    yield f"        {name}: {headers[name][:_LONG]}"


def _item(item: Shown, offending: bool) -> Iterator[str]:
    mark = ">>>" if offending else "   "
    if isinstance(item, ShownMessage):
        yield f"{mark} {_message(item)}"
        return
    words, *further = event_words(item)
    yield f"{mark} ({words})"
    for line in further:
        yield f"    {line}"


def event_words(event: Event) -> list[str]:
    """What the harness did or saw, in words, then the end of the system's stderr where that explains it."""
    told = {field.name: getattr(event, field.name) for field in fields(event)}
    stderr = event.stderr.split("\n") if isinstance(event, Exited | TimedOut) else []
    return [_WORDS[type(event)].format(**told), *(f"stderr:{line}" for line in stderr if line)]


def _message(message: ShownMessage) -> str:
    arrow = "client → server" if message.sender == "client" else "server → client"
    arrow += f" [{message.channel}]" if message.channel.startswith(("POST", "GET")) else ""
    return f"{arrow}  {shortened(message)}"


def shortened(message: ShownMessage) -> str:
    """What carried a message: the whole, or of a long one the beginning and the end."""
    head, tail = message.head, message.tail or message.head
    if message.tail or len(head) > _LONG:
        head = f"{head[: _LONG * 2 // 3]} … ({message.size} bytes) … {tail[-_LONG // 3 :]}"
    return head
