"""What a transcript holds of a server over HTTP: streams byte by byte, the headers of both sides, nothing dropped."""

from __future__ import annotations

import threading

import anyio
import pytest
from http_server import Handler, Site, Sse

from mcp_sampling_conformance.peers.client import Asked, FixtureClient
from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.transcript.events import HttpBody, HttpExchange, StreamEvent
from mcp_sampling_conformance.transcript.transcript import Side, Transcript
from mcp_sampling_conformance.transports.to_server.servers import HttpServer

#: seconds
TIMEOUT = 10.0
JSON = "application/json"
#: a password that nobody told us as a secret
PASSWORD = "opensesame"


async def plain(client: FixtureClient, asked: Asked, position: int) -> None:
    content = {"type": "text", "text": "Sunny."}
    await asked.reply({"result": {"role": "assistant", "content": content, "model": "a model"}})


async def call(server: HttpServer, transcript: Transcript) -> None:
    """Open a session and make one call, which samples."""
    wire = await server.open(REVISIONS[NEWEST_LEGACY], transcript, TIMEOUT)
    client = FixtureClient(wire, TIMEOUT)
    async with anyio.create_task_group() as tasks:
        wire.work(tasks)
        tasks.start_soon(client.listen, tasks)
        client.sampler = plain
        await client.greet(NEWEST_LEGACY, {})
        await client.begin()
        response = await client.request("tools/call", {"name": "ask", "arguments": {"question": "What now?"}})
        await wire.shut_down()
        tasks.cancel_scope.cancel()
    assert response is not None
    assert response["result"]["content"][0]["text"] == "Sunny."


def recorded(handler: type[Handler], path: str = "/mcp", transport: str = "http") -> Transcript:
    """The record of a call to a server in this process."""
    transcript = Transcript("a test", transport)
    with Site(0, handler) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            url = f"http://user:{PASSWORD}@127.0.0.1:{site.server_address[1]}{path}"
            anyio.run(call, HttpServer(url, transport=transport), transcript)
        finally:
            site.shutdown()
            thread.join()
    return transcript


# --- streams


class Latin(Handler):
    """Begins each stream with a comment and a message that are no UTF-8, as a server in Latin-1 might."""

    def start_events(self, headers: dict[str, str] | None = None) -> None:
        super().start_events(headers)
        self.write_chunk(b': \xe9\r\n\r\ndata: "caf\xe9"\r\n\r\n')


class LatinSse(Latin, Sse):
    """The same over HTTP+SSE."""


@pytest.mark.parametrize(("handler", "path", "transport"), [(Latin, "/mcp", "http"), (LatinSse, "/sse", "sse")])
def test_a_stream_is_recorded_as_it_came(handler: type[Handler], path: str, transport: str) -> None:
    transcript = recorded(handler, path, transport)
    entries = [entry for entry in transcript.entries if entry.raw == b'data: "caf\xe9"\r\n\r\n']
    assert entries
    for entry in entries:
        assert (entry.data, entry.parse().fault) == (b'"caf\xe9"', "not UTF-8 (byte 4)")
    comments = [event for event in transcript.events(StreamEvent) if event.raw == b": \xe9\r\n\r\n"]
    assert [event.exchange for event in comments] == [entry.channel for entry in entries]
    assert transcript.strays(1) == ['"caf\\xe9"']


def test_the_endpoint_of_the_old_transport_is_recorded() -> None:
    first, *_ = recorded(Sse, "/sse", "sse").events(StreamEvent)
    assert first.raw.startswith(b"event: endpoint\ndata: /messages?session=")


class Stutters(Handler):
    """Says everything twice on a stream, the second time framed in another way."""

    def event(self, data: bytes, kind: bytes = b"message") -> bytes:
        return super().event(data, kind) + b"data:" + data.strip() + b"\r\r"


def test_what_comes_twice_is_recorded_twice() -> None:
    transcript = recorded(Stutters)
    of_call = [entry for entry in transcript.entries if entry.sender is Side.SERVER and entry.data is not None]
    firsts, seconds = of_call[::2], of_call[1::2]
    assert len(firsts) == 2  # the sampling request and the response to the call
    assert [entry.payload.strip() for entry in firsts] == [entry.payload for entry in seconds]
    assert all(entry.raw.startswith(b"data:{") and entry.raw.endswith(b"\r\r") for entry in seconds)


# --- bodies that are no message


class Talks(Handler):
    """Says "Accepted." in plain text."""

    def send_nothing(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"Accepted.")


class TalksSse(Talks, Sse):
    """The same over HTTP+SSE."""


@pytest.mark.parametrize(("handler", "path", "transport"), [(Talks, "/mcp", "http"), (TalksSse, "/sse", "sse")])
def test_other_bodies_are_recorded(handler: type[Handler], path: str, transport: str) -> None:
    bodies = recorded(handler, path, transport).events(HttpBody)
    assert bodies
    assert {(event.content_type, event.body) for event in bodies} == {("text/plain", "Accepted.")}


# --- headers


def test_the_headers_of_both_sides_are_recorded() -> None:
    exchanges = recorded(Handler).events(HttpExchange)
    for exchange in exchanges:
        assert exchange.request_headers["user-agent"].startswith("python-httpx2/")
        assert exchange.request_headers["authorization"] == "***"
        assert exchange.response_headers["server"].startswith("BaseHTTP/")
    assert exchanges[0].request_headers["content-type"] == exchanges[0].response_headers["content-type"] == JSON
    assert "mcp-session-id" in exchanges[0].response_headers
    assert "mcp-session-id" in exchanges[-1].request_headers


class Chatty(Handler):
    """Has more and longer headers than anybody needs."""

    def end_headers(self) -> None:
        for number in range(90):
            self.send_header(f"X-{number}", "x" * (40_000 if number == 0 else 10))
        super().end_headers()


def test_many_and_long_headers_are_cut() -> None:
    headers = recorded(Chatty).events(HttpExchange)[0].response_headers
    assert len(headers) == 64
    assert len(headers["x-0"]) == 8192
