"""What each revision of MCP allows in sampling, as one table.

Sources: ``schema/<revision>/schema.ts`` and ``client/sampling`` of each revision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPECIFICATION = "https://modelcontextprotocol.io/specification"
#: https://modelcontextprotocol.io/specification/2026-07-28/deprecated
DEPRECATION = "sampling is deprecated in MCP since 2026-07-28, and stays in it until 2027-07-28 at least"
SCHEMA_SOURCE = "https://github.com/modelcontextprotocol/modelcontextprotocol/blob/main/schema"


@dataclass(frozen=True)
class Revision:
    """One published revision and the parts of sampling that came or went with it."""

    name: str
    #: types a block of a sampling message may have
    content_types: frozenset[str]
    #: types a block inside ``tool_result.content`` may have (empty: there is no tool_result)
    tool_result_types: frozenset[str]
    #: ``content`` may be an array of blocks, not only one block
    content_arrays: bool
    #: ``tools``, ``toolChoice`` and the ``sampling.tools`` / ``sampling.context`` capabilities exist
    tools: bool
    #: ``task`` in the params of a request exists
    tasks: bool
    #: an array of JSON-RPC messages is a message too
    batches: bool
    #: ``annotations.lastModified`` exists
    last_modified: bool
    #: the modern era: no handshake, sampling travels in multi round-trip requests
    modern: bool
    #: where the specification's site keeps the pages that moved between revisions
    pages: Mapping[str, str] = field(hash=False)

    @property
    def version_header(self) -> bool:
        """Whether HTTP requests name the revision in a header."""
        return self.name >= "2025-06-18"

    @property
    def polling(self) -> bool:
        """Whether a server over HTTP may close a connection and have the client poll the stream that was on it."""
        return self.name >= "2025-11-25" and not self.modern

    @property
    def call_result_types(self) -> frozenset[str]:
        """Types a block in the result of a call may have."""
        links = _LINKS if self.name >= "2025-06-18" else _NONE
        return (self.content_types & _AUDIO) | links | {"resource"}

    @property
    def era(self) -> str:
        return "modern" if self.modern else "legacy"


_TEXT_IMAGE = frozenset({"text", "image"})
_AUDIO = _TEXT_IMAGE | {"audio"}
_TOOLS = _AUDIO | {"tool_use", "tool_result"}
_LINKS = frozenset({"resource_link"})
_RESULT_BLOCKS = _AUDIO | _LINKS | {"resource"}
_NONE: frozenset[str] = frozenset()

_PAGES_2024 = {"messages": "basic/messages"}
_PAGES_2025 = {"messages": "basic"}
_PAGES_SCHEMA = {**_PAGES_2025, "schema": "schema"}
_PAGES_2026 = {
    **_PAGES_SCHEMA,
    "basic/utilities/cancellation": "basic/patterns/cancellation",
    "basic/utilities/progress": "basic/patterns/progress",
}

REVISIONS: dict[str, Revision] = {
    revision.name: revision
    for revision in (
        # name, content, in tool_result, arrays, tools, tasks, batches, lastModified, modern, pages
        Revision("2024-11-05", _TEXT_IMAGE, _NONE, False, False, False, False, False, False, _PAGES_2024),
        Revision("2025-03-26", _AUDIO, _NONE, False, False, False, True, False, False, _PAGES_2025),
        Revision("2025-06-18", _AUDIO, _NONE, False, False, False, False, True, False, _PAGES_SCHEMA),
        Revision("2025-11-25", _TOOLS, _RESULT_BLOCKS, True, True, True, False, True, False, _PAGES_SCHEMA),
        Revision("2026-07-28", _TOOLS, _RESULT_BLOCKS, True, True, False, False, True, True, _PAGES_2026),
    )
}

#: oldest first
NAMES: tuple[str, ...] = tuple(REVISIONS)
MODERN = frozenset(name for name, revision in REVISIONS.items() if revision.modern)
NEWEST_LEGACY = next(name for name in reversed(NAMES) if name not in MODERN)


def revision_named(name: str) -> Revision:
    """The revision of this name. Raises ``ValueError`` with one sentence."""
    if name not in REVISIONS:
        raise ValueError(f"there is no revision {name!r}; known are {', '.join(NAMES)}")
    return REVISIONS[name]


def page_url(revision: Revision, page: str, anchor: str) -> str:
    """The address of a section; ``page`` is a path below the revision, ``"messages"`` or ``"schema"``."""
    if page == "schema" and "schema" not in revision.pages:
        return f"{SCHEMA_SOURCE}/{revision.name}/schema.ts"
    # The type of these params, and with it an anchor for each of them, came with 2025-11-25.
    if anchor.startswith("createmessagerequestparams") and not revision.tools:
        anchor = "createmessagerequest-params"
    return f"{SPECIFICATION}/{revision.name}/{revision.pages.get(page, page)}#{anchor}"
