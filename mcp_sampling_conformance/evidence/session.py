"""A conversation about sampling: its calls, its exchanges, which belong together, and the probes they were made in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ..transcript.events import Event, FollowUpStarted, ProbeStarted
from .conversation import Conversation
from .exchanges import Call, Exchange, read_calls, read_exchanges
from .messages import Message
from .task_operations import Operation, read_operations
from .tasks import SamplingTask, read_tasks

AnEvent = TypeVar("AnEvent", bound=Event)


@dataclass(frozen=True, eq=False)
class Probe:
    """What one probe of a scenario did: the part of its session from its beginning to the next one's."""

    session: Session = field(repr=False)
    start: ProbeStarted
    end: int  #: the index where the next probe begins
    follow_up: int  #: the index from which on calls are plain ones that show whether the other side lives on

    @property
    def group(self) -> str:
        return self.start.group

    @property
    def name(self) -> str:
        return self.start.name

    @property
    def callee(self) -> str:
        return self.start.callee

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls of the probe itself, without its follow-up."""
        return self.session.calls_between(self.start.index, self.follow_up)

    @cached_property
    def follow_ups(self) -> Sequence[Call]:
        return self.session.calls_between(self.follow_up, self.end)

    @cached_property
    def exchanges(self) -> Sequence[Exchange]:
        """The sampling requests that came in the probe itself."""
        return self.session.exchanges_between(self.start.index, self.follow_up)

    def events(self, kind: type[AnEvent]) -> Sequence[AnEvent]:
        """The events of one kind in this probe, in order."""
        events = self.session.events(kind)
        return events[bisect_right(events, self.start.index, key=_index) : bisect_left(events, self.end, key=_index)]

    def owned(self, call: Call) -> Sequence[Exchange]:
        """The sampling requests of the probe itself that can belong to one of its calls."""
        return self.session.owned(call, before=self.follow_up)


class Session(Conversation):
    """One transcript, read as calls and sampling."""

    @cached_property
    def calls(self) -> list[Call]:
        return list(read_calls(self))

    @cached_property
    def exchanges(self) -> list[Exchange]:
        return read_exchanges(self, self.calls)

    @cached_property
    def operations(self) -> list[Operation]:
        """What the server asked about tasks."""
        return read_operations(self)

    @cached_property
    def tasks(self) -> list[SamplingTask]:
        """The tasks that the client made of sampling requests."""
        return read_tasks(self.exchanges, self.operations) if self.sampling_tasks is not None else []

    def calls_between(self, start: int, end: int) -> Sequence[Call]:
        """The calls that began between two indices."""
        first = bisect_right(self.calls, start, key=_begin)
        return self.calls[first : bisect_left(self.calls, end, key=_begin)]

    def exchanges_between(self, start: int, end: int) -> Sequence[Exchange]:
        """The sampling requests that came between two indices."""
        first = bisect_right(self.exchanges, start, key=_index)
        return self.exchanges[first : bisect_left(self.exchanges, end, key=_index)]

    # --- which sampling request belongs to which call

    def owned(self, call: Call, before: int | None = None) -> Sequence[Exchange]:
        """The sampling requests that can belong to a call (see ``Call.may_own``), or those of them before an index."""
        end = self.end if before is None else before
        if self.revision.modern:
            return [e for message in call.rounds for e in self._carried.get(message, ()) if e.index < end]
        if call.response is not None:
            end = min(end, call.response.index)
        return self.exchanges_between(call.request.index, end)

    def samples_for(self, call: Call) -> bool:
        """Whether any sampling request can belong to a call."""
        if self.revision.modern:
            return any(message in self._carried for message in call.rounds)
        following = bisect_right(self.exchanges, call.request.index, key=_index)
        return following < len(self.exchanges) and call.may_own(self.exchanges[following])

    @cached_property
    def _carried(self) -> dict[Message, list[Exchange]]:
        """The sampling requests of the modern era, by the request whose result carried them."""
        found: dict[Message, list[Exchange]] = {}
        for exchange in self.exchanges:
            if exchange.carrier is not None:
                found.setdefault(exchange.carrier, []).append(exchange)
        return found

    def call_of(self, exchange: Exchange) -> Call | None:
        """The call that a sampling request belongs to: of the legacy era the last that was pending then, if any was."""
        request = exchange.carrier or self.pending_at(exchange.request.message)[1]
        return self._call_by_round.get(request) if request is not None else None

    @cached_property
    def _call_by_round(self) -> dict[Message, Call]:
        return {message: call for call in self.calls for message in call.rounds}

    def within_request(self, exchange: Exchange) -> bool:
        """Whether any request of the client was pending when a sampling request of the legacy era came."""
        return self.pending_at(exchange.request.message)[0]

    @cached_property
    def last_result(self) -> int:
        """The index of the last sampling request that got a result; -1 where none did."""
        return max((exchange.index for exchange in self.exchanges if exchange.result is not None), default=-1)

    # --- probes

    @cached_property
    def probes(self) -> list[Probe]:
        starts = self.events(ProbeStarted)
        ends = [event.index for event in starts[1:]] + [self.end] * bool(starts)
        follow_ups = [event.index for event in self.events(FollowUpStarted)]
        probes = []
        for start, end in zip(starts, ends, strict=True):
            place = bisect_right(follow_ups, start.index)
            follow_up = follow_ups[place] if place < len(follow_ups) and follow_ups[place] < end else end
            probes.append(Probe(self, start, end, follow_up))
        return probes

    @cached_property
    def spoiled(self) -> int:
        """The index from which on the harness itself sent invalid content, which an honest peer may hand back."""
        return next((event.index for event in self.events(ProbeStarted) if event.hostile), self.end)


def _begin(call: Call) -> int:
    return call.request.index


def _index(item: Exchange | Event) -> int:
    return item.index
