"""What a whole run costs against the bare start-ups of the server under test.

``python tests/benchmarks/start_ups.py COMMAND…`` starts and initializes the server 25 times, one at a time, and judges
it as a user does: in every revision with default options, then with ``--mcp-spec-version newest``. It prints the times
side by side, how many connections each run made, and how many times the bare start-ups it took. ``--small`` in place of
the command takes the reference server, and the second run alone, to see that this still works.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import anyio

from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.scenarios.server.connections import open_client
from mcp_sampling_conformance.transcript.transcript import Transcript
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

REFERENCE = Path(__file__).parent.parent.parent / "fixtures" / "reference_server.py"
#: seconds that any one answer may take
TIMEOUT = 10.0
#: bare start-ups to compare with
STARTS = 25
NEWEST = ("--mcp-spec-version", "newest")


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


def whole(command: Sequence[str], options: Sequence[str], record: Path) -> tuple[float, int]:
    """Seconds for a run as a user starts it, and the connections that it made."""
    ours = ["--mcp-server", shlex.join(command), "--mcp-record", str(record), *options]
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "mcp-sampling"]
    began = time.perf_counter()
    run = subprocess.run([*pytest, *ours], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if run.returncode > 1:
        raise SystemExit(f"nothing was judged:\n{run.stdout}{run.stderr}")
    return seconds, len(list(record.iterdir()))


def compare(command: Sequence[str], runs: Sequence[Sequence[str]], starts: int) -> None:
    """Print what runs with these options cost, and the bare start-ups."""
    server = StdioServer(Command(command))
    anyio.run(bare, server, 1)  # warm the file caches
    alone = anyio.run(bare, server, starts)
    print(f"{starts} bare start-ups: {alone:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        for number, options in enumerate(runs):
            seconds, connections = whole(command, options, Path(folder) / str(number))
            what = " ".join(options) or "default options"
            print(f"{what}: {seconds:.1f} s, {connections} connections, {seconds / alone:.2f} times as long")


if __name__ == "__main__":
    if sys.argv[1:] == ["--small"]:
        compare([sys.executable, "-S", str(REFERENCE)], [NEWEST], starts=2)
    elif sys.argv[1:]:
        compare(sys.argv[1:], [(), NEWEST], STARTS)
    else:
        raise SystemExit("say which server to start, or --small")
