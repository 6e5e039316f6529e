"""A peer under test, a server, client or callback: provoked once for all rules, then judged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

from anyio.from_thread import start_blocking_portal

from ..judging.judge import broken_since
from ..protocol.revisions import Revision
from ..rules.registry import rules_for
from ..scenarios.conditions import Conditions, Generated
from ..transcript.recorder import Recorder
from ..transcript.run import RevisionRun, Run, conclude
from ..transcript.transcript import Side
from ..transports.to_server.servers import Server
from .judgement import RecordJudgement
from .subject import RunTerms, bug_report

Provoke = Callable[[Sequence[Revision], Conditions], Awaitable[Run]]


@dataclass(frozen=True)
class PeerSubject:
    """A peer under test, with the scenarios that provoke it."""

    kind: str  #: "server", "client" or "callback"
    side: Side  #: whose rules it is judged by
    value: str  #: as the user typed it
    transport: str
    provoke: Provoke
    timeout: float  #: seconds that any one answer may take
    generated: Generated
    new_recorder: Callable[[], Recorder] = field(default=Recorder)
    server: Server | None = None  #: how a server under test is reached

    @property
    def role(self) -> str:
        return self.side.value

    def rules(self, revision: Revision) -> list[str]:
        return [rule.name for rule in rules_for(self.side, revision)]

    def judge(self, terms: RunTerms) -> RecordJudgement:
        recorder = self.new_recorder()
        try:
            run = self._recorded(terms, recorder)
        finally:
            recorder.close()
        return RecordJudgement(self, self.kind, run, terms)

    def _recorded(self, terms: RunTerms, recorder: Recorder) -> Run:
        try:
            run = self._provoked(terms, recorder)
        except Exception:  # a bug of ours: said once, and not by every item
            bug = bug_report()
            run = Run({revision.name: RevisionRun(failure=bug) for revision in terms.revisions})
        conclude(run, recorder, self.transport)
        return run

    def _provoked(self, terms: RunTerms, recorder: Recorder) -> Run:
        """Run the scenarios on a thread of their own, so that no event loop of the user's tests is touched."""
        progress, mask = terms.progress, terms.mask

        def say(text: str) -> None:
            progress.say(mask(text))

        conditions = Conditions(self.timeout, say, self.generated, broken_since, recorder)

        async def run() -> Run:
            return await self.provoke(terms.revisions, conditions)

        with start_blocking_portal() as portal:
            future = portal.start_task_soon(run)
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
