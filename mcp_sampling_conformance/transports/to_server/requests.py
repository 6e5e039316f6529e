"""HTTP requests to a server under test: one client, redirects within the origin, and heads and bodies within limits.

The transcript has for every HTTP exchange an event with its status and headers. Whatever a server may do to a request
comes out as ``Lost``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache

import anyio
import httpx2

from ...protocol.texts import one_line
from ...transcript.events import HttpBody, HttpExchange, HttpFailed
from ...transcript.limits import HEADER_CHARACTERS, HEADERS, MESSAGE_BYTES, Limit
from ...transcript.masking import MASKED
from ...transcript.transcript import Transcript
from ..lines import CutOff

#: a password in the URL or in ~/.netrc becomes such a header, and nobody else knows it for a secret
_SECRET = frozenset({"authorization", "proxy-authorization"})
_MAX_REDIRECTS = 3
_BODY_SHOWN = 300
_TOO_LONG = Limit(MESSAGE_BYTES, "bytes in one HTTP body")
#: the certificates that are trusted; reading them takes longer than all else in opening a connection
_trusted = cache(httpx2.create_ssl_context)
#: what reading and writing raises where the other end, or we ourselves, have gone
BROKEN = (httpx2.HTTPError, httpx2.StreamError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Lost(Exception):
    """An exchange ended in a way that leaves its request unanswered."""


class Unreachable(Lost):
    """Nobody listens there any more."""


class Requests:
    """Makes HTTP requests to one origin."""

    def __init__(self, url: httpx2.URL, headers: Mapping[str, str], transcript: Transcript, timeout: float) -> None:
        self.url = url  #: where they go
        self._origin = _origin(url)
        self._transcript = transcript
        self._bodies: dict[str, str] = {}  #: the beginning of what an exchange's body said
        self._under_way: set[anyio.CancelScope] = set()
        self._closed = False
        # What is on this machine is not reached through a proxy.
        local = url.host in ("127.0.0.1", "localhost", "::1")
        self._client = httpx2.AsyncClient(
            headers=dict(headers),
            verify=_trusted(trust_env=not local),
            timeout=httpx2.Timeout(timeout, read=None, pool=None),
            limits=httpx2.Limits(max_connections=None),
            trust_env=not local,
        )

    async def close(self) -> None:
        """End the exchanges under way, and close all connections."""
        self._closed = True
        for scope in self._under_way:
            scope.cancel()
        while self._under_way:
            await anyio.lowlevel.checkpoint()
        with suppress(*BROKEN):
            await self._client.aclose()

    def joined(self, address: str) -> httpx2.URL:
        """The URL of this origin that an address leads to, which may be relative. Raises ``Lost`` where it is none."""
        try:
            target = self.url.join(address)
            same = _origin(target) == self._origin
        except (httpx2.InvalidURL, ValueError) as error:
            raise Lost(f"it is no URL: {address[:_BODY_SHOWN]!r} ({error})") from error
        if not same:
            raise Lost(f"it leads to another origin: {address[:_BODY_SHOWN]!r}")
        return target

    @asynccontextmanager
    async def response(
        self, method: str, raw: bytes | None, headers: Mapping[str, str | bytes], channel: str
    ) -> AsyncIterator[httpx2.Response]:
        """The head of a response, redirects within the origin followed.

        Raises ``Lost``, also when the connection breaks later on, and lets ``CutOff`` pass.
        """
        with anyio.CancelScope() as scope, self._registered(scope), self._noted(channel):
            url = self.url
            # What the server gave us, such as the id of an event, may be beyond ASCII.
            ours = httpx2.Headers([(name.encode(), _raw(value)) for name, value in headers.items()])
            for _ in range(_MAX_REDIRECTS):
                async with self._client.stream(method, url, content=raw, headers=ours) as response:
                    status, sent, came = response.status_code, response.request.headers, response.headers
                    self._transcript.note(HttpExchange(channel, method, status, _recorded(sent), _recorded(came)))
                    if not response.has_redirect_location:
                        yield response
                        return
                    try:
                        url = self.joined(response.headers["location"])
                    except Lost as error:
                        lost = Lost(f"HTTP {status}, a redirect, and {error}")
                        self.failed(channel, lost)
                        raise lost from error
            raise Lost(f"more than {_MAX_REDIRECTS} redirects")
        raise Lost("the connection was closed")

    def failed(self, channel: str, error: Exception) -> None:
        """Note that an exchange broke off, unless it was we who ended it."""
        if not self._closed:
            self._transcript.note(HttpFailed(channel, words(error)))

    @contextmanager
    def _noted(self, channel: str) -> Iterator[None]:
        """What the connection raises is noted, and becomes ``Lost``."""
        try:
            yield
        except httpx2.ConnectError as error:
            self.failed(channel, error)
            raise Unreachable(f"the server cannot be reached ({error})") from error
        except BROKEN as error:
            self.failed(channel, error)
            raise Lost(f"the connection broke: {words(error)}") from error

    @contextmanager
    def _registered(self, scope: anyio.CancelScope) -> Iterator[None]:
        if self._closed:
            raise Lost("the connection was closed")
        self._under_way.add(scope)
        try:
            yield
        finally:
            self._under_way.discard(scope)

    async def body(self, response: httpx2.Response, channel: str) -> bytes:
        """A whole body; of one that comes in part the beginning is noted. Raises as ``response``."""
        data = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MESSAGE_BYTES:
                    self._transcript.reached(_TOO_LONG)
                    raise CutOff
        except Exception:
            self.note_body(data, media_type(response), channel)
            raise
        return bytes(data)

    async def note_words(self, response: httpx2.Response, channel: str) -> None:
        """Note the body of a response that is due no message. Raises as ``response``."""
        self.note_body(await self.body(response, channel), media_type(response), channel)

    def note_body(self, data: bytes | bytearray, kind: str, channel: str) -> None:
        """Note a body that is no JSON, or what came of one."""
        if words := self.keep_words(data, channel):
            self._transcript.note(HttpBody(channel, kind, words))

    def keep_words(self, data: bytes | bytearray, channel: str) -> str:
        """Keep the beginning of a body, for ``status``, and return it."""
        self._bodies[channel] = words = data[:_BODY_SHOWN].decode("utf-8", "replace").strip()
        return words

    def status(self, response: httpx2.Response, channel: str) -> str:
        """The status of a response, with what its body said."""
        said = one_line(self._bodies.get(channel, ""))
        return f"HTTP {response.status_code} {response.reason_phrase} {said}".strip()


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def media_type(response: httpx2.Response) -> str:
    """What a response says that it carries, in lower case and without parameters: "application/json"."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _recorded(headers: httpx2.Headers) -> dict[str, str]:
    """Headers as a transcript has them: by name in lower case, several of one name joined."""
    found: dict[str, str] = {}
    for name, value in headers.multi_items():
        name = name.lower()
        if name in found:
            found[name] = f"{found[name]}, {value}"[:HEADER_CHARACTERS]
        elif len(found) < HEADERS:
            found[name] = MASKED if name in _SECRET else value[:HEADER_CHARACTERS]
    return found


def words(error: Exception) -> str:
    """An exception in a few words."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
