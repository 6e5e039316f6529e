"""Whatever a server may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from kill_matrix import broken, python
from lenient_server import LENIENT
from test_server_kill_matrix import NAMED, results, run

from mcp_sampling_conformance.revisions import NAMES


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_server_is_clean(name: str, tmp_path: Path) -> None:
    # Where only one process can run at a time, only one revision can be looked at.
    revisions = [NAMES[-1]] if name == "one-at-a-time" else list(NAMES)
    record = anyio.run(run, python("lenient_server.py", name, str(tmp_path)), revisions, NAMED)
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"
