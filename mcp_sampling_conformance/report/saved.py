"""JSON reports, read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..judging.facts import SystemFacts
from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus
from .json_report import SCHEMA
from .run_report import Provenance, RunReport, Target


class NotAReport(ValueError):
    """One sentence that says why a file is no report that can be read here."""


def read_report(path: Path) -> RunReport:
    """The report that a file holds; of the exchanges there is their text only. Raises ``NotAReport``."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotAReport(f"{str(path)!r} cannot be read ({error.strerror}); give JSON reports") from None
    except (ValueError, RecursionError):
        raise NotAReport(f"{str(path)!r} is no JSON; give reports that --mcp-report FILE.json wrote") from None
    if not isinstance(document, dict) or "schema" not in document or "results" not in document:
        raise NotAReport(f"{str(path)!r} is no report of ours; give reports that --mcp-report FILE.json wrote")
    if document["schema"] != SCHEMA:
        raise NotAReport(
            f"{str(path)!r} is of schema {document['schema']!r}, and {SCHEMA} is read here; write it anew, "
            "or read it with the version that wrote it"
        )
    try:
        return _report(document)
    except (KeyError, TypeError, ValueError) as error:
        raise NotAReport(f"{str(path)!r} is damaged ({type(error).__name__}: {error}); write it anew") from None


def _report(document: Mapping[str, Any]) -> RunReport:
    run = document["run"]
    return RunReport(
        Target(**document["target"]),
        [SamplingStatus(**status) for status in document["sampling"]],
        [_result(result) for result in document["results"]],
        document["notes"],
        document.get("partial", ""),
        system=SystemFacts.from_json(document["system"]),
        provenance=Provenance(datetime.fromisoformat(document["date"]), run["options"], run["examples"], run["seed"]),
    )


def _result(data: Mapping[str, Any]) -> Result:
    names = ("rule", "role", "level", "revision", "transport", "message", "url", "statement")
    told: dict[str, Any] = {name: str(data[name]) for name in names}
    return Result(**told, verdict=Verdict(data["verdict"]), details=tuple(map(str, data["evidence"])))
