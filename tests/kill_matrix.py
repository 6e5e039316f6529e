"""Shared by the two kill matrices: run the mutants side by side, and gather what each broke."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.rules.registry import rules_for
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.archive import About, SavingRecorder, load
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.run import Run, conclude, read_run
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

#: runs a mutant, by its name, in the revision in which it is one
Provoke = Callable[[str, str, Conditions], Awaitable[Run]]

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


def kill(
    mutants: Mapping[str, Any],
    provoke: Provoke,
    side: Side,
    timeout: float,
    transport: str = "stdio",
) -> dict[str, dict[str, str]]:
    """What each mutant broke; they run side by side, for they wait as much as they work.

    The record of each is saved and judged again, and nothing may differ.
    """
    with ProcessPoolExecutor(4) as pool:
        jobs = {
            name: pool.submit(_broken_by, provoke, name, mutant.revision, side, timeout, transport)
            for name, mutant in mutants.items()
        }
        return {name: job.result() for name, job in jobs.items()}


def _broken_by(
    provoke: Provoke, name: str, revision: str, side: Side, timeout: float, transport: str
) -> dict[str, str]:
    with TemporaryDirectory() as folder:
        recorder = SavingRecorder(Path(folder), About(side.value, side, name, {}, None), Mask())
        run = anyio.run(provoke, name, revision, Conditions(timeout, recorder=recorder))
        conclude(run, recorder, transport)
        recorder.close()
        results = judged(run, side, transport)
        assert judged(loaded(Path(folder)), side, transport) == results, "saved and judged again it differs"
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
