"""Shared by all our tests: pytest's own test harness, and Hypothesis without chance."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile("ci")
