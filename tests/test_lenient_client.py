"""Whatever a client may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

import anyio
import pytest
from kill_matrix import broken, judged, python
from lenient_client import LENIENT
from test_client_kill_matrix import TIMEOUT, run

from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.transcript import Side

#: the revisions of those that do not speak all
SPOKEN = {"legacy-only": {*NAMES} - MODERN, "modern-only": MODERN}


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_client_is_clean(name: str) -> None:
    record = anyio.run(run, python("lenient_client.py", name), list(NAMES), Conditions(TIMEOUT))
    assert broken(judged(record, Side.CLIENT)) == {}
    spoken = SPOKEN.get(name, {*NAMES})
    assert set(record.reached) == spoken, "nothing was asked, so nothing was judged"
    for revision, found in record.revisions.items():
        assert found.opened == (revision in spoken)
        assert found.failure is None
        assert bool(found.not_negotiated) == (revision not in spoken)
