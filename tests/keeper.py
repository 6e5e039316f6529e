"""Starts runs of pytest as processes of their own, without the second that each would spend on imports.

``python keeper.py ADDRESS`` imports all that a run needs, listens at that Unix socket, and forks for each connection a
keeper, until its stdin is closed. The keeper reads one line, a ``Request`` as JSON, starts the run, says
``{"keeper": PID, "run": PID}``, and when the run has ended ``{"exit": CODE, "peak": MEGABYTES}``; then it stays until
the connection is closed. It is the ancestor of everything that comes of the run: on Linux an orphan is handed to it,
whatever it did to be forgotten. The peak is that of the largest process among the run and what it has waited for:
measured from here, since a new process inherits the peak of the one that starts it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from importlib import import_module, metadata
from typing import TextIO, TypedDict

import pytest

import mcp_sampling_conformance

_PR_SET_CHILD_SUBREAPER = 36


class Request(TypedDict):
    """A run that is wanted."""

    options: list[str]  #: of pytest
    folder: str  #: where it runs
    printed: str  #: the file that stdout and stderr go to
    env: dict[str, str]  #: all of its environment


def main(address: str) -> None:
    _import_all()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print(flush=True)  # from now on it can be connected to
    gc.freeze()  # what is shared is not copied by looking for garbage in it
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _keep(connection)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                """A keeper that has gone is forgotten."""


def _import_all() -> None:
    for plugin in metadata.entry_points(group="pytest11"):
        plugin.load()
    for module in pkgutil.walk_packages(mcp_sampling_conformance.__path__, "mcp_sampling_conformance."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _keep(connection: socket.socket) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with connection.makefile("rw", encoding="utf-8") as talk:
        request: Request = json.loads(talk.readline())
        run = os.fork()
        if run == 0:
            talk.close()
            connection.close()
            _run(request)
        _say(talk, keeper=os.getpid(), run=run)
        ended, status = 0, 0
        while ended != run:  # orphans are reaped on the way
            ended, status, usage = os.wait4(-1, 0)
        unit = 1024 if sys.platform == "linux" else 1024 * 1024
        _say(talk, exit=os.waitstatus_to_exitcode(status), peak=usage.ru_maxrss // unit)
        talk.read()
    os._exit(0)


def _say(talk: TextIO, **what: int) -> None:
    print(json.dumps(what), file=talk, flush=True)


def _run(request: Request) -> None:
    """Become ``python -m pytest OPTIONS``, as one that is started anew."""
    os.setsid()
    # Whoever runs the tests in the background has some of them ignored.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        signal.signal(number, handler)
    nothing, printed = os.open(os.devnull, os.O_RDONLY), os.open(request["printed"], os.O_WRONLY)
    for source, target in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(printed)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    tempfile.tempdir = None  # it is looked up again
    sys.path[0] = request["folder"]
    sys.argv[1:] = request["options"]
    sys.exit(pytest.console_main())


if __name__ == "__main__":
    main(sys.argv[1])
