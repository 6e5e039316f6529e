"""The user's options, checked: what is wrong with them is said in one sentence before anything starts."""

from __future__ import annotations

import importlib
import json
import operator
import os
import random
import re
import shlex
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ..subjects.peer import Party, Progress
from ..protocol.revisions import NAMES, REVISIONS, Revision
from ..scenarios.client.run import SERVER, URL, provoke_client, transport_of
from ..transports.to_server.servers import PORT, HttpServer, MemoryServer, Server, StdioServer
from ..transports.process import Command
from ..scenarios.run import Run
from ..scenarios.search import Generated
from ..scenarios.server.run import provoke_server
from ..scenarios.server.targets import Target
from ..subjects.subject import Subject
from ..transcript.transcript import Side

DEFAULT_TIMEOUT = 10.0
#: what a server can be spoken to over; one in memory says so by its value
TRANSPORTS = ("stdio", "http", "sse")
_WEB = ("http://", "https://")
#: ``module:attribute``
_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
#: a header's name (RFC 9110)
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
REPORT_SUFFIXES = (".json",)
#: masking every "1" or "on" would destroy the evidence; nobody's secret is that short
_SHORTEST_SECRET = 4


@dataclass(frozen=True)
class Settings:
    """What to judge and how."""

    subject: Subject
    generated: Generated
    revisions: Sequence[Revision]
    strict: bool
    reports: Sequence[Path]
    secrets: Sequence[str]

    def mask(self, text: str) -> str:
        """``text`` without the values given with ``--mcp-env``, plain or as they stand in JSON."""
        for secret in self.secrets:
            for form in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
                text = _without_remains(form, text.replace(form, "***"))
        return text


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Check the options. Raises ``pytest.UsageError`` with one sentence that says what to do."""
    given = [option for option in SUBJECTS if options[option] is not None]
    if len(given) > 1:
        raise pytest.UsageError(f"{' and '.join(given)} cannot be judged in one run; give one of them")
    env = dict(_assignment(text) for text in _several(options["--mcp-env"]))
    generated = _generated(options, EXAMPLES[given[0]])
    return Settings(
        subject=SUBJECTS[given[0]](str(_single(options[given[0]])), options, env, generated),
        generated=generated,
        revisions=_revisions(_several(options["--mcp-spec-version"])),
        strict=bool(options["--mcp-strict"]),
        reports=[_report(text) for text in _several(options["--mcp-report"])],
        secrets=_secrets([*env.values(), *(_header(text)[1] for text in _several(options["--mcp-header"]))]),
    )


def _secrets(values: Sequence[str]) -> list[str]:
    """What to mask, longest first; of ``Bearer abc`` also the token alone."""
    found = {word for value in values for word in (value, value.rpartition(" ")[2]) if len(word) >= _SHORTEST_SECRET}
    return sorted(found, key=len, reverse=True)


def _server(value: str, options: Mapping[str, Any], env: Mapping[str, str], generated: Generated) -> Subject:
    server = _reached(value, options, env)
    timeout = _timeout(options)
    named = [
        *(_target("tool", "--mcp-tool", text) for text in _several(options["--mcp-tool"])),
        *(_target("prompt", "--mcp-prompt", text) for text in _several(options["--mcp-prompt"])),
        *(Target("resource", uri) for uri in _several(options["--mcp-resource"])),
    ]

    def provoke(revisions: Sequence[Revision], progress: Progress) -> Awaitable[Run]:
        return provoke_server(server, revisions, named, timeout, progress, generated)

    return Party("server", Side.SERVER, value, server.transport, provoke, server)


def _reached(value: str, options: Mapping[str, Any], env: Mapping[str, str]) -> Server:
    """How to reach the server under test: what was given for it says, and ``--mcp-transport`` where that is open."""
    cwd, transport, url = _directory(options["--mcp-cwd"]), _transport(options), _single(options["--mcp-url"])
    headers = dict(_header(text) for text in _several(options["--mcp-header"]))
    if value.startswith(_WEB):
        if url is not None or transport == "stdio":
            raise pytest.UsageError("--mcp-server: a URL is given, so leave out --mcp-url and --mcp-transport stdio")
        return HttpServer(_url("--mcp-server", value), headers, transport=transport or "http")
    if _OBJECT.fullmatch(value):
        return MemoryServer(_server_object(value))
    command = Command(_command("--mcp-server", value, cwd), cwd, env)
    if transport in (None, "stdio"):
        if url is not None or headers:
            raise pytest.UsageError("--mcp-url and --mcp-header are for servers over HTTP; add --mcp-transport http")
        return StdioServer(command)
    if url is None:
        raise pytest.UsageError(f"--mcp-transport {transport}: say with --mcp-url where the server will listen")
    return HttpServer(_url("--mcp-url", url), headers, command, transport)


def _server_object(value: str) -> object:
    found = _imported("--mcp-server", value)
    try:
        from ..transports.to_server.memory import protocol_server  # imports the SDK
    except ImportError as error:
        raise pytest.UsageError(
            f"--mcp-server: version 2 of the MCP Python SDK is needed, the package mcp ({error})"
        ) from None
    if protocol_server(found) is None:
        raise pytest.UsageError(f"--mcp-server: {value!r} is no server object of the Python SDK")
    return found


def _transport(options: Mapping[str, Any]) -> str | None:
    transport = _single(options["--mcp-transport"])
    if transport not in (None, *TRANSPORTS):
        raise pytest.UsageError(f"--mcp-transport: there is no {transport!r}; known are {', '.join(TRANSPORTS)}")
    return transport  # type: ignore[no-any-return]


def _url(option: str, value: str) -> str:
    try:
        parts = urlsplit(value.replace(PORT, "1"))
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise pytest.UsageError(f"{option}: {value!r} is no URL; write http://127.0.0.1:8000/mcp or the like")
    return value


def _header(text: str) -> tuple[str, str]:
    name, sign, value = text.partition(":")
    if not sign or not _TOKEN.fullmatch(name.strip()) or not value.strip().isprintable():
        raise pytest.UsageError(f"--mcp-header: {name!r} is no header; write 'Name: value'")
    return name.strip(), value.strip()


def _client(value: str, options: Mapping[str, Any], env: Mapping[str, str], generated: Generated) -> Subject:
    cwd = _directory(options["--mcp-cwd"])
    if SERVER in value and URL in value:
        raise pytest.UsageError(
            f"--mcp-client: {value!r} has both {SERVER} and {URL}; write one of them, for stdio or for Streamable HTTP"
        )
    command = Command(_command("--mcp-client", value, cwd), cwd, env)
    models, timeout = _several(options["--mcp-model"]), _timeout(options)

    def provoke(revisions: Sequence[Revision], progress: Progress) -> Awaitable[Run]:
        return provoke_client(command, revisions, models, timeout, progress, generated)

    return Party("client", Side.CLIENT, value, transport_of(command.argv), provoke)


def _callback(value: str, options: Mapping[str, Any], env: Mapping[str, str], generated: Generated) -> Subject:
    callback = _imported("--mcp-callback", value)
    if not callable(callback):
        raise pytest.UsageError(f"--mcp-callback: {value!r} is not callable; name a sampling callback")
    models, timeout = _several(options["--mcp-model"]), _timeout(options)
    try:
        from ..scenarios.client.callback import provoke_callback  # imports the SDK
    except ImportError as error:
        raise pytest.UsageError(
            f"--mcp-callback: version 2 of the MCP Python SDK is needed, the package mcp ({error})"
        ) from None

    def provoke(revisions: Sequence[Revision], progress: Progress) -> Awaitable[Run]:
        return provoke_callback(callback, revisions, models, timeout, progress, generated)

    return Party("callback", Side.CLIENT, value, "memory", provoke)


def _mapper(value: str, options: Mapping[str, Any], env: Mapping[str, str], generated: Generated) -> Subject:
    target = _imported("--mcp-mapper", value)
    from ..subjects.mapper import MapperSubject, fault_of  # imports Hypothesis

    if fault := fault_of(target):
        raise pytest.UsageError(f"--mcp-mapper: {value!r} {fault}")
    if not generated.examples:
        raise pytest.UsageError("--mcp-examples: a mapper is judged by generated inputs alone; give 1 or more")
    return MapperSubject(value, target, _timeout(options), generated.examples, generated.seed)


#: the options that name a system under test
SUBJECTS: Mapping[str, Callable[[str, Mapping[str, Any], Mapping[str, str], Generated], Subject]] = {
    "--mcp-server": _server,
    "--mcp-client": _client,
    "--mcp-callback": _callback,
    "--mcp-mapper": _mapper,
}


#: how much is generated for each of them, if nobody says
EXAMPLES: Mapping[str, int] = {"--mcp-server": 10, "--mcp-client": 10, "--mcp-callback": 10, "--mcp-mapper": 50}


def _generated(options: Mapping[str, Any], default: int) -> Generated:
    value, seed = _single(options["--mcp-examples"]), options["--hypothesis-seed"]
    try:
        examples = default if value is None else int(value)
    except (TypeError, ValueError):
        examples = -1
    if examples < 0:
        raise pytest.UsageError(f"--mcp-examples: {value!r} is no number of examples; write 10, or 0 for none")
    if seed == "random":
        seed = random.getrandbits(32)
    try:
        return Generated(examples, int(seed or 0))
    except ValueError:
        raise pytest.UsageError(f"--hypothesis-seed: {seed!r} is no integer; write one, or random") from None


def _imported(option: str, value: str) -> Any:
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


def _without_remains(secret: str, text: str) -> str:
    """``text`` without the beginning or end of a secret that is left where a long text was cut."""
    for length in range(len(secret) - 1, _SHORTEST_SECRET - 1, -1):
        head, tail = re.escape(secret[:length]), re.escape(secret[-length:])
        text = re.sub(rf"{head}(?= ?[…)]|$)|(^ *|(?<=… )){tail}", r"\1***", text, flags=re.MULTILINE)
    return text


def _single(value: Any) -> Any:
    """The last of several, where another plugin's option of the same name repeats."""
    return value[-1] if isinstance(value, list) and value else value


