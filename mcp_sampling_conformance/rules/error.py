"""error: refusals and broken answers.

client/sampling "Error Handling"; basic "Responses".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence
from ..verdicts import Finding
from ..wire.transcript import Side
from . import ALWAYS_MUST, ALWAYS_SHOULD, SERVER, rule
from .shapes import survived


@rule(
    "error/answered-error-survived",
    SERVER,
    ALWAYS_MUST,
    "client/sampling",
    "error-handling",
    unobserved="no sampling request could be answered with an error",
)
def answered_error_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server whose sampling request is answered with an error, of whatever code, answers its own call and serves the
    next one."""
    for probe in evidence.probes("error"):
        yield from survived(probe)


@rule(
    "error/malformed-result-survived",
    SERVER,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no sampling request could be answered with a malformed result",
)
def malformed_result_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers its call and lives on when the answer to its sampling request breaks the schema."""
    for probe in evidence.probes("malformed"):
        yield from survived(probe)
