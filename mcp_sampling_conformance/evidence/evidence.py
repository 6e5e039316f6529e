"""What the judge sees: all sessions that were held in one revision.

Nothing here knows which side the harness played or which transport carried a message, does I/O, or looks at a
clock: the same transcripts give the same evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import itemgetter

from ..protocol.revisions import Revision
from ..transcript.transcript import Side
from .conversation import Conversation
from .exchanges import Call, Exchange
from .messages import Value
from .session import Probe, Session


class Evidence:
    """All sessions of one revision."""

    def __init__(self, revision: Revision, sessions: tuple[Session, ...]) -> None:
        self.revision = revision
        self.sessions = sessions
        self._blocks: dict[Side, list[Value]] = {}

    @cached_property
    def exchanges(self) -> list[Exchange]:
        return [exchange for session in self.sessions for exchange in session.exchanges]

    @cached_property
    def asked(self) -> list[Exchange]:
        """The sampling requests whose content is the server's own."""
        return [e for session in self.sessions for e in session.exchanges if e.index < session.spoiled]

    @cached_property
    def requests(self) -> list[Value]:
        """The params of these."""
        return [exchange.params for exchange in self.asked]

    def parameters(self, name: str) -> Sequence[Value]:
        """The member with a name in each of the params that have it."""
        return self._parameters.get(name, ())

    @cached_property
    def _parameters(self) -> dict[str, list[Value]]:
        found: dict[str, list[Value]] = {}
        for params in self.requests:
            for name, value in params.members():
                found.setdefault(name, []).append(value)
        return found

    @cached_property
    def said(self) -> list[tuple[Value, int]]:
        """The ``messages`` of these, each with the number of its first elements that the request before it, for the
        same call, had too: in a tool loop each round repeats all that was said, which need not be judged again."""
        found: list[tuple[Value, int]] = []
        for session in self.sessions:
            before: Value | None = None
            last: Call | None = None
            for exchange in session.exchanges_between(-1, session.spoiled):
                messages, call = exchange.params.get("messages"), session.call_of(exchange)
                if messages is not None:
                    found.append((messages, _alike(before, messages) if before is not None and call is last else 0))
                    before, last = messages, call
        return found

    @cached_property
    def request_messages(self) -> list[Value]:
        """Every element of ``messages`` in these requests, but for what is repeated (see ``said``)."""
        return [element for messages, known in self.said for element in messages.elements(known)]

    @cached_property
    def results(self) -> list[Value]:
        """The result of every sampling request that was answered with one, but for what hands invalid content back."""
        answered = ((exchange, exchange.result) for exchange in self.exchanges)
        return [result for exchange, result in answered if result is not None and not _hands_back(exchange, result)]

    def turns(self, side: Side) -> list[Value]:
        """What ``side`` says in the conversation, each with ``role`` and ``content``."""
        return self.request_messages if side is Side.SERVER else self.results

    def blocks(self, side: Side) -> list[Value]:
        """Every content block that ``side`` sends, outermost first, those inside a tool_result after it."""
        if side not in self._blocks:
            self._blocks[side] = [block for turn in self.turns(side) for block in all_blocks_of(turn)]
        return self._blocks[side]

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


def _alike(before: Value, after: Value) -> int:
    """With how many equal elements two arrays begin."""
    if not isinstance(before.value, list) or not isinstance(after.value, list):
        return 0
    count = 0
    for one, other in zip(before.value, after.value, strict=False):
        if one != other:
            break
        count += 1
    return count


def _hands_back(exchange: Exchange, result: Value) -> bool:
    """Whether an honest client hands back content of a request that the harness itself made invalid."""
    messages = exchange.params.get("messages") if exchange.group == "odd" else None
    said = [block.value for message in (messages.elements() if messages else ()) for block in blocks_of(message)]
    return any(block.value in said for block in blocks_of(result))


def blocks_of(turn: Value, *types: str) -> list[Value]:
    """The blocks of a message's ``content``, whether it is one block or an array; all, or those of some types."""
    content = turn.value.get("content") if isinstance(turn.value, dict) else None
    path = (*turn.path, "content")
    if isinstance(content, dict):
        return [Value(turn.message, path, content)] if not types or _is_of(content, types) else []
    if not isinstance(content, list):
        return []
    blocks = [(place, block) for place, block in enumerate(content) if not types or _is_of(block, types)]
    return [Value(turn.message, (*path, place), block) for place, block in blocks]


def all_blocks_of(turn: Value) -> Iterator[Value]:
    """The blocks of a message, and after each ``tool_result`` the blocks inside it."""
    blocks = blocks_of(turn)
    yield from blocks
    for block in blocks:
        if has_type(block, "tool_result") and (content := block.get("content")):
            yield from content.elements()


def has_type(block: Value, *types: str) -> bool:
    """Whether a block is of one of these types."""
    return _is_of(block.value, types)


def _is_of(block: object, types: tuple[str, ...]) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    return isinstance(kind, str) and kind in types
