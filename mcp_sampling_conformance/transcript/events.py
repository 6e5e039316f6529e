"""What a transcript holds besides messages: one class for each event.

An event says what a scenario did or waited for in vain, or what a transport saw that is no message. Rules and reports
use the fields. ``index`` and ``at`` are filled in when the event is noted in a transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .limits import Limit

#: HTTP headers by name in lower case; one that came in several lines is joined by ", "
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have: their place in the transcript, and the time."""

    index: int = -1  #: messages and events share one sequence of indices
    at: float = 0.0  #: seconds since the connection was opened

    @property
    def size(self) -> int:
        """About how many bytes the record grows by it."""
        return sum(map(_size, (getattr(self, field.name) for field in fields(self))))


@dataclass(frozen=True, slots=True)
class ToldEvent(Event):
    """One that explains what crossed: whoever shows the messages around it tells it too."""


def _size(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(_size(key) + _size(member) for key, member in value.items())
    return len(value) if isinstance(value, str | bytes) else 8


# --- what a scenario did


@dataclass(frozen=True, slots=True)
class ProbeStarted(ToldEvent):
    """A probe of a server begins: what follows belongs to it, until the next one."""

    group: str  #: what rules look for
    name: str  #: completes "... got no answer after NAME"
    callee: str  #: what is called: "tool ask"
    hostile: bool = False  #: what is sent from here on breaks the specification


@dataclass(frozen=True, slots=True)
class FollowUpStarted(ToldEvent):
    """From here on the probe makes a plain call, which shows whether the server lives on."""


@dataclass(frozen=True, slots=True)
class SamplingAsked(Event):
    """The fixture server is about to send a sampling request."""

    id: Any  #: of the JSON-RPC request, or the key in ``inputRequests``
    group: str  #: what rules look for
    name: str  #: completes "... got no answer to NAME"
    word: str = ""  #: what the client is asked to say
    case: str = ""  #: which kind of hints
    expected: str = ""  #: the model that the hints ask for
    after: str = ""  #: the group of the request that this one follows up
    rounds: int = 0  #: of a tool loop, at most


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """The request ``id`` repeats the call ``of``, with answers (2026-07-28 basic/patterns/mrtr)."""

    id: Any
    of: Any


@dataclass(frozen=True, slots=True)
class RetryAmended(Event):
    """The retry ``id`` is not what an honest client would send."""

    id: Any


@dataclass(frozen=True, slots=True)
class AnsweredAgain(Event):
    """A second response is about to be sent to a request that was answered before."""

    text: str  #: what the second one says


@dataclass(frozen=True, slots=True)
class EndlessLoop(Event):
    """Every answer of this probe asks for a tool, for so many rounds."""

    rounds: int


@dataclass(frozen=True, slots=True)
class StdinClosed(ToldEvent):
    """The harness closed the server's stdin."""


@dataclass(frozen=True, slots=True)
class SampledInLegacyEra(Event):
    """What is called here sampled for a legacy client."""

    callee: str
    revision: str  #: the newest legacy one that was spoken


@dataclass(frozen=True, slots=True)
class OtherAsked(Event):
    """The server asked the fixture client for something other than sampling: elicitation or roots."""

    id: Any  #: of the JSON-RPC request, or the key in ``inputRequests``
    method: str
    answered: bool  #: ``False``: the client had not declared that it has this, and refuses


@dataclass(frozen=True, slots=True)
class SaidInAnotherSession(ToldEvent):
    """While a call is under way here, the harness is about to give this answer in another session of the server."""

    session: str  #: its label
    text: str
    #: the sampling request of this session whose id the answer carries; ``None``: it answers one of the other session
    id: Any = None
    called: bool = False  #: a call is under way in the other session, too


# --- what was waited for


@dataclass(frozen=True, slots=True)
class TimedOut(ToldEvent):
    """No response to the request ``id`` came within so many seconds; the scenario goes on without."""

    id: Any
    seconds: float
    stderr: str = ""  #: of the system under test, its last lines at that time


@dataclass(frozen=True, slots=True)
class NeverAnswered(ToldEvent):
    """The request ``id`` will get no response, because the HTTP exchange that was to carry it is over."""

    id: Any
    why: str


@dataclass(frozen=True, slots=True)
class ExitWatched(ToldEvent):
    """The process was given so many seconds to end by itself."""

    exited: bool
    seconds: float
    slowest: float = 0.0  #: what it took for the slowest of its starts and answers before


@dataclass(frozen=True, slots=True)
class PingTimed(Event):
    """The ping ``id`` was answered only behind the sampling request that was pending when it was sent."""

    id: Any
    seconds: float  #: from then on until the answer to that request was there
    alone: float  #: what a ping took right before, while no request was pending


@dataclass(frozen=True, slots=True)
class TaskPolled(Event):
    """How often the server looked at a task that the fixture client had made."""

    task: str  #: its id
    polls: int
    seconds: float  #: from its creation up to the last of them


# --- what became of the connection


@dataclass(frozen=True, slots=True)
class Greeted(Event):
    """The client under test opened the conversation in the revision of the harness."""


@dataclass(frozen=True, slots=True)
class NotOpened(Event):
    """The server did not agree to the revision."""


@dataclass(frozen=True, slots=True)
class Exited(ToldEvent):
    """The system under test ended, or closed the connection, although nobody asked it to."""

    code: int | None  #: of the process; ``None`` where it still runs or where there is none
    stderr: str = ""  #: its last lines


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The harness ended the connection, and the process that was started for it."""

    code: int | None


@dataclass(frozen=True, slots=True)
class LeftDuringCalls(ToldEvent):
    """The client closed the connection while calls were under way."""

    tools: str  #: their names, separated by ", "


@dataclass(frozen=True, slots=True)
class ClientHung(Event):
    """The client did not go on and was ended."""


@dataclass(frozen=True, slots=True)
class EndedByHarness(ToldEvent):
    """The harness itself ended the connection: what is missing from here on says nothing of the system under test."""

    @property
    def words(self) -> str:
        """Why, as a noun or a clause."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LimitReached(EndedByHarness):
    """There was more than the harness takes, so it reads no further and ends the connection."""

    most: int
    what: str  #: as in "more than 100 WHAT"

    @property
    def words(self) -> str:
        return Limit(self.most, self.what).words


@dataclass(frozen=True, slots=True)
class CutShort(EndedByHarness):
    """The run ended before the connection did."""

    why: str

    @property
    def words(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class HarnessFailed(EndedByHarness):
    """A bug in the harness ended the connection."""

    error: str

    @property
    def words(self) -> str:
        return "a bug in the harness"


# --- what HTTP adds


@dataclass(frozen=True, slots=True)
class HttpExchange(ToldEvent):
    """The head of an HTTP exchange: the status that answered a request, and the headers of both."""

    exchange: str  #: as in ``Entry.channel``: "POST 3"
    method: str
    status: int
    request_headers: Headers = field(default_factory=dict)
    response_headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpFailed(ToldEvent):
    """An HTTP exchange broke off."""

    exchange: str
    error: str


@dataclass(frozen=True, slots=True)
class HttpBody(ToldEvent):
    """The body of an HTTP response that carries no message, or what came of one that broke off."""

    exchange: str
    content_type: str
    body: str  #: its beginning


@dataclass(frozen=True, slots=True)
class StreamEvent(Event):
    """An event of an event stream that carries no message, as it came: a comment, a retry time, another type."""

    exchange: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class StreamInterrupted(ToldEvent):
    """Our endpoint closed the connection of an exchange, and not the stream on it, and waited for the client to take
    that up again."""

    exchange: str
    event_id: str  #: by which it can be taken up
    taken_up: bool  #: ``False``: not within the time-out, or the client ended before


@dataclass(frozen=True, slots=True)
class SessionGiven(Event):
    """The fixture server gave the client a session id."""

    id: str


@dataclass(frozen=True, slots=True)
class RequestRejected(Event):
    """Our endpoint refused an HTTP request of the client."""

    why: str


# --- what became of the revision


@dataclass(frozen=True, slots=True)
class RevisionConcluded(Event):
    """What the scenarios made of a revision as a whole: the last thing in one of its transcripts."""

    opened: bool  #: a connection agreed on the revision
    not_negotiated: str | None = None  #: why the revision is not spoken
    failure: str | None = None  #: why it could not be found out
    notes: tuple[str, ...] = ()  #: what a reader of the verdicts should know besides
    bugs: tuple[str, ...] = ()  #: what went wrong in the harness itself
    reached: tuple[str, ...] = ()  #: what led to a sampling request in any revision, in words
    unreached: str = ""  #: where nothing did: what was tried, and what to do
    #: what might sample and was not called, by its label: the name of each, and why
    uncalled: tuple[tuple[str, str], ...] = ()
    #: the transcripts to judge, in order: the name of each, and how many of its items
    judged: tuple[tuple[str, int], ...] = ()
    ended_early: str = ""  #: why the scenarios did not come to their end, as a clause


#: every kind of event by the name that it has in a saved transcript
KINDS: Mapping[str, type[Event]] = {
    "probe": ProbeStarted,
    "follow-up": FollowUpStarted,
    "asked": SamplingAsked,
    "retried": Retried,
    "retry-amended": RetryAmended,
    "answered-again": AnsweredAgain,
    "endless-loop": EndlessLoop,
    "stdin-closed": StdinClosed,
    "sampled-in-legacy-era": SampledInLegacyEra,
    "other-asked": OtherAsked,
    "said-in-another-session": SaidInAnotherSession,
    "timed-out": TimedOut,
    "never-answered": NeverAnswered,
    "exit-watched": ExitWatched,
    "ping-timed": PingTimed,
    "task-polled": TaskPolled,
    "greeted": Greeted,
    "not-opened": NotOpened,
    "exited": Exited,
    "ended": Ended,
    "left-during-calls": LeftDuringCalls,
    "client-hung": ClientHung,
    "limit-reached": LimitReached,
    "cut-short": CutShort,
    "harness-failed": HarnessFailed,
    "http": HttpExchange,
    "http-failed": HttpFailed,
    "http-body": HttpBody,
    "stream-event": StreamEvent,
    "stream-interrupted": StreamInterrupted,
    "session-given": SessionGiven,
    "request-rejected": RequestRejected,
    "revision-concluded": RevisionConcluded,
}
