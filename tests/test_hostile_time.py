"""Systems that hang, go on for ever or come late: how long a run takes is bound by its time-outs. On a turned clock."""

from __future__ import annotations

import shlex
from pathlib import Path

import anyio
import pytest
from hostile import judge, sound
from hostile_time import CLIENTS, SERVERS
from in_process import InProcess, client_in_process, server_in_process
from kill_matrix import python
from turned_clock import run_turned

from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

TIMEOUT, START = 10.0, 30.0
#: how many time-outs a run over all revisions may take, besides one start
MOST = {
    **dict.fromkeys((*SERVERS, *CLIENTS), 6),
    "never-starts": 1,
    "asks-for-ever": 45,
    "hangs-on-all-but-plain-answers": 9,
    "answers-plain-requests-only": 9,
}


def elapsed(command: InProcess) -> tuple[Run, float]:
    """A whole run with nothing generated, and the seconds that it took."""
    conditions = Conditions(TIMEOUT, start_timeout=START)

    async def run() -> tuple[Run, float]:
        began, revisions = anyio.current_time(), list(REVISIONS.values())
        if command.argv[0] == "server":
            found = await provoke_server(StdioServer(command), revisions, [], conditions)
        else:
            found = await provoke_client(command, revisions, [], conditions)
        return found, anyio.current_time() - began

    return run_turned(run)


@pytest.mark.parametrize("name", SERVERS)
def test_what_hangs_costs_a_server_a_few_time_outs(name: str) -> None:
    _, seconds = elapsed(server_in_process(SERVERS[name]))
    assert seconds <= START + MOST[name] * TIMEOUT


@pytest.mark.parametrize("name", CLIENTS)
def test_what_hangs_costs_a_client_a_few_time_outs(name: str) -> None:
    _, seconds = elapsed(client_in_process(CLIENTS[name]))
    assert seconds <= START + MOST[name] * TIMEOUT


@pytest.mark.parametrize("name", ["never-starts", "asks-for-ever", "hangs-once-answered"])
def test_a_run_ends_in_its_time_and_says_so(tmp_path: Path, name: str) -> None:
    command = shlex.join(python("hostile_time.py", name))
    limits = ["--mcp-timeout", "1", "--mcp-start-timeout", "1", "--mcp-max-time", "4", "--mcp-spec-version", "newest"]
    outcome = judge(tmp_path, "--mcp-server", command, *limits)
    sound(outcome)
    assert outcome.report["summary"]["pass"] or name == "never-starts"
    assert "(--mcp-start-timeout)" in outcome.text or name != "never-starts"
