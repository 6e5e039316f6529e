"""Texts of the other side in sentences of ours."""

from __future__ import annotations


def one_line(text: str) -> str:
    """A text as a part of a line: its line breaks are escaped, so that it forges no line of a report."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
