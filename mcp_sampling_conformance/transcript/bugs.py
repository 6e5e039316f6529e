"""What is said of an exception of our own."""

from __future__ import annotations

import traceback


def bug_report(error: Exception) -> str:
    """The report on it, with its traceback."""
    return f"a bug in the harness, please report it:\n{''.join(traceback.format_exception(error))}"
