"""What may go on before the client says ``notifications/initialized`` (legacy era): pings, and calls that are answered
without asking for anything, or later."""

from __future__ import annotations

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import id_key
from ...protocol.names import CANCELLED
from ...transcript.events import ProbeStarted
from .callees import Callee
from .probes import plain

#: how long what comes before notifications/initialized is waited for, in seconds: a server may ignore it
_SECONDS = 0.5


async def begin_late(client: FixtureClient, callee: Callee) -> None:
    """Ping and call before ``notifications/initialized``, which is sent once the server had the time to ask."""
    ping = await client.start_request("ping")
    await _answered(client, ping)
    client.transcript.note(ProbeStarted("before-initialized", "a call before notifications/initialized", callee.label))
    client.sampling, client.sampler = [], plain
    id = await client.start_request(callee.method, callee.params())
    await client.until(lambda: bool(client.sampling) or _settled(client, id), client.at_least(_SECONDS))
    await client.begin()
    # It may have been put off until now. If it is ignored, the connection is to have no call that is still pending.
    if not await _answered(client, id):
        await client.notify(CANCELLED, {"requestId": id, "reason": "it was sent too early"})
    client.sampler = None


async def _answered(client: FixtureClient, id: int | str) -> bool:
    return await client.until(lambda: _settled(client, id), client.at_least(_SECONDS))


def _settled(client: FixtureClient, id: int | str) -> bool:
    """Whether a response came, or none ever will."""
    return client.answered(id) or id_key(id) in client.wire.lost
