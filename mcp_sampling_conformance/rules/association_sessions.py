"""association, over HTTP: what belongs to one session stays in it.

An id is that of a request "within the same session" (basic "Requests"), which ``initialize`` begins (basic/transports
"Session Management"): in another session it stands for nothing, or for something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call
from ..evidence.session import Probe
from ..protocol.jsonrpc import shown
from ..transcript.events import SaidInAnotherSession
from ..transcript.transcript import Side
from .http_levels import LEGACY_HTTP_MUST
from .rule import HELD, HTTP, SERVER, Finding, broken, rule
from .shapes import call_answered


@rule(
    "association/session-isolated",
    SERVER,
    LEGACY_HTTP_MUST,
    "messages",
    "requests",
    unobserved="no call sampled while another session was open, or its result does not show the sampled text",
    transports=HTTP,
)
def session_isolated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The sampling request of a call comes in its own session, and an answer given in another one never completes
    it."""
    # Who remembers an answer may show it in whatever session.
    asks_again = {probe.callee for probe in evidence.probes("second-call") if probe.exchanges}
    # With the plain calls it was tried whether a session is asked in which nothing was called.
    for probe in evidence.probes("two-sessions", "first-call"):
        if probe.group == "two-sessions" or probe.events(SaidInAnotherSession):
            for call in probe.calls:
                yield from _kept_apart(probe, call, probe.callee in asks_again)


def _kept_apart(probe: Probe, call: Call, asks_again: bool) -> Iterator[Finding]:
    said = probe.events(SaidInAnotherSession)
    own = [exchange for exchange in probe.owned(call) if exchange.answer is not None]
    if call.response is None:
        if own and probe.group != "cancelled":  # who takes back a call should get no response to it
            yield call_answered(call, "while another session was open")
        return
    result = shown(call.response.body, limit=1_000_000)
    if own and any(exchange.text and exchange.text in result for exchange in own):
        yield HELD
        return
    for event in said:
        # What was said to a question of the other session's own call may be remembered, or be asked for both.
        if event.text in result and (not event.called or (own and asks_again)):
            yield broken(call.response.whole, _what_crossed(call, event))
            return


def _what_crossed(call: Call, event: SaidInAnotherSession) -> str:
    result = f"the result of the call with id {shown(call.request.body['id'])} shows {shown(event.text)}"
    if event.id is not None:
        return (
            f"{result}, which another session ({event.session}) had POSTed as if it answered the sampling request with "
            f"id {shown(event.id)} of this one"
        )
    waits = "which called the same at that time" if event.called else "in which no call was under way"
    return f"{result}, the answer to a sampling request that came in another session ({event.session}), {waits}"
