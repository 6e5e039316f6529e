"""What a client under test starts as "the server": passes its stdin and stdout on to the running pytest, byte by byte.

Standard library only and started by path, so that it is up within milliseconds: ``python -S relay_process.py SOCKET``.
"""

import os
import socket
import sys
import threading


def main(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        threading.Thread(target=_from_stdin, args=(connection,), daemon=True).start()
        while chunk := connection.recv(65536):
            view = memoryview(chunk)
            while view:
                view = view[os.write(1, view) :]


def _from_stdin(connection: socket.socket) -> None:
    try:
        while chunk := os.read(0, 65536):
            connection.sendall(chunk)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # pytest has hung up: the main thread ends too


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError:
        sys.exit(1)
