"""Whatever a server may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from kill_matrix import broken, python
from lenient_server import LEGACY_ONLY, LENIENT, MODERN_ONLY
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES
from mcp_sampling_conformance.scenarios.conditions import Conditions


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_server_is_clean(name: str, tmp_path: Path) -> None:
    # Where only one process can run at a time, only one revision can be looked at.
    revisions = [NAMES[-1]] if name == "one-at-a-time" else list(NAMES)
    record = anyio.run(run, python("lenient_server.py", name, str(tmp_path)), revisions, NAMED, Conditions(TIMEOUT))
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"


@pytest.mark.parametrize("name", [*LEGACY_ONLY, *MODERN_ONLY])
def test_server_of_one_era_is_clean(name: str) -> None:
    # Silence takes its time.
    timeout = 1.0 if name == "legacy-only-silent" else TIMEOUT
    record = anyio.run(run, python("lenient_server.py", name), NAMES, NAMED, Conditions(timeout))
    foreign = set(NAMES) - MODERN if name in MODERN_ONLY else MODERN
    assert {revision for revision, one in record.revisions.items() if one.not_negotiated} == foreign
    assert not [one.failure for one in record.revisions.values() if one.failure]
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"
