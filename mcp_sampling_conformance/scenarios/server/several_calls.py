"""Probes of several calls under way at once: of different things, and in one batch (2025-03-26)."""

from __future__ import annotations

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ...transports.to_server.stdio import StdioToServer
from .answers import text_result
from .callees import Callee, Found
from .probes import SIDE_BY_SIDE, ProbeScript, call_both, fresh_text, plain


def of_several_calls(revision: Revision, found: Found) -> list[tuple[ProbeScript, Callee]]:
    """These probes in a revision, each with what it calls first."""
    first, others = found.probed[:1], [callee for callee in found.called if callee not in found.probed[:1]]
    probes = [(_interleaved(other), callee) for callee in first for other in others[:1]]
    return probes + [(_BATCH, callee) for callee in first if revision.batches]


def _interleaved(other: Callee) -> ProbeScript:
    async def run(client: FixtureClient, callee: Callee) -> None:
        await call_both(client, callee, other)

    return ProbeScript("interleaved", f"a call of {other.label} in the midst of another", run)


async def _batch(client: FixtureClient, callee: Callee) -> None:
    """Two calls in one batch, and the answers to what they sample in another."""
    if not isinstance(client.wire, StdioToServer):
        return  # over HTTP what the fixture client POSTs is one message
    client.sampler = None
    calls: list[Json] = [{"id": client.next_id(), "method": callee.method, "params": callee.params()} for _ in "ab"]
    for one in calls:
        client.used_ids.add(one["id"])
        client.expect(one["id"])
    await client.send(calls)
    taken = await client.in_time(lambda: bool(client.sampling) or any(client.answered(one["id"]) for one in calls))
    if taken:
        await client.until(lambda: len(client.sampling) > 1, client.at_least(SIDE_BY_SIDE))
    client.sampler = plain  # whatever comes later is answered at once
    ids = [asked.body["id"] for asked in client.sampling if "id" in asked.body]
    if ids:
        await client.send([{"id": id, "result": text_result(fresh_text())} for id in ids])
    for one in calls:
        # What took nothing of a batch has been waited for.
        await (client.response(one["id"]) if taken else client.response_within(one["id"], 0))


_BATCH = ProbeScript("batch", "two calls in one batch", _batch)
