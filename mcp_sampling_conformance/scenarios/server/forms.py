"""The forms of the sampling capability that the fixture client declares, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...protocol.revisions import Revision

#: by their names for people; ``None`` declares no sampling
FORMS: Mapping[str, Mapping[str, Any] | None] = {
    "no sampling": None,
    "sampling {}": {},
    "sampling.tools": {"tools": {}},
    "sampling.context": {"context": {}},
    "sampling.tools, sampling.context and an unknown member": {
        "tools": {},
        "context": {},
        "com.example/unknown": {"nested": [1]},
    },
}
NO_SAMPLING, EMPTY, TOOLS, CONTEXT, EVERYTHING = FORMS


def first_form(revision: Revision) -> str:
    """The form for the first connection, which gets all the probes."""
    return TOOLS if revision.tools else EMPTY
