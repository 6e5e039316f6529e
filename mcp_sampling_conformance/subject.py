"""What is under test: a server, a client or a callback, each with the scenarios that provoke it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .revisions import Revision
from .scenarios.reach import Server
from .scenarios.record import Run
from .wire.transcript import Side

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """One system under test."""

    kind: str  #: "server", "client" or "callback": the second part of its items' ids
    side: Side  #: whose rules it is judged by
    value: str  #: as the user typed it
    transport: str
    provoke: Callable[[Sequence[Revision], Progress], Awaitable[Run]]
    server: Server | None = None  #: how a server under test is reached
