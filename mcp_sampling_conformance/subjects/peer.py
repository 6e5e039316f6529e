"""A subject that speaks MCP, a server, a client or a callback: provoked once for all rules, then judged."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace

from anyio.from_thread import start_blocking_portal

from ..judging.status import glances
from ..judging.judge import judge, without_evidence
from ..protocol.revisions import Revision
from ..rules.registry import rules_for
from ..transports.to_server.servers import Server
from ..scenarios.run import RevisionRun, Run
from .subject import REACHED, Terms, on_the_run
from ..judging.results import Result, Verdict
from ..transcript.transcript import Side

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Party:
    """A party to MCP under test, with the scenarios that provoke it."""

    kind: str  #: "server", "client" or "callback"
    side: Side  #: whose rules it is judged by
    value: str
    transport: str
    provoke: Callable[[Sequence[Revision], Progress], Awaitable[Run]]
    server: Server | None = None

    @property
    def role(self) -> str:
        return self.side.value

    def rules(self, revision: Revision) -> list[str]:
        return [rule.name for rule in rules_for(self.side, revision)]

    def judge(self, terms: Terms) -> PartyJudgement:
        return PartyJudgement(self, terms)


class PartyJudgement:
    """The verdicts on the record of a party."""

    def __init__(self, party: Party, terms: Terms) -> None:
        self._party = party
        self._terms = terms
        try:
            run = self._provoke()
        except Exception:  # a bug of ours: said once, and not by every item
            bug = f"a bug in the harness, please report it:\n{traceback.format_exc()}"
            run = Run({revision.name: RevisionRun(failure=bug) for revision in terms.revisions})
        self.reached = bool(run.reached)
        notes = (terms.mask(note) for record in run.revisions.values() for note in record.notes)
        self.notes = list(dict.fromkeys(notes))
        judged = {each: self._judged(each, run.revisions[each.name]) for each in terms.revisions}
        self._results: dict[tuple[str, Revision | None], Result] = {(REACHED, None): self._reached(run)}
        self._results |= {(r.rule, each): r for each, results in judged.items() for r in results}
        records = {each: run.revisions[each.name] for each in terms.revisions}
        self.glances = [replace(glance, why=terms.mask(glance.why)) for glance in glances(records, party.side, judged)]

    def result(self, rule: str, revision: Revision | None) -> Result:
        return self._results[rule, revision]

    def _provoke(self) -> Run:
        """Run the scenarios on a thread of their own, so that no event loop of the user's tests is touched."""
        progress, mask = self._terms.progress, self._terms.mask

        def say(text: str) -> None:
            progress.say(mask(text))

        with start_blocking_portal() as portal:
            future = portal.start_task_soon(self._run_scenarios, say)
            try:
                while not future.done():
                    progress.show()
                    time.sleep(0.02)
                return future.result()
            except (KeyboardInterrupt, CancelledError):
                future.cancel()
                raise KeyboardInterrupt from None
            finally:
                progress.clear()

    async def _run_scenarios(self, say: Progress) -> Run:
        return await self._party.provoke(self._terms.revisions, say)

    def _judged(self, revision: Revision, record: RevisionRun) -> list[Result]:
        party, terms = self._party, self._terms

        def all_alike(verdict: Verdict, reason: str) -> list[Result]:
            return without_evidence(revision, party.side, party.transport, verdict, terms.mask(reason))

        if record.not_negotiated is not None:
            return all_alike(Verdict.NOT_APPLICABLE, record.not_negotiated)
        if record.failure is not None:
            return all_alike(Verdict.NOT_OBSERVED, f"the {party.kind} did not come up, see {REACHED}")
        return judge(record.transcripts, revision, party.side, party.transport, strict=terms.strict, mask=terms.mask)

    def _reached(self, run: Run) -> Result:
        """The verdict on the run as a whole: whether the party came up, and took part in sampling at all."""
        kind = self._party.kind
        failures = {name: record.failure for name, record in run.revisions.items() if record.failure}
        refusals = {n: record.not_negotiated for n, record in run.revisions.items() if record.not_negotiated}
        if failures:
            verdict = Verdict.ERROR
            message = f"the {kind} under test could not be judged:\n" + _by_text(failures)
        elif len(refusals) == len(run.revisions):
            verdict = Verdict.FAIL
            message = f"the {kind} speaks none of the revisions asked for:\n{_by_text(refusals)}"
        elif not run.reached:
            verdict = Verdict.FAIL
            message = run.unreached
        else:
            verdict, message = Verdict.PASS, ", ".join(run.reached)
        statement = f"A run judges a {kind} only if that comes up and takes part in sampling."
        return on_the_run(self._party, self._terms, verdict, message, statement)


def _by_text(reasons: dict[str, str]) -> str:
    """Reasons that several revisions share, once each."""
    by_text: dict[str, list[str]] = {}
    for name, text in reasons.items():
        by_text.setdefault(text, []).append(name)
    return "\n".join(f"{', '.join(names)}: {text}" for text, names in by_text.items())
