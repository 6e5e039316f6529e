"""Where long messages of a record are kept: in a file without a name, which goes with the process, not in memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from dataclasses import dataclass, field

#: bytes from which on it is worth while
LONG = 4096


class Store:
    """Bytes put one after the other into a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="mcp-sampling-", buffering=0)  # noqa: SIM115 (it outlives this function)
        weakref.finalize(self, self._file.close)  # it outlives no reader
        self._size = 0

    def keep(self, raw: bytes) -> bytes | Kept:
        """The bytes themselves where they are short, else where they are now. Raises ``OSError`` on a full disk."""
        if len(raw) < LONG:
            return raw
        kept = Kept(self, self._size, len(raw))
        view = memoryview(raw)
        while view:
            written = os.pwrite(self._file.fileno(), view, self._size)
            self._size += written
            view = view[written:]
        return kept

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from a place on."""
        return os.pread(self._file.fileno(), size, offset)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where in a store some bytes are."""

    store: Store = field(repr=False, compare=False)
    offset: int
    size: int

    def read(self) -> bytes:
        return self.store.read(self.offset, self.size)


def bytes_of(content: bytes | Kept) -> bytes:
    """The bytes, wherever they are."""
    return content if isinstance(content, bytes) else content.read()
