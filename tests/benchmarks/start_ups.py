"""What a whole run costs against the bare start-ups that it needs.

``python tests/benchmarks/start_ups.py COMMAND…`` judges the server in every revision, counts the processes that the run
started, then starts and initializes the server as often, one at a time, and prints both times and their ratio.
``--small`` in place of the command takes the reference server in one revision, to see that this still works.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import anyio

from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS, Revision
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.connections import open_client
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript.transcript import Transcript
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

REFERENCE = Path(__file__).parent.parent.parent / "fixtures" / "reference_server.py"
#: seconds that any one answer may take
TIMEOUT = 10.0


async def bare(server: StdioServer, times: int) -> float:
    """Seconds for so many starts, up to the answer to initialize; ending the process is not counted."""
    revision = REVISIONS[NEWEST_LEGACY]
    total = 0.0
    for _ in range(times):
        began = time.perf_counter()
        async with open_client(server, revision, Transcript("bare", "stdio"), TIMEOUT) as client:
            if await client.greet(revision.name, {}) is None:
                raise SystemExit("the server did not answer initialize")
            total += time.perf_counter() - began
    return total


async def compare(command: Sequence[str], revisions: Sequence[Revision]) -> None:
    """Print what a run in these revisions costs, and its bare start-ups."""
    server = StdioServer(Command(command))
    await bare(server, 1)  # warm the file caches
    began = time.perf_counter()
    run = await provoke_server(server, revisions, [], Conditions(TIMEOUT))
    whole = time.perf_counter() - began
    if not run.reached:
        raise SystemExit(f"nothing was judged: {run.unreached}")
    starts = await bare(server, run.connections)
    print(f"whole run {whole:.1f} s; {run.connections} bare start-ups {starts:.1f} s; ratio {whole / starts:.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--small"]:
        anyio.run(compare, [sys.executable, "-S", str(REFERENCE)], [REVISIONS[NEWEST_LEGACY]])
    elif sys.argv[1:]:
        anyio.run(compare, sys.argv[1:], list(REVISIONS.values()))
    else:
        raise SystemExit("say which server to start, or --small")
