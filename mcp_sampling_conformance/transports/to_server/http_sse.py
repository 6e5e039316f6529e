"""The deprecated HTTP+SSE transport of 2024-11-05, the client's end: one stream for all that comes, POSTs for the rest.

2024-11-05 basic/transports "HTTP with SSE".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

import anyio

from ...protocol.http_headers import ACCEPT
from ...protocol.jsonrpc import id_key
from ...protocol.revisions import Revision
from ...transcript.transcript import Side, Transcript
from ..event_stream import EVENT_STREAM, read_events
from ..lines import CutOff
from ..process import Child
from ..tasks import Tasks
from .http import HttpToServer, _Cursor
from .requests import Lost, media_type


class SseToServer(HttpToServer):
    """One client's stream from a server, and its POSTs to the endpoint that the stream names first."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        revision: Revision,
        transcript: Transcript,
        timeout: float,
        child: Child | None = None,
    ) -> None:
        super().__init__(url, headers, revision, transcript, timeout, child)
        self._timeout = timeout
        self._ready = anyio.Event()  #: the endpoint is known, or never will be
        self._nowhere = "the server named no endpoint to post it to"  #: why nothing can be posted; empty: it can

    @property
    def stateless(self) -> bool:
        """``False``: the stream is the session."""
        return False

    def work(self, tasks: Tasks) -> None:
        """Start to read the stream."""
        super().work(tasks)
        tasks.start_soon(self._read_stream)

    async def _read_stream(self) -> None:
        channel = self._new_channel("GET")
        try:
            async with self._response("GET", None, {ACCEPT: EVENT_STREAM}, channel) as response:
                if media_type(response) != EVENT_STREAM:
                    await self._read(response, channel, _Cursor())
                    self._nowhere = f"HTTP {response.status_code} without an event stream"
                    self._requests.failed(channel, Lost(self._nowhere))
                    return
                async for event, entry in read_events(response.aiter_bytes(), self.transcript, channel):
                    if entry is not None:
                        self._arrive(entry)
                    elif event.complete and event.type == "endpoint":
                        self._post_to(event.data.decode("utf-8", "replace"), channel)
        except (Lost, CutOff):
            pass  # it is in the transcript
        finally:
            self._ready.set()
            self._entries.close()

    def _post_to(self, address: str, channel: str) -> None:
        """From here on messages are posted to this address, unless it is of another origin.

        The specification allows any URI; but whoever follows it anywhere hands the user's token to anybody."""
        try:
            self._requests.url = self._requests.joined(address)
            self._nowhere = ""
        except Lost as error:
            self._nowhere = f"its endpoint event is not followed: {error}"
            self._requests.failed(channel, Lost(self._nowhere))
        self._ready.set()

    async def send(self, raw: bytes) -> bool:
        """POST one message, once it is known where to. ``False`` when nobody took it."""
        with anyio.move_on_after(self._timeout):
            await self._ready.wait()
        body = json.loads(raw)
        is_request = "method" in body and "id" in body
        if self._nowhere:
            if is_request:
                self._lose(id_key(body["id"]), self._nowhere)
            return False
        channel = self._new_channel("POST")
        self.transcript.record(Side.CLIENT, raw, channel)
        taken = False
        with suppress(Lost, CutOff):
            async with self._response("POST", raw, self._request_headers.of(body), channel) as response:
                taken = response.is_success
                with anyio.move_on_after(self._timeout):
                    await self._requests.note_words(response, channel)
        if is_request and not taken:
            self._lose(id_key(body["id"]), "the POST that carried it was refused")
        return taken