def _several(value: Any) -> Sequence[str]:
    """All of them, where another plugin's option of the same name holds one."""
    return value.splitlines() if isinstance(value, str) else value or ()


def _directory(text: Any) -> str | None:
    if text is not None and not Path(text).is_dir():
        raise pytest.UsageError(f"--mcp-cwd: {text!r} is not a directory; give the directory to start the server in")
    return str(text) if text is not None else None


def _command(option: str, value: str, cwd: str | None) -> list[str]:
    if value.startswith(("http://", "https://")):
        raise pytest.UsageError(f"{option}: {value} is a URL; give the command line that starts the client")
    try:
        command = shlex.split(value)
    except ValueError as error:
        raise pytest.UsageError(f"{option}: {value!r} cannot be split into words ({error}); check the quotes") from None
    if not command:
        raise pytest.UsageError(f"{option}: the command is empty; give the command line to start")
    program = command[0]
    # A path is looked up where the process will be started, a bare name on the PATH.
    found = shutil.which(os.path.join(cwd or "", program) if os.sep in program else program)
    if found is None:
        raise pytest.UsageError(f"{option}: there is no command {program!r}; give a program on the PATH or its path")
    return command


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name:
        raise pytest.UsageError("--mcp-env: a variable has no name; write NAME=VALUE")
    if not sign:
        raise pytest.UsageError(f"--mcp-env: {name!r} has no value; write NAME=VALUE")
    return name, value


