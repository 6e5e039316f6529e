"""Shared by all our tests: pytest's own test harness, and Hypothesis without chance."""

from __future__ import annotations

import gc
import importlib

import pytest
from hypothesis import settings

from mcp_sampling_conformance.rules.registry import all_rules

pytest_plugins = ["pytester"]


@pytest.fixture
def few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs load our plugin and pytest-xdist, and nothing else that is installed: for a process of its own, and each of
    its workers, the others take longer to import than all that the test is about."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin,mcp_sampling_conformance.plugin")


# What a run imports late is imported once for all the runs in this process: each would forget it at its end.
for late in (
    "pytest_plugin.session",
    "report.html",
    "scenarios.client.callback",
    "scenarios.client.examples",
    "scenarios.server.examples",
    "strategies.types",
    "subjects.mapper",
    "subjects.peer",
    "subjects.recorded",
    "testing",
    "transports.to_client.http",
    "transports.to_server.http_sse",
    "transports.to_server.memory",
):
    importlib.import_module(f"mcp_sampling_conformance.{late}")
for theirs in ("httpcore2", "jsonschema", "ruamel.yaml"):
    importlib.import_module(theirs)
all_rules()

settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """What is there by now stays to the end. Each run in this process looks for garbage several times, and would look
    at all of it each time."""
    gc.freeze()
