"""Shared by the kill matrices: run a mutant, and gather what it broke."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.rules.registry import rules_for
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.archive import About, SavingRecorder, load
from mcp_sampling_conformance.transcript.items import item_to_json
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
    """What a mutant broke. It is judged by its record as saved to the folder, which must say what was seen."""
    recorder = SavingRecorder(folder, About(side.value, side, "a mutant", {}, None), Mask())
    run = provoke(Conditions(timeout, recorder=recorder))
    conclude(run, recorder, transport)
    recorder.close()
    saved = loaded(folder)
    assert content_of(saved) == content_of(run), "what was saved differs from what was seen"
    return broken(judged(saved, side, transport))


def content_of(run: Run) -> dict[str, object]:
    """All that verdicts rest on, by revision."""
    return {
        name: (
            replace(record, transcripts=[]),
            [(each.name, each.transport, [item_to_json(item) for item in each.items]) for each in record.transcripts],
        )
        for name, record in run.revisions.items()
    }


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
