"""Which id the server will give its next request, going by its last ones."""

from __future__ import annotations

import re
from typing import Any

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import is_integer


def next_id_of_server(client: FixtureClient) -> int | str | None:
    """What the server's next request id will be, where its last two ids count up; else ``None``."""
    if len(client.recent_server_ids) < 2:
        return None
    (head_before, before), (head, last) = (_counted(id) for id in client.recent_server_ids)
    if last is None or before is None or head != head_before or last - before != 1:
        return None
    foreseen = last + 1 if head is None else f"{head}{last + 1}"
    return None if foreseen in client.used_ids else foreseen


#: ids beyond that count nothing: they take long to read, or are too large to be written
_LONGEST_ID, _LARGEST_ID = 200, 10**18
_COUNTED = re.compile(r"(.*?)(0|[1-9][0-9]{0,17})", re.DOTALL)


def _counted(id: Any) -> tuple[str | None, int | None]:
    """An id as what stands before its number, and the number."""
    if is_integer(id) and abs(id) < _LARGEST_ID:
        return None, int(id)
    found = _COUNTED.fullmatch(id) if isinstance(id, str) and len(id) <= _LONGEST_ID else None
    return (found[1], int(found[2])) if found else (None, None)
