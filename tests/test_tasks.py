"""Task-augmented sampling in both roles: the references that do it and what is allowed beside them break no rule, and
what one knows of them by that."""

from __future__ import annotations

import pytest
from in_process import client_in_process, server_in_process
from kill_matrix import broken, judged
from lenient_tasks import CLIENTS, SERVERS
from reference_client import Client
from reference_server import Server
from task_client import TaskClient
from task_server import TaskServer
from test_client_kill_matrix import TIMEOUT as CLIENT_TIMEOUT
from test_client_kill_matrix import run as run_client
from test_server_kill_matrix import AGENT, ASK
from test_server_kill_matrix import TIMEOUT as SERVER_TIMEOUT
from test_server_kill_matrix import run as run_server

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY
from mcp_sampling_conformance.rules.registry import all_rules
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.transcript import Side


def of_client(kind: type[Client]) -> list[Result]:
    run = run_client(client_in_process(kind), [NEWEST_LEGACY], Conditions(CLIENT_TIMEOUT))
    assert run.reached
    return judged(run, Side.CLIENT)


def of_server(kind: type[Server]) -> list[Result]:
    run = run_server(server_in_process(kind), [NEWEST_LEGACY], [ASK, AGENT], Conditions(SERVER_TIMEOUT))
    assert run.reached
    return judged(run, Side.SERVER)


def about_tasks(results: list[Result], verdict: Verdict) -> set[str]:
    return {result.rule for result in results if result.rule.startswith("tasks/") and result.verdict is verdict}


def rules_of(side: Side) -> set[str]:
    return {rule.name for rule in all_rules() if rule.topic == "tasks" and side in rule.binds}


def test_reference_client_shows_everything_and_is_clean() -> None:
    results = of_client(TaskClient)
    assert broken(results) == {}
    assert about_tasks(results, Verdict.PASS) == rules_of(Side.CLIENT)


def test_generated_requests_for_tasks_find_nothing_in_the_reference_client() -> None:
    conditions = Conditions(CLIENT_TIMEOUT, generated=Generated(3, 0), broken_since=broken_since)
    assert broken(judged(run_client(client_in_process(TaskClient), [NEWEST_LEGACY], conditions), Side.CLIENT)) == {}


def test_reference_server_shows_everything_and_is_clean() -> None:
    results = of_server(TaskServer)
    assert broken(results) == {}
    assert about_tasks(results, Verdict.PASS) == rules_of(Side.SERVER)


@pytest.mark.parametrize("kind", CLIENTS.values(), ids=CLIENTS)
def test_lenient_client_is_clean(kind: type[Client]) -> None:
    assert broken(of_client(kind)) == {}


@pytest.mark.parametrize("kind", SERVERS.values(), ids=SERVERS)
def test_lenient_server_is_clean(kind: type[Server]) -> None:
    results = of_server(kind)
    assert broken(results) == {}
    assert "tasks/end-survived" in about_tasks(results, Verdict.PASS)


def test_without_tasks_there_is_nothing_to_judge() -> None:
    for results, side in ((of_client(Client), Side.CLIENT), (of_server(Server), Side.SERVER)):
        assert about_tasks(results, Verdict.NOT_OBSERVED) == rules_of(side)
