"""association: which request of the client a sampling request belongs to.

client/sampling "User Interaction Model": sampling is nested inside other features.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence
from ..verdicts import HELD, Finding, broken
from ..wire.transcript import Side
from . import ALWAYS_ADVICE, SERVER, rule


@rule(
    "association/within-a-request",
    SERVER,
    ALWAYS_ADVICE,
    "client/sampling",
    "user-interaction-model",
    unobserved="no sampling request came",
)
def within_a_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Sampling is asked for while a request of the client is being processed."""
    for exchange in evidence.exchanges:
        session, index = exchange.request.session, exchange.request.index
        if any(
            message.is_request
            and message.index < index
            and all(response.index > index for response in session.responses_to(message))
            for message in session.sent_by(Side.CLIENT)
        ):
            yield HELD
        else:
            yield broken(
                exchange.request.at("method"), "a sampling request came while no request of the client was pending"
            )
