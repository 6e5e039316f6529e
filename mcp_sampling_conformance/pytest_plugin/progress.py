"""What a run shows while nothing else is to be seen."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import pytest

from ..report.printable import printable

#: seconds between two lines of progress where lines cannot be overwritten
_QUIET = 5.0


class TerminalProgress:
    """Says on pytest's terminal what is being done."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._text = ""
        self._shown = ""
        self._at = time.monotonic()

    def say(self, text: str) -> None:
        """Note what is being done; called from the thread of the scenarios."""
        self._text = text

    def show(self) -> None:
        """Write it, where that is due; called from pytest's own thread."""
        if self._reporter is None or self._text == self._shown or self._reporter.verbosity < -1:
            return
        overwrites = self._reporter.isatty
        if not overwrites and time.monotonic() - self._at < _QUIET:
            return
        self._at, self._shown = time.monotonic(), self._text
        line = printable(f"mcp sampling: {self._text}")[:100]
        self._write(f"\r{line:<100}" if overwrites else f"\n{line}")

    def clear(self) -> None:
        """Take it away: it is done."""
        if self._shown:
            self._write("\r" + " " * 100 + "\r" if self._reporter.isatty else "\n")

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled() if self._capture else nullcontext():
            self._reporter.write(text, flush=True)
