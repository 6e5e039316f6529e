"""One judgement for all workers of pytest-xdist, however they share out the items: the first to need it makes it, and
the others wait and read what that one saved."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..judging.facts import SystemFacts
from ..judging.results import Result
from ..judging.status import SamplingStatus
from ..protocol.revisions import Revision
from ..subjects.subject import Judgement

#: where a worker is told the folder that all of them share
FOLDER = "mcp_sampling_folder"

Asked = Iterable[tuple[str, Revision | None]]


class BegunBefore(Exception):
    """The worker that made the judgement did not come to its end."""


class SavedJudgement:
    """A judgement that another worker has made."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.reached: bool = data["reached"]
        self.ended_early: str = data["ended_early"]
        self.notes: list[str] = data["notes"]
        self.statuses = [SamplingStatus(**status) for status in data["statuses"]]
        self.system = SystemFacts.from_json(data["system"])
        self._results = {(rule, revision): result for rule, revision, result in data["results"]}

    def result(self, rule: str, revision: Revision | None) -> Result:
        return Result.from_json(self._results[rule, revision.name if revision else None])


def judged_once(folder: Path, judge: Callable[[], Judgement], asked: Asked) -> Judgement:
    """The judgement, made here or in another worker; ``asked`` are the items that there are. Raises ``BegunBefore``."""
    saved, begun = folder / "judgement.json", folder / "begun"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, at the latest by the end of this process
        if saved.exists():
            return SavedJudgement(json.loads(saved.read_text(encoding="ascii")))
        if begun.exists():
            raise BegunBefore
        begun.touch()
        judgement = judge()
        saved.write_text(json.dumps(_as_json(judgement, asked)), encoding="ascii")
        return judgement


def _as_json(judgement: Judgement, asked: Asked) -> dict[str, Any]:
    results = [
        (rule, revision.name if revision else None, judgement.result(rule, revision).as_json())
        for rule, revision in asked
    ]
    return {
        "reached": judgement.reached,
        "ended_early": judgement.ended_early,
        "notes": list(judgement.notes),
        "statuses": [status.as_json() for status in judgement.statuses],
        "system": judgement.system.as_json(),
        "results": results,
    }
