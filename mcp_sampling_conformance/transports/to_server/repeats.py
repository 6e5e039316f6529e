"""Which events of a server's streams say one message twice.

basic/transports "Multiple Connections" and "Resumability and Redelivery".
"""

from __future__ import annotations

from ...protocol.jsonrpc import id_key, objects_in, params_of
from ...protocol.names import CANCELLED
from ...transcript.transcript import Entry

Key = tuple[str, object]


class Repeats:
    """Remembers what came on which stream, as far as it may come again."""

    def __init__(self) -> None:
        self._asked: dict[Key, tuple[str, int]] = {}  #: of each request of the server its stream and words
        self._over: dict[Key, int] = {}  #: how many streams there were when it was waited for no longer
        #: the index and the words of each event that had an id, by its stream
        self._events: dict[tuple[str, str], tuple[int, int]] = {}
        self._opened: dict[str, int] = {}  #: streams, each with how many there were with it

    def opened(self, channel: str) -> None:
        """There is a new stream."""
        self._opened[channel] = len(self._opened) + 1

    def answered(self, id: object) -> None:
        """We answered a request of the server."""
        self._over.setdefault(id_key(id), len(self._opened))

    def ended(self, channel: str) -> None:
        """The request of ours whose stream this is has come to its end."""
        for key, (stream, _) in self._asked.items():
            if stream == channel:
                self._over.setdefault(key, len(self._opened))

    def is_repeat(self, entry: Entry) -> bool:
        """Whether what came now is no new message: an event of its stream that is replayed, or requests that came, word
        for word, on another one."""
        words = hash(entry.payload)
        if entry.event_id:
            before = self._events.setdefault((entry.channel, entry.event_id), (entry.index, words))
            if before[0] != entry.index and before[1] == words:
                return True
        repeated = False
        for body in objects_in(entry.parse().value):
            if body.get("method") == CANCELLED:
                self._over.setdefault(id_key(params_of(body).get("requestId")), len(self._opened))
            elif "method" in body and "id" in body:
                repeated |= self._came_before(id_key(body["id"]), entry.channel, words)
        return repeated

    def _came_before(self, key: Key, channel: str, words: int) -> bool:
        """Whether a request is one that came on another stream."""
        # What was over before there was this stream is not sent on it: the server uses the id again.
        if self._opened.get(channel, 0) > self._over.get(key, len(self._opened)):
            self._asked.pop(key, None)
            del self._over[key]
        stream, said = self._asked.setdefault(key, (channel, words))
        return stream != channel and said == words
