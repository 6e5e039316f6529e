"""Known failures: which results they cover, what is new beside them, and which of them are known no longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .results import Result, Verdict

#: between a rule and a revision in an entry
AT = "@"
#: in place of a rule's name: every rule of the topic
WHOLE_TOPIC = "*"


class Standing(StrEnum):
    """How a result stands to the known failures."""

    KNOWN = "known"  #: it fails, as is known
    NEW = "new"  #: it fails, and that was not known
    FIXED = "fixed"  #: it was known to fail, and holds


@dataclass(frozen=True)
class KnownFailure:
    """One line of known failures: ``rule``, ``rule@revision``, ``topic/*`` or ``topic/*@revision``."""

    text: str  #: as it was written
    line: int  #: in the file, from 1
    reason: str = ""
    link: str = ""
    flaky: bool = False  #: it fails in some runs and holds in others

    @property
    def rule(self) -> str:
        return self.text.partition(AT)[0]

    @property
    def revision(self) -> str:
        """Nothing where it is about every revision."""
        return self.text.partition(AT)[2]

    def covers(self, rule: str, revision: str) -> bool:
        """Whether it is about this rule in this revision."""
        if self.revision not in ("", revision):
            return False
        topic, _, name = self.rule.partition("/")
        return self.rule == rule or (name == WHOLE_TOPIC and rule.startswith(f"{topic}/"))

    @property
    def because(self) -> str:
        """What its author says of it."""
        return " ".join(part for part in (self.reason, self.link) if part)


@dataclass(frozen=True)
class Comparison:
    """What a run came to, against the known failures."""

    known: Sequence[Result]
    new: Sequence[Result]
    stale: Sequence[KnownFailure]  #: entries that nothing fails any more

    @property
    def closing_line(self) -> str:
        """``3 known, 0 new, 1 fixed: remove max-tokens/integer@2025-11-25 (line 4)``."""
        counts = f"{len(self.known)} known, {len(self.new)} new, {len(self.stale)} fixed"
        entries = ", ".join(f"{entry.text} (line {entry.line})" for entry in self.stale)
        return f"{counts}: remove {entries}" if entries else counts


@dataclass(frozen=True)
class Baseline:
    """The known failures of one implementation in one role."""

    entries: Sequence[KnownFailure] = ()

    def entry_for(self, rule: str, revision: str) -> KnownFailure | None:
        """The first entry that is about a rule in a revision."""
        return next((entry for entry in self.entries if entry.covers(rule, revision)), None)

    def standing(self, result: Result) -> Standing | None:
        """How a result stands to what is known; ``None`` where there is nothing to say."""
        entry = self.entry_for(result.rule, result.revision)
        if result.verdict is Verdict.FAIL:
            return Standing.KNOWN if entry else Standing.NEW
        return Standing.FIXED if entry in self._stale([result]) else None

    def compare(self, results: Sequence[Result]) -> Comparison:
        """What the results of a whole run, or of the part that was selected, come to."""
        failed = [result for result in results if result.verdict is Verdict.FAIL]
        known = [result for result in failed if self.entry_for(result.rule, result.revision)]
        new = [result for result in failed if not self.entry_for(result.rule, result.revision)]
        return Comparison(known, new, self._stale(results))

    def _stale(self, results: Iterable[Result]) -> list[KnownFailure]:
        """The entries of which something holds and nothing is broken. What was not observed says nothing."""
        verdicts = {
            entry: {result.verdict for result in results if entry.covers(result.rule, result.revision)}
            for entry in self.entries
            if not entry.flaky
        }
        broken = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}
        return [entry for entry, seen in verdicts.items() if Verdict.PASS in seen and not seen & broken]


def fails_everywhere(results: Iterable[Result]) -> dict[str, bool]:
    """Of each rule, whether it fails in every revision in which it was judged, and these are several."""
    verdicts: dict[str, list[Verdict]] = {}
    for result in results:
        if result.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL):
            verdicts.setdefault(result.rule, []).append(result.verdict)
    return {rule: len(seen) > 1 and {*seen} == {Verdict.FAIL} for rule, seen in verdicts.items()}
