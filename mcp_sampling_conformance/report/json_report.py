"""The JSON report: schema 1, for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from .. import __version__
from ..judging.status import Glance
from ..judging.results import Result, Verdict


def write(path: Path, target: Mapping[str, str], glances: Sequence[Glance], results: Sequence[Result]) -> None:
    """Write the results to ``path``. Raises ``OSError`` when it cannot be written."""
    document = {
        "schema": 1,
        "tool": {"name": "mcp-sampling-conformance", "version": __version__},
        "target": dict(target),
        "sampling": [asdict(glance) for glance in glances],
        "results": [result.as_json() for result in results],
        "summary": {verdict.value: sum(r.verdict is verdict for r in results) for verdict in Verdict},
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
