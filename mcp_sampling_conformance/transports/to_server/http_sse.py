"""The deprecated HTTP+SSE transport of 2024-11-05, the client's end: one stream for all that comes, POSTs for the rest.

2024-11-05 basic/transports "HTTP with SSE".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

import anyio
import httpx2
from anyio.abc import TaskGroup

from ...protocol.jsonrpc import id_key
from ...protocol.revisions import Revision
from ...protocol.http_headers import ACCEPT
from .http import FLOOD, HttpWire, Lost
from ...transcript.transcript import Side, Transcript


class SseWire(HttpWire):
    """One client's stream from a server, and its POSTs to the endpoint that the stream names first."""

    def __init__(
        self, url: str, headers: Mapping[str, str], revision: Revision, transcript: Transcript, timeout: float
    ) -> None:
        super().__init__(url, headers, revision, transcript, timeout)
        self._timeout = timeout
        self._stream_url = self._url
        self._ready = anyio.Event()  #: the endpoint is known, or never will be

    @property
    def stateless(self) -> bool:
        return False  # the stream is the session

    def work(self, tasks: TaskGroup) -> None:
        super().work(tasks)
        tasks.start_soon(self._read_stream)

    async def _read_stream(self) -> None:
        channel = self._new_channel("GET")
        try:
            async with self._response("GET", None, {ACCEPT: "text/event-stream"}, channel) as response:
                async for event in httpx2.EventSource(response, max_event_size=FLOOD):
                    if event.event == "endpoint":
                        target = self._stream_url.join(event.data)
                        if target.host == self._stream_url.host:
                            self._url = target
                            self._ready.set()
                    elif event.event == "message" and event.data:
                        self._arrive(event.data.encode("utf-8", "surrogatepass"), channel)
        except (httpx2.HTTPError, Lost) as error:
            self._failed(channel, error)
        finally:
            self._ready.set()
            self._entries.close()

    async def send(self, raw: bytes) -> bool:
        with anyio.move_on_after(self._timeout):
            await self._ready.wait()
        body = json.loads(raw)
        channel = self._new_channel("POST")
        self.transcript.record(Side.CLIENT, raw, channel)
        is_request = "method" in body and "id" in body
        taken = False
        with suppress(httpx2.HTTPError, Lost):
            async with self._response("POST", raw, self._headers(body), channel) as response:
                taken = response.is_success
        if is_request and not taken:
            self._lose(id_key(body["id"]), "the POST that carried it was refused")
        return taken