def _target(kind: str, option: str, text: str) -> Target:
    name, sign, arguments = text.partition("=")
    if not name:
        raise pytest.UsageError(f"{option}: the name is missing in {text!r}; write NAME or NAME={{...}}")
    if not sign:
        return Target(kind, name)
    try:
        value = json.loads(arguments)
    except ValueError as error:
        raise pytest.UsageError(
            f"{option}: the arguments in {text!r} are not JSON ({error}); write NAME={{...}}"
        ) from None
    if not isinstance(value, dict):
        raise pytest.UsageError(f"{option}: the arguments in {text!r} must be a JSON object; write NAME={{...}}")
    return Target(kind, name, value)


def _revisions(names: Sequence[str]) -> list[Revision]:
    for name in names:
        if name not in REVISIONS:
            raise pytest.UsageError(f"--mcp-spec-version: there is no revision {name!r}; known are {', '.join(NAMES)}")
    return [revision for name, revision in REVISIONS.items() if not names or name in names]


def _timeout(options: Mapping[str, Any]) -> float:
    value = _single(options["--mcp-timeout"])
    try:
        seconds = DEFAULT_TIMEOUT if value is None else float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise pytest.UsageError(f"--mcp-timeout: {value!r} is not a positive number of seconds")
    return seconds


def _report(text: str) -> Path:
    path = Path(text)
    if path.suffix not in REPORT_SUFFIXES:
        raise pytest.UsageError(f"--mcp-report: {text!r} has no known suffix; use {' or '.join(REPORT_SUFFIXES)}")
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise pytest.UsageError(
            f"--mcp-report: {text!r} cannot be written ({error.strerror}); give another file"
        ) from None
    return path
