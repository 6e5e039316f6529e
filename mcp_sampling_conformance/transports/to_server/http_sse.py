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

from ...protocol.http_headers import ACCEPT
from ...protocol.jsonrpc import id_key
from ...protocol.revisions import Revision
from ...transcript.transcript import Side, Transcript
from ..event_stream import EVENT_STREAM, read_events
from ..lines import Flood
from .http import HttpToServer, Lost, _Cursor, media_type


class SseToServer(HttpToServer):
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
        """``False``: the stream is the session."""
        return False

    def work(self, tasks: TaskGroup) -> None:
        """Start to read the stream."""
        super().work(tasks)
        tasks.start_soon(self._read_stream)

    async def _read_stream(self) -> None:
        channel = self._new_channel("GET")
        try:
            async with self._response("GET", None, {ACCEPT: EVENT_STREAM}, channel) as response:
                if media_type(response) != EVENT_STREAM:
                    await self._read(response, channel, _Cursor())
                    raise Lost(f"HTTP {response.status_code} without an event stream")
                async for event, entry in read_events(response.aiter_bytes(), self.transcript, channel):
                    if entry is not None:
                        self._arrive(entry)
                    elif event.complete and event.type == "endpoint":
                        self._post_to(event.data.decode("utf-8", "replace"))
        except (httpx2.HTTPError, httpx2.InvalidURL, Lost, Flood) as error:
            self._failed(channel, error)
        finally:
            self._ready.set()
            self._entries.close()

    def _post_to(self, address: str) -> None:
        """From here on messages are posted to this address, unless it is another host's. Raises ``InvalidURL``."""
        target = self._stream_url.join(address)
        if target.host == self._stream_url.host:
            self._url = target
            self._ready.set()

    async def send(self, raw: bytes) -> bool:
        """POST one message, once it is known where to. ``False`` when nobody took it."""
        with anyio.move_on_after(self._timeout):
            await self._ready.wait()
        body = json.loads(raw)
        channel = self._new_channel("POST")
        self.transcript.record(Side.CLIENT, raw, channel)
        is_request = "method" in body and "id" in body
        taken = False
        with suppress(httpx2.HTTPError, Lost):
            async with self._response("POST", raw, self._request_headers.of(body), channel) as response:
                taken = response.is_success
                with anyio.move_on_after(self._timeout):
                    await self._note_words(response, channel)
        if is_request and not taken:
            self._lose(id_key(body["id"]), "the POST that carried it was refused")
        return taken
