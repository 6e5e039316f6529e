"""Whatever a client may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

import pytest
from in_process import client_in_process
from kill_matrix import broken, judged
from lenient_client import LENIENT
from test_client_kill_matrix import TIMEOUT, run, started

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side

#: the revisions of those that do not speak all
SPOKEN = {"legacy-only": {*NAMES} - MODERN, "modern-only": MODERN}
#: to be run as a process too: in this one there are no threads, and no process is started
PROCESSES = ["in-threads", "glance-first"]


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_client_is_clean(name: str) -> None:
    conditions = Conditions(TIMEOUT, generated=Generated(5, 0), broken_since=broken_since)
    check(name, run(client_in_process(*LENIENT[name]), NAMES, conditions))


@pytest.mark.parametrize("name", PROCESSES)
def test_process_of_a_lenient_client_is_clean(name: str) -> None:
    check(name, run(started("lenient_client.py", name), NAMES, Conditions(TIMEOUT)))


def check(name: str, record: Run) -> None:
    assert broken(judged(record, Side.CLIENT)) == {}
    spoken = SPOKEN.get(name, {*NAMES})
    assert set(record.reached) == spoken, "nothing was asked, so nothing was judged"
    for revision, found in record.revisions.items():
        assert found.opened == (revision in spoken)
        assert found.failure is None
        assert bool(found.not_negotiated) == (revision not in spoken)
