"""What a server asks for: its sampling requests, read in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .exchanges import Call, Exchange
from .messages import Value
from .session import Session


class Asked:
    """The sampling requests whose content is the server's own: all up to where the harness sends something invalid."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self.exchanges: list[Exchange] = []
        self.requests: list[Value] = []  #: the params of each
        self.parameters: defaultdict[str, list[Value]] = defaultdict(list)  #: the members of these, by name
        #: the ``messages`` of each, with the number of its first elements that the request before it, for the same
        #: call, had too: in a tool loop each round repeats all that was said, which need not be judged again
        self.said: list[tuple[Value, int]] = []
        self.turns: list[Value] = []  #: every element of ``messages``, but for what is repeated
        for session in sessions:
            self._read(session)

    def _read(self, session: Session) -> None:
        before: Value | None = None
        last: Call | None = None
        for exchange in session.exchanges_between(-1, session.spoiled):
            params = exchange.params
            self.exchanges.append(exchange)
            self.requests.append(params)
            for name, value in params.members():
                self.parameters[name].append(value)
            messages = params.get("messages")
            if messages is None:
                continue
            call = session.call_of(exchange)
            known = _alike(before, messages) if before is not None and call is last else 0
            self.said.append((messages, known))
            self.turns += messages.elements(known)
            before, last = messages, call


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
