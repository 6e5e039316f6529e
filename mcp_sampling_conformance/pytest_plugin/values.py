"""The values of single options, checked. Each raises ``pytest.UsageError`` with one sentence that says what to do."""

from __future__ import annotations

import importlib
import json
import operator
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from ..judging.baseline import Baseline
from ..judging.baseline_file import BaselineError, Rules, read_baseline
from ..protocol.revisions import NAMES, REVISIONS, Revision
from ..report import files
from ..report.formats import FORMATS
from ..scenarios.client.run import Shown
from ..scenarios.server.callees import Callee
from ..transcript.secret_values import is_plain
from ..transcript.transcript import Side
from ..transports.to_server.servers import PORT

#: the defaults of the limits of time
_SECONDS = {"--mcp-timeout": 10.0, "--mcp-start-timeout": 30.0, "--mcp-max-time": 600.0}
#: what a server can be spoken to over; one in memory says so by its value
TRANSPORTS = ("stdio", "http", "sse")
#: in place of a revision's name: the newest spoken of each era
NEWEST = "newest"
_HERE = Path(sys.executable).parent
#: in a command: the Python that runs pytest
PYTHON = "{python}"
#: a header's name (RFC 9110)
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)


def single(value: Any) -> Any:
    """The last of several, where another plugin's option of the same name repeats."""
    return value[-1] if isinstance(value, list) and value else value


def several(value: Any) -> Sequence[str]:
    """All of them, where another plugin's option of the same name holds one."""
    return value.splitlines() if isinstance(value, str) else value or ()


def directory(text: Any) -> str | None:
    """The directory to start a system under test in."""
    if text is not None and not Path(text).is_dir():
        raise pytest.UsageError(f"--mcp-cwd: {text!r} is not a directory; give the directory to start the program in")
    return str(text) if text is not None else None


def command(option: str, value: str, cwd: str | None) -> list[str]:
    """The words of a command line whose program there is."""
    if value.startswith(("http://", "https://")):
        raise pytest.UsageError(f"{option}: {value} is a URL; give the command line that starts the client")
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise pytest.UsageError(f"{option}: {value!r} cannot be split into words ({error}); check the quotes") from None
    if not words:
        raise pytest.UsageError(f"{option}: the command is empty; give the command line to start")
    words = [word.replace(PYTHON, sys.executable) for word in words]
    program = words[0]
    # A path is looked up where the process will be started, a bare name on the PATH.
    found = shutil.which(os.path.join(cwd or "", program) if os.sep in program else program)
    if found is None:
        raise pytest.UsageError(f"{option}: there is no command {program!r}; give a program on the PATH or its path")
    return words


def other_python(value: str) -> str:
    """For a command whose program is another Python than this one, how to name this one, as lines; otherwise nothing.
    ``value`` is a command line that can be split."""
    program = shlex.split(value)[0]
    found = shutil.which(program)
    if not re.fullmatch(r"python[\d.]*", Path(program).name) or found is None or Path(found).parent == _HERE:
        return ""
    return (
        f"\n{program!r} is {found}, and not the Python that runs pytest, {sys.executable};"
        f"\nwrite {PYTHON} in the command for that one"
    )


def environment(options: Mapping[str, Any]) -> dict[str, str]:
    """The variables for the system under test."""
    return dict(assignment(text) for text in several(options["--mcp-env"]))


def assignment(text: str) -> tuple[str, str]:
    """The name and value of NAME=VALUE."""
    name, sign, value = text.partition("=")
    if not name:
        raise pytest.UsageError("--mcp-env: a variable has no name; write NAME=VALUE")
    if not sign:
        raise pytest.UsageError(f"--mcp-env: {_quoted(name)} has no value; write NAME=VALUE")
    return name, value


def _quoted(text: str) -> str:
    """What should be a name, unless it may be a secret that was given without one."""
    return repr(text) if is_plain(text) else "what is given"


def callee(kind: str, option: str, text: str) -> Callee:
    """What to call, of NAME or NAME={"argument": …}."""
    name, sign, arguments = text.partition("=")
    if not name:
        raise pytest.UsageError(f"{option}: the name is missing in {text!r}; write NAME or NAME={{...}}")
    if not sign:
        return Callee(kind, name)
    try:
        value = json.loads(arguments)
    except ValueError as error:
        raise pytest.UsageError(
            f"{option}: the arguments in {text!r} are not JSON ({error}); write NAME={{...}}"
        ) from None
    if not isinstance(value, dict):
        raise pytest.UsageError(f"{option}: the arguments in {text!r} must be a JSON object; write NAME={{...}}")
    return Callee(kind, name, value)


def revisions(names: Sequence[str]) -> list[Revision]:
    """The revisions of these names, oldest first; all of them where there is no name, or only ``newest``: which that is
    shows in the run."""
    if NEWEST in names and len(names) > 1:
        raise pytest.UsageError(f"--mcp-spec-version: {NEWEST} stands alone; leave out the other revisions, or it")
    for name in names:
        if name not in (*REVISIONS, NEWEST):
            known = ", ".join([*NAMES, NEWEST])
            raise pytest.UsageError(f"--mcp-spec-version: there is no revision {name!r}; known are {known}")
    return [revision for name, revision in REVISIONS.items() if not names or NEWEST in names or name in names]


