"""Which probes to perform on the main connection of a revision, in which order, and what is left when it ends early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ...peers.client import FixtureClient
from ...protocol.revisions import Revision
from ..conditions import Progress
from .callees import Callee, Found
from .probes import FIRST, SECOND, ProbeScript, perform, probes_for

#: a group of probes is left out once so many of the group hung or ended the server
_STRIKES = 2

PlannedProbe = tuple[ProbeScript, Callee]


def plain_calls(found: Found) -> list[PlannedProbe]:
    """Two plain calls of everything that samples."""
    return [(probe, callee) for callee in found.sampling for probe in (FIRST, SECOND)]


def all_probes(revision: Revision, found: Found) -> list[PlannedProbe]:
    """Everything for the main connection: the plain calls, then valid answers for all callees before hostile ones for
    any."""
    chosen = [(probe, callee) for callee in found.probed for probe in probes_for(revision, found.offers_tools(callee))]
    return plain_calls(found) + sorted(chosen, key=lambda planned: planned[0].hostile)


class PlainCalls(NamedTuple):
    """What came of the plain calls of a connection."""

    good: bool  #: the connection is good for more
    sampled: bool  #: one of them sampled


async def call_plainly(client: FixtureClient, found: Found, *, once: bool = False) -> PlainCalls:
    """Make the plain calls, or with ``once`` the first of everything that samples."""
    sampled = False
    for probe, callee in plain_calls(found):
        if once and probe is not FIRST:
            continue
        good = await perform(client, probe, callee)
        sampled |= bool(client.sampling)
        if not good:
            return PlainCalls(False, sampled)
    return PlainCalls(True, sampled)


class Plan:
    """What is left to be done in one revision, over as many connections as it takes."""

    def __init__(self, revision: Revision, probes: Iterable[PlannedProbe], progress: Progress) -> None:
        self.left = list(probes)
        self._revision = revision
        self._progress = progress
        self._strikes: Counter[str] = Counter()  #: probes that failed, by group

    async def perform(self, client: FixtureClient) -> None:
        """Perform what is left, in order, until nothing is or the connection is good for no more."""
        while self.left:
            probe, callee = self.left.pop(0)
            self._progress(f"{self._revision.name}: {probe.name}")
            if not await perform(client, probe, callee):
                self._strike(probe)
                return
            if probe.last:
                return

    def _strike(self, failed: ProbeScript) -> None:
        """Take from what is left that for which there is no hope after a probe has failed."""
        if failed in (FIRST, SECOND):
            self.left = []  # a server that fails the plainest call has nothing more to show
            return
        self._strikes[failed.group] += 1
        if self._strikes[failed.group] >= _STRIKES:
            self.left = [planned for planned in self.left if planned[0].group != failed.group]
