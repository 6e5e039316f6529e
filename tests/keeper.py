"""Runs a command and stays the ancestor of everything that comes of it: ``python -S keeper.py COMMAND…``.

Prints the process id of the command, and when it has ended ``{"exit": CODE, "peak": MEGABYTES}``; then stays until its
stdin is closed. On Linux an orphan is handed to it, whatever it did to be forgotten. The peak is that of the largest
process among the command and what it has waited for: measured from here, since a new process inherits the peak of the
one that starts it.
"""

import ctypes
import json
import os
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
    print(child.pid, flush=True)
    ended, status = 0, 0
    while ended != child.pid:  # orphans are reaped on the way
        ended, status, usage = os.wait4(-1, 0)
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    print(json.dumps({"exit": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss // unit}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
