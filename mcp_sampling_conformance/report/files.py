"""Reports as files: whole or not at all, and none that looks like the result of a run that it is not of."""

from __future__ import annotations

import errno
import os
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path


def check(path: Path) -> None:
    """Raises ``OSError`` when a report cannot be written there."""
    target = path.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if _is_special(target):
        target.open("ab").close()
    else:
        tempfile.TemporaryFile(dir=target.parent).close()


def remove_old(path: Path) -> None:
    """Remove the report of an earlier run. Raises ``OSError``."""
    target = path.resolve()
    if not _is_special(target):
        target.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Write a report. Raises ``OSError``; then what was there before is there still."""
    target, raw = path.resolve(), text.encode("utf-8", "backslashreplace")
    if _is_special(target):
        target.write_bytes(raw)
        return
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(raw)
        temporary.replace(target)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _is_special(target: Path) -> bool:
    """Whether it is there and cannot be replaced, such as a terminal or a pipe."""
    return target.exists() and not target.is_file() and not target.is_dir()
