"""Why a server under test did not come up or did not sample, in words."""

from __future__ import annotations

import json

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json
from ...transcript.transcript import Transcript
from ..run import RevisionRun
from ...transports.process import with_tail


def note_refusal(record: RevisionRun, response: Json | None, client: FixtureClient) -> None:
    """Say in the record why the first connection of a revision did not open."""
    modern = isinstance(client, ModernClient)
    opening, member = ("server/discover", "supportedVersions") if modern else ("initialize", "protocolVersion")
    spoken = [name for name in client.spoken(response) if isinstance(name, str)]
    error = (response or {}).get("error")
    if response is None:
        record.failure = _why_silent(client, opening)
    elif error is not None:
        versions = _supported(error)
        speaks = f", so it speaks {', '.join(versions)} only" if versions else ""
        record.not_negotiated = f"the server answered {opening} with the error {json.dumps(error)[:500]}{speaks}"
    elif spoken:
        record.not_negotiated = f"the server negotiated {', '.join(spoken)} instead"
    else:
        record.failure = f"it answered {opening} without a {member}: {json.dumps(response)[:500]}"


def _supported(error: object) -> list[str]:
    """The revisions that an error -32022 names (schema UnsupportedProtocolVersionError)."""
    data = error.get("data") if isinstance(error, dict) else None
    supported = data.get("supported") if isinstance(data, dict) else None
    return [str(name) for name in supported] if isinstance(supported, list) else []


def _why_silent(client: FixtureClient, opening: str) -> str:
    """Why the opening got no answer, with the last lines of stderr and the first strange ones of stdout."""
    transcript = client.transcript
    if lost := transcript.marks("lost"):
        why = f"it did not answer {opening} as such: {lost[0].data['why']}"
    elif end := _how_it_ended(transcript):
        why = f"it {end} before it answered {opening}"
    else:
        why = f"it did not answer {opening} within {client.timeout:g} s (--mcp-timeout)"
    if strays := transcript.strays():
        why += "\nits stdout began with: " + "\n  ".join(strays[:3])
    return why + (with_tail(client.wire.tail) if client.wire.tail or transcript.transport == "stdio" else "")


def _how_it_ended(transcript: Transcript) -> str | None:
    """What became of a connection that the server did not keep, as a predicate; ``None`` where it did."""
    if flood := transcript.marks("flooded"):
        return f"wrote {flood[0].data['bytes']} bytes to stdout, until the harness ended it,"
    if died := transcript.marks("died"):
        code = died[0].data["code"]
        left = "closed its stdout" if transcript.transport == "stdio" else "went away"
        return left if code is None else f"ended (exit code {code})"
    return None


def outcome(client: FixtureClient, response: Json | None) -> str:
    """What a candidate's call came to, in a few words."""
    if count := len(client.sampling):
        return f"sampled ({count} request{'s' if count > 1 else ''})"
    if response is None:
        if lost := client.transcript.marks("lost"):
            return f"no answer: {lost[-1].data['why']}"
        if end := _how_it_ended(client.transcript):
            return f"the server {end} before it answered" + (with_tail(client.wire.tail) if client.wire.tail else "")
        return f"no answer within {client.timeout:g} s"
    if "error" in response:
        return f"error {json.dumps(response['error'])[:200]}"
    result = response.get("result")
    if isinstance(result, dict) and result.get("isError") is True:
        return f"answered without sampling, an error: {json.dumps(result.get('content'))[:200]}"
    return "answered without sampling"
