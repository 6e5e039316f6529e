"""Shared by all our tests: pytest's own test harness, and Hypothesis without chance."""

from __future__ import annotations

import gc
import importlib

from hypothesis import settings

pytest_plugins = ["pytester"]

# What a run imports late is imported once for all the runs in this process: each would forget it at its end.
for late in (
    "pytest_plugin.session",
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

settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """What is there by now stays to the end. Each run in this process looks for garbage several times, and would look
    at all of it each time."""
    gc.freeze()
