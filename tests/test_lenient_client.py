"""Whatever a client may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

import pytest
from in_process import client_in_process
from kill_matrix import broken, judged
from lenient_client import LENIENT
from test_client_kill_matrix import TIMEOUT, run, started

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, NEWEST_LEGACY
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

NEWEST_OF_EACH = [NEWEST_LEGACY, *MODERN]
OLDER = [name for name in NAMES if name not in NEWEST_OF_EACH]
#: the revisions of those that do not speak all
SPOKEN = {"legacy-only": {*NAMES} - MODERN, "modern-only": MODERN}
#: to be run as a process too: in this one there are no threads, and no process is started
PROCESSES = ["in-threads", "glance-first"]


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_client_is_clean(name: str) -> None:
    check(name, client_in_process(*LENIENT[name]), OLDER, Conditions(TIMEOUT))
    # Content is generated in the newest revision of each era: what it is made of is the same in those before.
    conditions = Conditions(TIMEOUT, generated=Generated(2, 0), broken_since=broken_since)
    check(name, client_in_process(*LENIENT[name]), NEWEST_OF_EACH, conditions)


@pytest.mark.parametrize("name", PROCESSES)
def test_process_of_a_lenient_client_is_clean(name: str) -> None:
    check(name, started("lenient_client.py", name), NEWEST_OF_EACH, Conditions(TIMEOUT))


def check(name: str, command: Command, revisions: list[str], conditions: Conditions) -> None:
    record = run(command, revisions, conditions)
    assert broken(judged(record, Side.CLIENT)) == {}
    spoken = SPOKEN.get(name, {*NAMES})
    assert set(record.reached) == spoken & {*revisions}, "nothing was asked, so nothing was judged"
    for revision, found in record.revisions.items():
        assert found.opened == (revision in spoken)
        assert found.failure is None
        assert bool(found.not_negotiated) == (revision not in spoken)