def wants_newest(options: Mapping[str, Any]) -> bool:
    """Whether only the newest revision of each era is to be judged."""
    return NEWEST in several(options["--mcp-spec-version"])


def seconds(options: Mapping[str, Any], option: str) -> float:
    """The seconds that an option gives, or its default."""
    value = single(options[option])
    try:
        found = _SECONDS[option] if value is None else float(value)
    except (TypeError, ValueError):
        found = 0.0
    if not 0 < found < float("inf"):
        raise pytest.UsageError(f"{option}: {value!r} is not a positive number of seconds")
    return found


def url(option: str, value: str) -> str:
    """A URL over HTTP."""
    try:
        parts = urlsplit(value.replace(PORT, "1"))
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise pytest.UsageError(f"{option}: {value!r} is no URL; write http://127.0.0.1:8000/mcp or the like")
    return value


def header(text: str) -> tuple[str, str]:
    """The name and value of "NAME: VALUE"."""
    name, sign, value = text.partition(":")
    if not sign or not _TOKEN.fullmatch(name.strip()) or not value.strip().isprintable():
        raise pytest.UsageError(f"--mcp-header: {_quoted(name)} is no header; write 'Name: value'")
    return name.strip(), value.strip()


def transport(options: Mapping[str, Any]) -> str | None:
    """How a server is spoken to, where that was said."""
    value = single(options["--mcp-transport"])
    if value not in (None, *TRANSPORTS):
        raise pytest.UsageError(f"--mcp-transport: there is no {value!r}; known are {', '.join(TRANSPORTS)}")
    return None if value is None else str(value)


def client_tools(options: Mapping[str, Any]) -> Shown | None:
    """How many tools a client is shown, where that was said."""
    value = single(options["--mcp-client-tools"])
    if value in (None, "one", "all"):
        return cast("Shown | None", value)
    raise pytest.UsageError(f"--mcp-client-tools: there is no {value!r}; write one or all")


def imported(option: str, value: str) -> Any:
    """The object that ``package.module:attribute`` names, looked for in the current directory too."""
    module, sign, attribute = value.partition(":")
    if not (module and sign and attribute):
        raise pytest.UsageError(f"{option}: {value!r} names nothing to import; write package.module:attribute")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = operator.attrgetter(attribute)(importlib.import_module(module))
    except (Exception, SystemExit) as error:  # importing runs the user's code
        raise pytest.UsageError(f"{option}: {value!r} cannot be imported ({type(error).__name__}: {error})") from None
    return found


def report(text: str) -> Path:
    """A file for results, of a format that there is, that can be written."""
    path = Path(text)
    if path.suffix not in FORMATS:
        raise pytest.UsageError(f"--mcp-report: {text!r} has no known suffix; use {' or '.join(FORMATS)}")
    try:
        files.check(path)
    except OSError as error:
        raise pytest.UsageError(
            f"--mcp-report: {text!r} cannot be written ({error.strerror}); give another file"
        ) from None
    return path


def baseline_file(options: Mapping[str, Any]) -> tuple[Path | None, bool]:
    """The file of known failures, where one is given, and whether it is to be written."""
    text, update = single(options["--mcp-baseline"]), bool(options["--mcp-baseline-update"])
    if text is None:
        if update:
            raise pytest.UsageError("--mcp-baseline-update: no file is named; give one with --mcp-baseline")
        return None, False
    path = Path(text)
    if update:
        try:
            files.check(path)
        except OSError as error:
            raise pytest.UsageError(
                f"--mcp-baseline: {text!r} cannot be written ({error.strerror}); give another file"
            ) from None
    return path, update


def baseline(path: Path | None, role: str, rules: Rules, *, update: bool) -> Baseline | None:
    """The known failures of what is judged; none where the file is still to be made."""
    if path is None:
        return None
    if update and not path.exists():
        return Baseline()
    try:
        return read_baseline(path, role, rules)
    except BaselineError as error:
        raise pytest.UsageError(f"--mcp-baseline: {error}") from None


def record(options: Mapping[str, Any]) -> Path | None:
    """The folder for transcripts: a new or empty one, which is made here."""
    text = single(options["--mcp-record"])
    if text is None:
        return None
    folder = Path(text)
    if folder.is_dir() and any(folder.iterdir()):
        raise pytest.UsageError(f"--mcp-record: {text!r} is not empty; give a new folder, or remove this one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(
            f"--mcp-record: {text!r} cannot be made ({error.strerror}); give another folder"
        ) from None
    return folder


def side(options: Mapping[str, Any]) -> Side | None:
    """The side that recordings are judged as."""
    value = single(options["--mcp-side"])
    if value not in (None, *Side):
        raise pytest.UsageError(f"--mcp-side: there is no side {value!r}; write client or server")
    return None if value is None else Side(value)
