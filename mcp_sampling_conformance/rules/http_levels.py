"""What the rules about Streamable HTTP share: their levels and pages. The transport came with 2025-03-26."""

from __future__ import annotations

from .rule import ADVICE, MUST, SHOULD, Levels

ALWAYS_HTTP_MUST: Levels = {"2025-03-26": MUST}
LEGACY_HTTP_MUST: Levels = {"2025-03-26": MUST, "2026-07-28": None}
LEGACY_HTTP_ADVICE: Levels = {"2025-03-26": ADVICE, "2026-07-28": None}
LEGACY_HTTP_SHOULD: Levels = {"2025-03-26": SHOULD, "2026-07-28": None}
TRANSPORTS = "basic/transports"
#: the page since 2026-07-28
STREAMABLE = "basic/transports/streamable-http"
