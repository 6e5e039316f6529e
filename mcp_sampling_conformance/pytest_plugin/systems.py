"""From the options that name a system under test to the subject of a run."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..protocol.revisions import Revision
from ..scenarios.client.run import SERVER, URL, provoke_client, transport_of
from ..scenarios.conditions import Conditions, Generated, Patience
from ..scenarios.server.callees import Callee
from ..scenarios.server.run import provoke_server
from ..subjects.peer import PeerSubject, Provoke
from ..subjects.recorded import read_recorded
from ..subjects.subject import Subject
from ..transcript.archive import About, NotReadable, SavingRecorder
from ..transcript.masking import Mask
from ..transcript.recorder import Recorder
from ..transcript.run import Run
from ..transcript.transcript import Side
from ..transports.process import Command
from ..transports.to_server.servers import HttpServer, MemoryServer, Server, StdioServer
from . import values

_WEB = ("http://", "https://")
#: ``module:attribute``
_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_NO_SDK = "the MCP Python SDK is needed, the package mcp"
#: why what is imported takes no options for a process
IN_THIS_PROCESS = (
    "what is imported runs in the process of pytest; leave out --mcp-env, --mcp-cwd, --mcp-header, --mcp-url and "
    "--mcp-transport, and set variables for pytest itself"
)
#: what a Python says that cannot import something
_LACKS_MODULE = "No module named"
#: the options that a saved transcript names, for they matter to the verdicts
_NOTED = (
    *("--mcp-timeout", "--mcp-start-timeout", "--mcp-max-time", "--mcp-examples"),
    *("--mcp-tool", "--mcp-prompt", "--mcp-resource", "--mcp-model", "--mcp-client-tools"),
)


@dataclass(frozen=True)
class Given:
    """What was given besides the system under test."""

    options: Mapping[str, Any]  #: all of them, by name; ``None`` for one that was not given
    env: Mapping[str, str]
    generated: Generated
    mask: Mask
    record: Path | None  #: the folder for transcripts

    @property
    def timeout(self) -> float:
        return values.seconds(self.options, "--mcp-timeout")

    @property
    def models(self) -> Sequence[str]:
        return values.several(self.options["--mcp-model"])

    def peer(self, kind: str, side: Side, value: str, transport: str, provoke: Provoke) -> PeerSubject:
        """A peer under test, with a recorder that saves where that was asked for."""
        new_recorder: Callable[[], Recorder] = Recorder
        if self.record is not None:
            noted = {option: self.options[option] for option in _NOTED if self.options[option] is not None}
            about = About(kind, side, value, noted, self.generated.seed if self.generated.examples else None)
            new_recorder = partial(SavingRecorder, self.record, about, self.mask)
        start_timeout = values.seconds(self.options, "--mcp-start-timeout")
        max_time = values.seconds(self.options, "--mcp-max-time")
        patience = Patience(self.timeout, start_timeout, max_time)
        newest = values.wants_newest(self.options)
        return PeerSubject(kind, side, value, transport, provoke, patience, newest, self.generated, new_recorder)


def server(value: str, given: Given) -> Subject:
    """A server, by its command, URL or ``module:attribute``."""
    options = given.options
    found = reached(value, options, given.env, "--mcp-server")
    named = [
        *(values.callee("tool", "--mcp-tool", text) for text in values.several(options["--mcp-tool"])),
        *(values.callee("prompt", "--mcp-prompt", text) for text in values.several(options["--mcp-prompt"])),
        *(Callee("resource", uri) for uri in values.several(options["--mcp-resource"])),
    ]

    def provoke(revisions: Sequence[Revision], conditions: Conditions) -> Awaitable[Run]:
        return provoke_server(found, revisions, named, conditions)

    return given.peer("server", Side.SERVER, value, found.transport, _with_hint(provoke, value))


def reached(value: Any, options: Mapping[str, Any], env: Mapping[str, str], option: str) -> Server:
    """How to reach a server, by its command, URL, ``module:attribute`` or object: what was given for it says, and
    ``--mcp-transport`` where that is open. Errors begin with ``option``."""
    cwd, transport = values.directory(options["--mcp-cwd"]), values.transport(options)
    url = values.single(options["--mcp-url"])
    headers = dict(values.header(text) for text in values.several(options["--mcp-header"]))
    if not isinstance(value, str) or names_object(value):
        if env or cwd or url or headers or transport:
            raise pytest.UsageError(f"{option}: {IN_THIS_PROCESS}")
        return MemoryServer(_server_object(value, option))
    if value.startswith(_WEB):
        if url is not None or transport == "stdio":
            raise pytest.UsageError(f"{option}: a URL is given, so leave out --mcp-url and --mcp-transport stdio")
        return HttpServer(values.url(option, value), headers, transport=transport or "http")
    command = Command(values.command(option, value, cwd), cwd, env)
    if transport in (None, "stdio"):
        if url is not None or headers:
            raise pytest.UsageError("--mcp-url and --mcp-header are for servers over HTTP; add --mcp-transport http")
        return StdioServer(command)
    if url is None:
        raise pytest.UsageError(f"--mcp-transport {transport}: say with --mcp-url where the server will listen")
    return HttpServer(values.url("--mcp-url", url), headers, command, transport)


def names_object(value: str) -> bool:
    """Whether a value is ``module:attribute``."""
    return _OBJECT.fullmatch(value) is not None


def _server_object(value: Any, option: str) -> object:
    found = values.imported(option, value) if isinstance(value, str) else value
    try:
        from ..transports.to_server.memory import protocol_server  # imports the SDK
    except ImportError as error:
        raise pytest.UsageError(f"{option}: {_NO_SDK} ({error})") from None
    if protocol_server(found) is None:
        raise pytest.UsageError(f"{option}: {value!r} is no server object of the Python SDK")
    return found


def _with_hint(provoke: Provoke, value: str) -> Provoke:
    """The same, and where a ``python`` was started that lacks a module, which one that was."""

    async def hinting(revisions: Sequence[Revision], conditions: Conditions) -> Run:
        run = await provoke(revisions, conditions)
        for record in run.revisions.values():
            if record.failure and _LACKS_MODULE in record.failure:
                record.failure += values.other_python(value)
        return run

    return hinting


def client(value: str, given: Given) -> Subject:
    """A client, by its command."""
    cwd = values.directory(given.options["--mcp-cwd"])
    if SERVER in value and URL in value:
        raise pytest.UsageError(
            f"--mcp-client: {value!r} has both {SERVER} and {URL}; write one of them, for stdio or for Streamable HTTP"
        )
    command = Command(values.command("--mcp-client", value, cwd), cwd, given.env)
    shown = values.client_tools(given.options)

    def provoke(revisions: Sequence[Revision], conditions: Conditions) -> Awaitable[Run]:
        return provoke_client(command, revisions, given.models, conditions, shown)

    return given.peer("client", Side.CLIENT, value, transport_of(command.argv), _with_hint(provoke, value))


def callback(value: str, given: Given) -> Subject:
    """A sampling callback of the Python SDK, by ``module:attribute``."""
    if given.env or given.options["--mcp-cwd"] is not None:
        raise pytest.UsageError(f"--mcp-callback: {IN_THIS_PROCESS}")
    found = callback_object(value, "--mcp-callback")
    try:
        from ..scenarios.client.callback import provoke_callback  # imports the SDK
    except ImportError as error:
        raise pytest.UsageError(f"--mcp-callback: {_NO_SDK} ({error})") from None

    def provoke(revisions: Sequence[Revision], conditions: Conditions) -> Awaitable[Run]:
        return provoke_callback(found, revisions, given.models, conditions)

    return given.peer("callback", Side.CLIENT, value, "memory", provoke)


def callback_object(value: Any, option: str) -> Callable[..., Any]:
    """A callback, by ``module:attribute`` or as it is."""
    found = values.imported(option, value) if isinstance(value, str) else value
    if not callable(found):
        raise pytest.UsageError(f"{option}: {value!r} is not callable; name a sampling callback")
    return found  # type: ignore[no-any-return]


def mapper(value: str, given: Given) -> Subject:
    """A message mapper, by ``module:attribute``."""
    if given.env or given.options["--mcp-cwd"] is not None:
        raise pytest.UsageError(f"--mcp-mapper: {IN_THIS_PROCESS}")
    from ..mappers.mapper import Mapper  # imports Hypothesis
    from ..subjects.mapper import MapperSubject, fault_of

    target: Mapper | Callable[[Any], Any] = values.imported("--mcp-mapper", value)

    if fault := fault_of(target):
        raise pytest.UsageError(f"--mcp-mapper: {value!r} {fault}")
    if not given.generated.examples:
        raise pytest.UsageError("--mcp-examples: a mapper is judged by generated inputs alone; give 1 or more")
    if given.record is not None:
        raise pytest.UsageError("--mcp-record: a mapper has no connection that could be recorded; leave it out")
    return MapperSubject(value, target, given.timeout, given.generated.examples, given.generated.seed)


def transcripts(paths: Sequence[str], given: Given) -> Subject:
    """Saved transcripts, by files and folders."""
    if given.record is not None:
        raise pytest.UsageError("--mcp-record: what is judged here was recorded before; leave it out")
    named = values.several(given.options["--mcp-spec-version"])
    revision = named[0] if len(named) == 1 else None
    try:
        return read_recorded([Path(path) for path in paths], values.side(given.options), revision)
    except NotReadable as error:
        raise pytest.UsageError(f"--mcp-transcript: {error}") from None
