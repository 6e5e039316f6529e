"""How binding a rule is (RFC 2119, as the specification uses it), and ADVICE, which is ours."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How binding a rule is. ADVICE stands in no specification and never fails a run."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    ADVICE = "ADVICE"
