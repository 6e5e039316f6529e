"""The process that starts a system under test on Linux, and ends all that comes of it, whatever that does to escape.

Standard library only and started by path, so that it is up within milliseconds: ``python -S -E -I supervisor_process.py
FOLDER``, with a socket as its stdin. It is a subreaper: an orphan below it, such as a daemon, is handed to it by the
kernel, whatever session or environment that gave itself. When the socket is closed, or the process that started it is
gone, it kills everything below it, removes the folder, and ends.

Each datagram is a command of one byte: ``k`` to kill everything below, or ``s`` to start a program, with four file
descriptors: the program's stdin, stdout and stderr, and a channel. The program is read from the channel as JSON, bytes
as Latin-1: ``{"argv": [...], "cwd": ..., "env": {...}}``. Answered is a line of JSON, ``{"pid": ...}`` or
``{"errno": ..., "filename": ...}``, and when the program has ended a second one, ``{"code": ...}``, with the code as
``subprocess`` has it.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
#: seconds between two looks at what does not go although it was killed, and how often
_PAUSE, _LOOKS = 0.01, 500

_libc = ctypes.CDLL(None)
#: the channels of the programs that run, by process id
_channels: dict[int, socket.socket] = {}


def main(folder: str) -> None:
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        _serve(socket.socket(fileno=0))
    finally:
        _end_all()
        _remove(folder)


def _serve(control: socket.socket) -> None:
    """Obey until whoever commands is gone."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)  # the pipe tells of it
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    while True:
        readable, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in readable:
            if signal.SIGTERM in os.read(woken, 4096):
                return
            _reap()
        if control.fileno() in readable:
            command, descriptors, _, _ = socket.recv_fds(control, 1, 4, socket.MSG_CMSG_CLOEXEC)
            if command == b"s":
                _start(*descriptors)
            elif command == b"k":
                _kill_all()
            else:
                return


def _start(stdin: int, stdout: int, stderr: int, channel_descriptor: int) -> None:
    channel = socket.socket(fileno=channel_descriptor)
    program = json.loads(b"".join(iter(lambda: channel.recv(65536), b"")))
    try:
        process = subprocess.Popen(
            [word.encode("latin-1") for word in program["argv"]],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=program["cwd"].encode("latin-1"),
            env={key.encode("latin-1"): value.encode("latin-1") for key, value in program["env"].items()},
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except OSError as error:
        _tell(channel, {"errno": error.errno, "filename": os.fsdecode(error.filename or "")})
        channel.close()
    else:
        process.returncode = 0  # it is reaped here, and not by subprocess
        _channels[process.pid] = channel
        _tell(channel, {"pid": process.pid})
    finally:
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _tell(channel: socket.socket, what: dict[str, object]) -> None:
    with suppress(OSError):  # nobody may listen any more
        channel.send(json.dumps(what).encode() + b"\n")


def _reap() -> bool:
    """Tell of programs that ended; whether any process is left below."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        channel = _channels.pop(pid, None)
        if channel is not None:
            _tell(channel, {"code": os.waitstatus_to_exitcode(status)})
            channel.close()


def _kill_all() -> None:
    """Kill everything below. It is stopped first, so that nobody can replace who is killed."""
    stopped: set[int] = set()
    for _ in range(_LOOKS):
        found = _below() - stopped
        if not found:
            break
        _signal(found, signal.SIGSTOP)
        stopped |= found
    _signal(stopped, signal.SIGKILL)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def _below() -> set[int]:
    """All descendants."""
    parents = {int(entry): _parent_of(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    found: set[int] = set()
    latest = {os.getpid()}
    while latest:
        latest = {pid for pid, parent in parents.items() if parent in latest}
        found |= latest
    return found


def _parent_of(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _end_all() -> None:
    """Kill everything below until nothing is left."""
    for _ in range(_LOOKS):
        _kill_all()
        if not _reap():
            return
        time.sleep(_PAUSE)


def _remove(folder: str) -> None:
    import shutil  # only now, for it takes as long as all the rest

    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        os.unlink(folder)  # where somebody has put a link in its place


if __name__ == "__main__":
    main(sys.argv[1])
