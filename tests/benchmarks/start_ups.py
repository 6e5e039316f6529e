"""What a whole run costs against the bare start-ups that it needs.

``python tests/benchmarks/start_ups.py COMMAND…`` judges the server in every revision, counts the processes that the run
started, then starts and initializes the server as often, one at a time, and prints both times and their ratio.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import anyio

from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.server.connections import open_client
from mcp_sampling_conformance.transports.to_server.servers import StdioServer
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript.transcript import Transcript


async def bare(server: Command, times: int) -> float:
    """Seconds for so many starts, up to the answer to initialize; ending the process is not counted."""
    total = 0.0
    for _ in range(times):
        began = time.perf_counter()
        async with open_client(server, Transcript("bare", "stdio"), 30) as client:
            await client.initialize(NAMES[-1], {})
            total += time.perf_counter() - began
    return total


async def main(argv: Sequence[str]) -> None:
    server = Command(argv)
    await bare(server, 1)  # warm the file caches
    began = time.perf_counter()
    run = await provoke_server(StdioServer(server), list(REVISIONS.values()), [], 10, lambda text: None)
    whole = time.perf_counter() - began
    starts = await bare(server, run.connections)
    print(f"whole run {whole:.1f} s; {run.connections} bare start-ups {starts:.1f} s; ratio {whole / starts:.2f}")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1:])
