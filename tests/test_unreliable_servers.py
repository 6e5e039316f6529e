"""A server that samples at one time and not at another is not blamed for what its client declared then."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import server_in_process
from kill_matrix import broken
from lenient_unreliable import PROGRAMS
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.protocol.revisions import NAMES
from mcp_sampling_conformance.scenarios.conditions import Conditions


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_form_of_the_capability_is_blamed(name: str, tmp_path: Path) -> None:
    command = server_in_process(PROGRAMS[name], tmp_path)
    record = run(command, NAMES[-2:], NAMED[:2], Conditions(TIMEOUT))
    assert record.reached
    assert broken(results(record)) == {}
