"""A server that samples at one time and not at another is not blamed for what its client declared then."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from kill_matrix import broken, python
from lenient_unreliable import PROGRAMS
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.protocol.revisions import NAMES
from mcp_sampling_conformance.scenarios.conditions import Conditions


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_form_of_the_capability_is_blamed(name: str, tmp_path: Path) -> None:
    command = python("lenient_unreliable.py", name, str(tmp_path))
    record = anyio.run(run, command, list(NAMES[-2:]), NAMED[:2], Conditions(TIMEOUT))
    assert record.reached
    assert broken(results(record)) == {}
