"""The JSON report: schema 1, for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from .. import __version__
from ..judging.baseline import Comparison
from ..judging.results import Result, Verdict
from .exchange import evidence_lines
from .run_report import Provenance, RunReport

#: the shape of the document
SCHEMA = 1


def json_report(report: RunReport) -> str:
    """The whole document as text."""
    document = {
        "schema": SCHEMA,
        "tool": {"name": "mcp-sampling-conformance", "version": __version__},
        **({"partial": report.partial} if report.partial else {}),
        **({"date": report.provenance.begun.isoformat(timespec="seconds")} if report.provenance else {}),
        "target": asdict(report.target),
        "system": report.system.as_json(),
        **({"run": _run(report.provenance)} if report.provenance else {}),
        "notes": list(report.notes),
        "sampling": [status.as_json() for status in report.statuses],
        "results": [_result(result) for result in report.results],
        **({"baseline": _baseline(report.baseline)} if report.baseline else {}),
        "summary": {verdict.value: sum(r.verdict is verdict for r in report.results) for verdict in Verdict},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _run(provenance: Provenance) -> dict[str, Any]:
    return {"options": dict(provenance.options), "examples": provenance.examples, "seed": provenance.seed}


def _baseline(comparison: Comparison) -> dict[str, Any]:
    """By rule and revision what was known and what is new, and the entries that nothing fails any more."""
    return {
        "known": [{"rule": result.rule, "revision": result.revision} for result in comparison.known],
        "new": [{"rule": result.rule, "revision": result.revision} for result in comparison.new],
        "fixed": [{"entry": entry.text, "line": entry.line} for entry in comparison.stale],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "role": result.role,
        "level": result.level,
        "revision": result.revision,
        "transport": result.transport,
        "verdict": result.verdict.value,
        "message": result.message,
        "url": result.url,
        "statement": result.statement,
        "evidence": evidence_lines(result),
        "references": [asdict(reference) for reference in result.references],
    }
