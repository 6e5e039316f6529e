"""Why a server under test did not come up, or did not sample, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json
from ...protocol.texts import one_line
from ...transcript.events import Exited, NeverAnswered, TimedOut
from ...transcript.run import RevisionRun
from ...transcript.transcript import Transcript
from ...transports.process import with_tail
from .callees import Found

#: names of what was not called for the same reason that are listed
_LISTED = 5
#: strange lines of its stdout that are shown
_STRAYS = 3


def note_refusal(record: RevisionRun, response: Json | None, client: FixtureClient) -> None:
    """Say in the record why the first connection of a revision did not open."""
    modern = isinstance(client, ModernClient)
    opening, member = ("server/discover", "supportedVersions") if modern else ("initialize", "protocolVersion")
    spoken = [one_line(name) for name in client.spoken(response) if isinstance(name, str)]
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
    return [one_line(str(name)) for name in supported] if isinstance(supported, list) else []


def _why_silent(client: FixtureClient, opening: str) -> str:
    """Why the opening got no answer, with the last lines of stderr and the first strange ones of stdout."""
    transcript = client.transcript
    if lost := transcript.events(NeverAnswered):
        why = f"it did not answer {opening} as such: {lost[0].why}"
    elif end := _how_it_ended(transcript):
        why = f"it {end} before it answered {opening}"
    else:
        waited = transcript.events(TimedOut)
        seconds = waited[-1].seconds if waited else client.timeout
        why = f"it did not answer {opening} within {seconds:g} s (--mcp-start-timeout)"
    if strays := transcript.strays(_STRAYS):
        why += "\nits stdout began with: " + "\n  ".join(map(one_line, strays))
    return why + (with_tail(client.wire.tail) if client.wire.tail or transcript.transport == "stdio" else "")


def _how_it_ended(transcript: Transcript) -> str | None:
    """What became of a connection that the server did not keep, as a predicate; ``None`` where it did."""
    if ended := transcript.cut_off:
        return f"was cut off by the harness ({ended.words})"
    if exited := transcript.events(Exited):
        code = exited[0].code
        left = "closed its stdout" if transcript.transport == "stdio" else "went away"
        return left if code is None else f"ended (exit code {code})"
    return None


def outcome(client: FixtureClient, response: Json | None) -> str:
    """What a candidate's call came to, in a few words."""
    if count := len(client.sampling):
        return f"sampled ({count} request{'s' if count > 1 else ''})"
    if response is None:
        if lost := client.transcript.events(NeverAnswered):
            return f"no answer: {lost[-1].why}"
        if end := _how_it_ended(client.transcript):
            return f"the server {end} before it answered" + (with_tail(client.wire.tail) if client.wire.tail else "")
        return f"no answer within {client.timeout:g} s" + (with_tail(client.wire.tail) if client.wire.tail else "")
    if "error" in response:
        return f"error {json.dumps(response['error'])[:200]}"
    result = response.get("result")
    if isinstance(result, dict) and result.get("isError") is True:
        return f"answered without sampling, an error: {json.dumps(result.get('content'))[:200]}"
    return "answered without sampling"


def nothing_sampled(founds: Sequence[Found]) -> str:
    """The message of a run in which no sampling request came, from what was found in each era that is spoken."""
    lines = [f"{_what_was_tried(founds)}, so there was nothing to judge."]
    for found in founds:
        client = f"as a client of the {found.era} era"
        lines += [f"What was tried, {client}:"] * bool(found.notes)
        lines += [f"  {label}: {note}" for label, note in found.notes.items()]
        lines += [f"What was not called, {client}:"] * bool(found.uncalled)
        lines += [f"  {labels}: {why}" for why, labels in _by_reason(found.uncalled).items()]
        if not found.notes and not found.uncalled:
            lines.append(f"It lists no tool, prompt or resource that could be called, {client}.")
    lines.append(
        'Say what to call with --mcp-tool NAME or --mcp-tool \'NAME={"argument": "value"}\' (or --mcp-prompt, '
        "--mcp-resource), for something that makes the server send sampling/createMessage"
        + (", in 2026-07-28 inside an InputRequiredResult." if any(f.era == "modern" for f in founds) else ".")
    )
    return "\n".join(lines)


def _by_reason(uncalled: Mapping[str, str]) -> dict[str, str]:
    """What was not called, by the reason, in words."""
    labels: dict[str, list[str]] = {}
    for label, why in uncalled.items():
        labels.setdefault(why, []).append(label)
    more = {why: f", and {len(those) - _LISTED} more" if len(those) > _LISTED else "" for why, those in labels.items()}
    return {why: ", ".join(those[:_LISTED]) + more[why] for why, those in labels.items()}


def _what_was_tried(founds: Sequence[Found]) -> str:
    """What it means that no sampling request came, as a clause."""
    if not any(found.notes for found in founds):
        return "nothing was called"
    if any(found.asked_elsewhere for found in founds):
        return "the server asked, but another session than the one whose call it was for"
    if any(found.uncalled for found in founds):
        return "what was called did not ask for sampling, and not everything was called"
    return "the server never asked for sampling"
