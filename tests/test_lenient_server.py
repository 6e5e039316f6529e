"""Whatever a server may do without breaking a rule, it may do without being blamed for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import server_in_process
from kill_matrix import broken, python
from lenient_server import LEGACY_ONLY, LENIENT, MODERN_ONLY
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, NEWEST_LEGACY
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transports.process import Command

NEWEST_OF_EACH = [NEWEST_LEGACY, *MODERN]
OLDER = [name for name in NAMES if name not in NEWEST_OF_EACH]
#: to be run as a process too: in this one there are no threads, and nothing that processes hold against one another
PROCESSES = ["serial", "one-at-a-time"]


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_server_is_clean_in_older_revisions(name: str, tmp_path: Path) -> None:
    check(name, server_in_process(LENIENT[name], tmp_path), OLDER)


@pytest.mark.parametrize("name", LENIENT)
def test_lenient_server_is_clean_for_a_user_who_sets_nothing(name: str, tmp_path: Path) -> None:
    """What can be called is found out, and content is generated, if less of it."""
    conditions = Conditions(TIMEOUT, generated=Generated(1, 0), broken_since=broken_since)
    record = run(server_in_process(LENIENT[name], tmp_path), NEWEST_OF_EACH, [], conditions)
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"


@pytest.mark.parametrize("name", PROCESSES)
def test_process_of_a_lenient_server_is_clean(name: str, tmp_path: Path) -> None:
    # Where only one process can run at a time, only one revision can be looked at.
    revisions = NEWEST_OF_EACH[-1:] if name == "one-at-a-time" else NEWEST_OF_EACH
    check(name, Command(python("lenient_server.py", name, str(tmp_path))), revisions)


def check(name: str, command: Command, revisions: list[str]) -> None:
    record = run(command, revisions, NAMED[:2], Conditions(TIMEOUT))
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"


@pytest.mark.parametrize("name", [*LEGACY_ONLY, *MODERN_ONLY])
def test_server_of_one_era_is_clean(name: str) -> None:
    command = server_in_process((LEGACY_ONLY | MODERN_ONLY)[name])
    record = run(command, NAMES, NAMED, Conditions(TIMEOUT))
    foreign = set(NAMES) - MODERN if name in MODERN_ONLY else MODERN
    assert {revision for revision, one in record.revisions.items() if one.not_negotiated} == foreign
    assert not [one.failure for one in record.revisions.values() if one.failure]
    assert broken(results(record)) == {}
    assert record.reached, "nothing sampled, so nothing was judged"
