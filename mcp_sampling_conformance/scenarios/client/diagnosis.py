"""What became of one start of a client under test, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...peers.server import Book, FixtureServer
from ...protocol.revisions import Revision
from ...protocol.texts import one_line
from ...transcript.events import Greeted
from ...transcript.run import RevisionRun
from ...transports.last_words import reason
from ...transports.process import with_tail

#: tools named in a note at most
_SHOWN = 3


@dataclass(frozen=True)
class Start:
    """One start of the client, after its end."""

    sessions: Sequence[FixtureServer]  #: the connections that it made
    code: int | None  #: the exit code
    in_time: bool  #: it ended by itself
    patience: float  #: seconds that it was given for its next step
    tail: str  #: the last lines of what it wrote to its stderr and stdout
    absent: str  #: what a client did not do that made no connection, as a predicate
    stray: str  #: how it sends what is no message, as a clause

    @property
    def left_during(self) -> list[str]:
        """The tools whose calls were under way when it ended."""
        return [tool for session in self.sessions for tool in session.running]


def how_it_ended(start: Start, book: Book) -> str | None:
    """What a reader should know of the end, as a predicate; ``None`` where there is nothing to say."""
    why = reason(start.tail)
    said = f": {why}" if why else ""
    if not start.in_time:
        hung = book.left and book.called
        what = f"hung at {book.called[-1]}" if hung else "did not end by itself"
        return f"{what}, and was ended{' (--mcp-timeout gives it more time)' if hung else ''}{said}"
    tools = start.left_during
    if not tools:
        return None
    more = f" and {len(tools) - _SHOWN} more" if len(tools) > _SHOWN else ""
    what = f"ended (exit code {start.code})" if start.code else "closed its connection"
    return f"{what} during {', '.join(tools[:_SHOWN])}{more}{said}"


def note_not_opened(record: RevisionRun, revision: Revision, start: Start) -> None:
    """Say in the record why no call came to be made in a revision."""
    tail = with_tail(start.tail)
    greeted = any(session.transcript.events(Greeted) for session in start.sessions)
    malformed = [session.malformed_opening for session in start.sessions if session.malformed_opening]
    refused = [session.refused_opening for session in start.sessions if session.refused_opening]
    cut_off = [session.transcript.cut_off for session in start.sessions if session.transcript.cut_off]
    if cut_off:
        why = f"was cut off by the harness ({cut_off[0].words}) before it called a tool"
        record.failure = f"the client {why}{_said(start)}{tail}"
    elif greeted and start.in_time:
        code = f" (exit code {start.code}){tail}" if start.code else ""
        record.not_negotiated = f"the client did not go on after {revision.name} was negotiated{code}"
    elif malformed and not greeted:
        lacking = "lacks the protocolVersion or the clientCapabilities that each request has in its _meta"
        record.failure = f"the client's {malformed[0]} {lacking}{tail}"
    elif refused and not greeted:
        other = "legacy" if revision.modern else "modern"
        record.not_negotiated = (
            f"the client speaks the {other} era only: it began with {refused[0]}, and did not go on when it was told "
            f"that the server speaks {revision.name}"
        )
    else:
        record.failure = f"the client {_what_is_missing(start, revision, greeted)}{tail}"


def _given(start: Start) -> str:
    """How long it was waited for, as a predicate."""
    option = "--mcp-timeout" if start.sessions else "--mcp-start-timeout"
    return f"was given {start.patience:g} s ({option} gives it more)"


def _what_is_missing(start: Start, revision: Revision, greeted: bool) -> str:
    """What the client did not do, and what it did instead, as a predicate."""
    if greeted:
        what = f"did not go on after {revision.name} was negotiated"
    elif start.sessions:
        what = f"sent no {'request of this era' if revision.modern else 'initialize'}"
    else:
        what = start.absent
    how = f"ended with exit code {start.code}" if start.in_time else _given(start)
    return f"{what}: it {how}{_said(start)}"


def _said(start: Start) -> str:
    """The first of what it sent that is no message, as a line of its own; nothing where there is none."""
    strays = [stray for session in start.sessions for stray in session.transcript.strays(1)]
    return "".join(f"\n{start.stray}: {one_line(stray)}" for stray in strays[:1])
