"""What the peers need of a transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol

from ..transcript.transcript import Entry, Transcript
from .tasks import Tasks


class Wire(Protocol):
    """One end of a connection; whatever crosses goes into the transcript."""

    transcript: Transcript

    async def send(self, raw: bytes) -> bool:
        """Send one message and record it. ``False`` where nobody is there to take it."""
        ...

    def messages(self) -> AsyncIterator[Entry]:
        """What the other end sends, as it comes, until it closes the connection."""
        ...


class WireToServer(Wire, Protocol):
    """The client's end, towards a server under test."""

    @property
    def lost(self) -> Mapping[tuple[str, object], str]: ...  #: requests that will never be answered, and why

    on_loss: Callable[[], None]  #: called when one more is

    @property
    def pause(self) -> float: ...  #: seconds that the server told us to wait before it goes on with an answer

    def work(self, tasks: Tasks) -> None:
        """Start what has to run beside; it ends with the tasks."""
        ...

    async def shut_down(self) -> None:
        """End the connection, and what was started for it."""
        ...

    @property
    def tail(self) -> str: ...  #: the last lines that the server wrote to its stderr

    async def exit_code(self) -> int | None: ...  #: of the server's process; ``None`` where it has none


class WireToClient(Wire, Protocol):
    """The server's end, towards a client under test."""

    #: the id of the call under way, for transports on which each has a stream of its own
    call: Any

    async def interrupt(self, seconds: float) -> bool:
        """Close the connection that carries the call under way, but not the stream on it, and wait so many seconds at
        most until the client takes that up again; whether it did. Does nothing where there are no such streams."""
        ...

    async def send_together(self, raws: Sequence[bytes]) -> bool:
        """Send messages so that they arrive at the same time, as far as the transport can."""
        ...
