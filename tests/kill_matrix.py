"""Shared by the kill matrices: run a mutant, and gather what it broke."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.rules.registry import rules_for
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.archive import About, SavingRecorder, load
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.run import Run, conclude, read_run
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

#: runs a system under test to its end
Provoke = Callable[[Conditions], Run]

FIXTURES = Path(__file__).parent.parent / "fixtures"


def python(script: str, *arguments: str) -> list[str]:
    """The command of one of our fixtures; they need nothing but the standard library."""
    return [sys.executable, "-S", str(FIXTURES / script), *arguments]


def judged(run: Run, side: Side, transport: str = "stdio") -> list[Result]:
    """The verdicts of every revision that could be judged."""
    return [
        result
        for name, record in sorted(run.revisions.items())
        if not (record.not_negotiated or record.failure)
        for result in judge(evidence_of(record.transcripts, REVISIONS[name]), Terms(side, transport))
    ]


def broken(results: Iterable[Result]) -> dict[str, str]:
    return {r.rule: r.message for r in results if r.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)}


def broken_by(provoke: Provoke, side: Side, timeout: float, folder: Path, transport: str = "stdio") -> dict[str, str]:
    """What a mutant broke. Its record is saved to the folder and judged again, and nothing may differ."""
    recorder = SavingRecorder(folder, About(side.value, side, "a mutant", {}, None), Mask())
    run = provoke(Conditions(timeout, recorder=recorder))
    conclude(run, recorder, transport)
    recorder.close()
    results = judged(run, side, transport)
    assert judged(loaded(folder), side, transport) == results, "saved and judged again it differs"
    return broken(results)


def loaded(folder: Path) -> Run:
    """The run that was saved in a folder."""
    transcripts: dict[str, list[Transcript]] = {}
    for path in sorted(folder.iterdir()):
        header, transcript = load(path)
        transcripts.setdefault(header.revision, []).append(transcript)
    return read_run(transcripts, "")


def all_rules_of(side: Side, modern: Collection[bool] = (False, True), transport: str = "stdio") -> set[str]:
    """Every rule that binds a side over a transport, in either era or in one."""
    chosen = [revision for revision in REVISIONS.values() if revision.modern in modern]
    rules = [rule for revision in chosen for rule in rules_for(side, revision)]
    return {rule.name for rule in rules if rule.transports is None or transport in rule.transports}
