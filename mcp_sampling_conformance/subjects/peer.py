"""A peer under test, a server, client or callback: provoked once for all rules, then judged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from ..judging.judge import broken_since
from ..protocol.revisions import Revision
from ..rules.registry import rules_for
from ..scenarios.conditions import Conditions, Generated, Patience
from ..transcript.bugs import bug_report
from ..transcript.recorder import Recorder
from ..transcript.run import RevisionRun, Run, conclude
from ..transcript.transcript import Side
from .judgement import RecordJudgement
from .own_thread import OwnThread
from .subject import RunTerms

#: seconds between two looks at what is going on
_TICK = 0.02
#: seconds that the scenarios may take to an end that they are told to come to; a callback may block their event loop
_END = 15.0

Provoke = Callable[[Sequence[Revision], Conditions], Awaitable[Run]]


@dataclass(frozen=True)
class PeerSubject:
    """A peer under test, with the scenarios that provoke it."""

    kind: str  #: "server", "client" or "callback"
    side: Side  #: whose rules it is judged by
    value: str  #: as the user typed it
    transport: str
    provoke: Provoke
    patience: Patience
    newest: bool  #: only the newest revision of each era that it speaks is judged
    generated: Generated
    new_recorder: Callable[[], Recorder] = field(default=Recorder)

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
        began = time.monotonic()
        try:
            run = self._provoked(terms, recorder)
        except Exception as error:  # a bug of ours: said once, and not by every item
            bug = bug_report(error)
            run = Run({revision.name: RevisionRun(failure=bug) for revision in terms.revisions})
        run.seconds = time.monotonic() - began
        conclude(run, recorder, self.transport)
        return run

    def _provoked(self, terms: RunTerms, recorder: Recorder) -> Run:
        """Run the scenarios, to their end or up to where they are to end early."""

        def say(text: str) -> None:
            terms.progress.say(terms.mask(text))

        conditions = Conditions(
            self.patience.timeout,
            say,
            self.generated,
            broken_since,
            recorder,
            self.patience.start_timeout,
            self.newest,
        )

        scenarios = OwnThread(lambda: self.provoke(terms.revisions, conditions))
        try:
            return self._awaited(scenarios, conditions, terms)
        except BaseException:  # Ctrl-C, or another plugin's limit of time
            scenarios.tell(conditions.stop, "the run was interrupted")
            scenarios.wait(_END)
            raise
        finally:
            terms.progress.clear()

    def _awaited(self, scenarios: OwnThread[Run], conditions: Conditions, terms: RunTerms) -> Run:
        begun, ends = time.monotonic(), inf
        while not scenarios.done:
            now, reason = time.monotonic(), terms.interrupted()
            if now - begun > self.patience.max_time:
                reason = reason or f"the run took longer than {self.patience.max_time:g} s (--mcp-max-time)"
            if reason and ends == inf:
                ends = now + _END
                scenarios.tell(conditions.stop, reason)
            if now > ends:
                conditions.recorder.freeze(reason)
                nothing = {revision.name: RevisionRun() for revision in terms.revisions}
                return Run(nothing, ended_early=f"{reason}, while the {self.kind} under test held up the harness")
            terms.progress.show()
            time.sleep(_TICK)
        return replace(scenarios.outcome(), ended_early=conditions.ending.reason)
