"""Conformance tests for MCP sampling, as a pytest plugin."""

__version__ = "0.1.0"
