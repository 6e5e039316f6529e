"""What the fixtures for users' own tests connect to: what a test gives them, or else what the options name."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ..transcript.masking import Mask
from ..transcript.secret_values import password_in
from ..transports.process import Command
from ..transports.to_server.servers import Server
from . import systems, values

_CLIENT_FIXTURE, _SERVER_FIXTURE = "mcp_sampling_client", "mcp_sampling_server"


class FixtureTargets:
    """Finds the other side of a fixture. Its methods raise ``pytest.UsageError`` with one sentence."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options`` by name, ``None`` for those not given."""
        self._options = options

    def server(
        self, target: Any, headers: Mapping[str, str], env: Mapping[str, str], cwd: str | None
    ) -> tuple[Server, Mask]:
        """How to reach a server: whatever ``--mcp-server`` takes, the words of a command, or an object of the SDK;
        ``None`` for the one that ``--mcp-server`` names. And what takes the secrets given for it out of a text."""
        options, option = self._of(target), "--mcp-server" if target is None else _CLIENT_FIXTURE
        value = values.single(options["--mcp-server"]) if target is None else _as_typed(target)
        if value is None:
            raise pytest.UsageError(
                f"{_CLIENT_FIXTURE}: there is no server to connect to: give its command, URL or object, or name one "
                "with --mcp-server or mcp_server in the ini file"
            )
        named = [values.header(text) for text in values.several(options["--mcp-header"])]
        all_headers = {**dict(named), **headers}
        options = {
            **options,
            "--mcp-cwd": cwd or options["--mcp-cwd"],
            "--mcp-header": [f"{name}: {text}" for name, text in all_headers.items()],
        }
        all_env = {**values.environment(options), **env}
        url = str(values.single(options["--mcp-url"]) or value)
        passwords = [("password", word) for word in password_in(url)]
        mask = Mask.given([*all_env.items(), *all_headers.items(), *passwords])
        return systems.reached(value, options, all_env, option), mask

    def client(self, target: Any, env: Mapping[str, str], cwd: str | None) -> tuple[Callable[..., Any] | Command, Mask]:
        """A callback, or how to start a client: what ``--mcp-client`` or ``--mcp-callback`` takes, the words of a
        command, or a callable; ``None`` for the one that either names. And what takes the secrets out of a text."""
        options = self._of(target)
        value = _as_typed(target)
        if target is None:
            value = values.single(options["--mcp-client"]) or values.single(options["--mcp-callback"])
        if value is None:
            raise pytest.UsageError(
                f"{_SERVER_FIXTURE}: there is no client to ask: give its command or a callback, or name one with "
                "--mcp-client, --mcp-callback or their keys in the ini file"
            )
        all_env = {**values.environment(options), **env}
        directory = values.directory(cwd or options["--mcp-cwd"])
        if not isinstance(value, str) or systems.names_object(value):
            if all_env or directory is not None:
                raise pytest.UsageError(f"{_SERVER_FIXTURE}: {systems.IN_THIS_PROCESS}")
            return systems.callback_object(value, _SERVER_FIXTURE), Mask()
        command = Command(values.command(_SERVER_FIXTURE, value, directory), directory, all_env)
        return command, Mask.given(all_env.items())

    def _of(self, target: Any) -> Mapping[str, Any]:
        """The options, as far as they are about a target: none of them are about one that a test brings along."""
        return self._options if target is None else dict.fromkeys(self._options)


def _as_typed(target: Any) -> Any:
    """The words of a command as one line."""
    is_words = isinstance(target, Sequence) and not isinstance(target, str)
    return shlex.join(map(str, target)) if is_words else target
