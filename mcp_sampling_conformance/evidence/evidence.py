"""What the judge sees: all sessions that were held in one revision.

Nothing here knows which side the harness played or which transport carried a message, does I/O, or looks at a
clock: the same transcripts give the same evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from operator import itemgetter

from ..protocol.revisions import Revision
from ..transcript.transcript import Side
from .asked import Asked
from .conversation import Conversation
from .exchanges import Exchange
from .messages import Value
from .session import Probe, Session
from .speech import Speech, blocks_of


class Evidence:
    """All sessions of one revision."""

    def __init__(self, revision: Revision, sessions: tuple[Session, ...]) -> None:
        self.revision = revision
        self.sessions = sessions

    @cached_property
    def exchanges(self) -> list[Exchange]:
        return [exchange for session in self.sessions for exchange in session.exchanges]

    @cached_property
    def asked(self) -> Asked:
        """The sampling requests whose content is the server's own."""
        return Asked(self.sessions)

    @cached_property
    def results(self) -> list[Value]:
        """The result of every sampling request that was answered with one, but for what hands invalid content back."""
        return [result for result in self._sent_as_results if is_result(result)]

    @cached_property
    def no_results(self) -> list[Value]:
        """What was sent in the place of a result, and is none at all: there is no use in judging its parts."""
        return [result for result in self._sent_as_results if not is_result(result)]

    @cached_property
    def _sent_as_results(self) -> list[Value]:
        answered = ((exchange, exchange.result) for exchange in self.exchanges)
        return [result for exchange, result in answered if result is not None and not _hands_back(exchange, result)]

    def said_by(self, side: Side) -> Speech:
        """What ``side`` says in the conversation: the messages of requests, or results."""
        return self._requested if side is Side.SERVER else self._answered

    @cached_property
    def _requested(self) -> Speech:
        return Speech(self.asked.turns)

    @cached_property
    def _answered(self) -> Speech:
        return Speech(self.results)

    def session_of(self, exchange: Exchange) -> Session:
        """The session that an exchange belongs to."""
        return self._session_of[exchange.conversation]

    @cached_property
    def _session_of(self) -> dict[Conversation, Session]:
        return {session: session for session in self.sessions}

    def asks(self, *groups: str) -> Iterator[Exchange]:
        """The sampling requests that the harness made for one of the groups, in order."""
        found = [made for group in groups for made in self._made.get(group, ())]
        return (exchange for _, exchange in sorted(found, key=itemgetter(0)))

    @cached_property
    def _made(self) -> dict[str, list[tuple[int, Exchange]]]:
        """The sampling requests that the harness made, by group, each with its place among all."""
        found: dict[str, list[tuple[int, Exchange]]] = {}
        for place, exchange in enumerate(self.exchanges):
            if exchange.asked is not None:
                found.setdefault(exchange.asked.group, []).append((place, exchange))
        return found

    def probes(self, *groups: str) -> Iterator[Probe]:
        """The probes of one of the groups, in order."""
        return (probe for session in self.sessions for probe in session.probes if probe.group in groups)


def is_result(value: Value) -> bool:
    """Whether something has any of what makes the result of a sampling request."""
    return isinstance(value.value, dict) and not value.value.keys().isdisjoint(("role", "content", "model"))


def _hands_back(exchange: Exchange, result: Value) -> bool:
    """Whether an honest client hands back content of a request that the harness itself made invalid."""
    messages = exchange.params.get("messages") if exchange.group == "odd" else None
    said = [block.value for message in (messages.elements() if messages else ()) for block in blocks_of(message)]
    return any(block.value in said for block in blocks_of(result))
