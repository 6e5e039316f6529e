"""A run on a hostile system under test: a real pytest in a process of its own, and what holds of each such run.

``judge`` is a whole run; ``started`` is one under way, for tests that interrupt it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

KEEPER = Path(__file__).with_name("keeper.py")
#: every process of a run carries this variable, unless it took care not to
MARK = "HOSTILE_RUN"
#: megabytes that a process of a run may take
CAP = 700
#: what keeps a run from what is around it; modules are imported already where it begins
_PLAIN = ("-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "ignore::pytest.PytestAssertRewriteWarning")
#: seconds that what was killed may take to go, on a busy machine
_GOING = 10.0
#: what a terminal or an editor may obey; a line may end and be indented
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: how pytest says what there is to judge, alone and with workers
_COLLECTED = re.compile(r"collected (\d+) items?|workers? \[(\d+) items?\]")


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    text: str  #: all that it printed
    exit: int  #: the code of pytest; a negative number where a signal ended it
    report: Any  #: the JSON report, parsed; ``None`` where there is none
    left: list[str]  #: the processes of the run that are still there, in words
    folders: list[str]  #: what is left in the folder for temporary files
    peak: int  #: megabytes of its largest process
    folder: Path  #: where it ran

    def results(self, rule: str) -> list[dict[str, Any]]:
        """The results of a rule in the report, one a revision."""
        return [result for result in self.report["results"] if result["rule"] == rule]


def judge(tmp_path: Path, *options: str, timeout: float = 60) -> Outcome:
    """Run ``pytest mcp-sampling OPTIONS --mcp-report r.json`` in ``tmp_path``; fails with what was printed where that
    does not end by itself within ``timeout`` seconds."""
    with started(tmp_path, *options) as run:
        return run.ended(timeout)


def sound(outcome: Outcome) -> None:
    """Assert what holds of each run that was not interrupted, however hostile the system under test."""
    assert outcome.exit in (0, 1), outcome.text
    for text in ("Traceback", "INTERNALERROR", "bug in the harness"):
        assert text not in outcome.text
    assert outcome.report is not None, outcome.text
    results = outcome.report["results"]
    collected = _COLLECTED.search(outcome.text)
    assert results
    assert collected is None or len(results) == int(collected[1] or collected[2]), outcome.text
    assert sum(outcome.report["summary"].values()) == len(results)
    clean(outcome)


def clean(outcome: Outcome) -> None:
    """Assert what holds of each run, however it ended: it obeys nobody, leaves nothing, and takes little memory."""
    for text in (outcome.text, *_texts(outcome.report)):
        assert not _CONTROL.search(text), repr(text)
    assert outcome.left == []
    assert outcome.folders == []
    assert outcome.peak < CAP


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    for part in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _texts(part)


@contextmanager
def started(tmp_path: Path, *options: str) -> Iterator[Running]:
    """A run under way; call ``ended`` on it. Whatever is left of it in the end is killed."""
    mark = uuid.uuid4().hex
    temporary = Path(tempfile.mkdtemp(prefix="h-"))  # and not in tmp_path: the path of a socket must be short
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    env |= {MARK: mark, "TMPDIR": str(temporary), "COLUMNS": "150"}
    (tmp_path / "printed").touch()
    request = {
        "options": ["mcp-sampling", *options, *_PLAIN, "--mcp-report", "r.json"],
        "folder": str(tmp_path),
        "printed": str(tmp_path / "printed"),
        "env": env,
    }
    keeper = socket.socket(socket.AF_UNIX)
    keeper.connect(_keepers())
    keeper.sendall(json.dumps(request).encode() + b"\n")
    run = Running(keeper, tmp_path, temporary, mark)
    try:
        yield run
    finally:
        run.kill()
        shutil.rmtree(temporary)


@functools.cache
def _keepers() -> str:
    """Where the process is reached that starts the runs; it ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="k-"))
    address = str(folder / "s")
    process = subprocess.Popen(
        [sys.executable, str(KEEPER), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
    )
    assert process.stdout is not None
    process.stdout.readline()

    def end() -> None:
        process.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    return address


class Running:
    """A run under way in ``folder``."""

    def __init__(self, keeper: socket.socket, folder: Path, temporary: Path, mark: str) -> None:
        self.folder = folder
        self._connection = keeper
        self._lines = keeper.makefile("rb")
        self._temporary = temporary
        self._mark = mark
        said = json.loads(self._said(60))
        self._keeper: int = said["keeper"]
        self.pid: int = said["run"]  #: of pytest

    @property
    def text(self) -> str:
        """What was printed so far."""
        return (self.folder / "printed").read_text(encoding="utf-8", errors="backslashreplace")

    def until_file(self, name: str, seconds: float = 60) -> str:
        """Wait until the system under test has written something to a file in the folder; returns that."""
        path = self.folder / name
        end = time.monotonic() + seconds
        while not (path.exists() and path.read_text()):
            late = time.monotonic() > end or not psutil.pid_exists(self.pid)
            assert not late, f"no {name}:\n{self.text}"
            time.sleep(0.02)
        return path.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Signal pytest, and nobody else."""
        os.kill(self.pid, number)

    def ended(self, seconds: float) -> Outcome:
        """Wait until it has ended by itself."""
        said = self._said(seconds)
        if not said:
            pytest.fail(f"the run did not end within {seconds:g} s:\n{self.text}")
        end = json.loads(said)
        left = self._left()
        report = self.folder / "r.json"
        text = report.read_text(encoding="utf-8") if report.exists() else ""
        # pytest has a folder of its own there.
        folders = sorted(path.name for path in self._temporary.iterdir() if not path.name.startswith("pytest-of-"))
        return Outcome(
            self.text, end["exit"], json.loads(text) if text else None, left, folders, end["peak"], self.folder
        )

    def kill(self) -> None:
        """End all of it."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.kill()
        self._lines.close()
        self._connection.close()

    def _said(self, seconds: float) -> bytes:
        """The next line of the keeper; nothing where it says none in time."""
        readable, _, _ = select.select([self._connection], [], [], seconds)
        return self._lines.readline() if readable else b""

    def _left(self) -> list[str]:
        """The processes that are there to stay, in words."""
        end = time.monotonic() + _GOING
        while (there := self._processes()) and time.monotonic() < end:
            time.sleep(0.02)
        return [_in_words(process) for process in there]

    def _processes(self) -> list[psutil.Process]:
        """What is there of the run now."""
        found = set(psutil.Process(self._keeper).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != self._keeper and process.environ().get(MARK) == self._mark:
                    found.add(process)
        return [process for process in found if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _in_words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return "?"
