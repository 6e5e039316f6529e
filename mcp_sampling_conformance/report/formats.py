"""The formats of ``--mcp-report``. To add one, write a module with a function from a ``RunReport`` to text, and a line
here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .json_report import json_report
from .markdown import markdown
from .run_report import RunReport


def _html(report: RunReport) -> str:
    from .html import html  # its template engine takes a while to import, and few runs need it

    return html(report)


#: by the suffix of the file
FORMATS: Mapping[str, Callable[[RunReport], str]] = {
    ".json": json_report,
    ".html": _html,
    ".md": markdown,
}
