"""The part of a transcript that shows a violation: the offending message and the few around it, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..rules.rule import Finding
from ..transcript.transcript import Entry, Mark, Side, Transcript

_BEFORE, _AFTER = 3, 4
_LONG = 600

#: what a mark says in an excerpt; marks without a line here stay out
_MARKS = {
    "probe": "the harness: next, {name} ({target})",
    "follow-up": "the harness: now a plain call",
    "gave-up": "the harness: no answer to id {id} within {seconds:g} s, going on without",
    "died": "the process has ended (exit code {code})",
    "stdin-closed": "the harness closes the server's stdin",
    "flooded": "the harness reads no further after {bytes} bytes",
    "http": "HTTP {exchange}: {status}",
    "http-failed": "HTTP {exchange} failed: {error}",
    "http-body": "HTTP {exchange} had no JSON but {content_type!r}: {body}",
    "lost": "the harness: id {id} will get no answer, {why}",
    "left": "the connection was closed during {tools}",
    "watched-exit": "the harness: process ended by itself within {seconds:g} s: {exited}",
}


def printable(text: str) -> str:
    """Text of the system under test, safe to print: control and format characters are escaped."""
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]",
        lambda found: found[0].encode("unicode_escape").decode(),
        text,
    )


def excerpt(finding: Finding) -> Iterator[str]:
    """Lines that show the finding's place in its transcript; the offending one begins with ``>>>``."""
    if finding.at is not None:
        entry, transcript = finding.at.message.entry, finding.at.message.session.transcript
        yield from _around(transcript, entry)
    elif finding.entry is not None:
        yield _line(finding.entry, offending=True)


def _around(transcript: Transcript, offender: Entry) -> Iterator[str]:
    yield f"on the connection {transcript.label!r}:"
    items = [item for item in transcript.items if isinstance(item, Entry) or item.kind in _MARKS]
    place = items.index(offender)
    last = min(len(items), place + _AFTER + 1)
    for item in items[max(0, place - _BEFORE) : last]:
        yield _line(item, offending=item is offender)
        yield from _stderr(item)
    # A wait in vain is often what the finding is about, and may come much later.
    for item in transcript.items[items[last - 1].index + 1 :]:
        if isinstance(item, Mark) and item.kind in ("probe", "ask"):
            break
        if isinstance(item, Mark) and item.kind in ("gave-up", "died"):
            yield "    …"
            yield _line(item)
            yield from _stderr(item)
            break


def _stderr(item: Entry | Mark) -> Iterator[str]:
    """What the server wrote last, where the item says that it ended."""
    if isinstance(item, Mark):
        for line in item.data.get("stderr", "").splitlines():
            yield f"    stderr:{printable(line)}"


def _line(item: Entry | Mark, offending: bool = False) -> str:
    if isinstance(item, Mark):
        return f"    ({printable(_MARKS[item.kind].format(**item.data))})"
    arrow = "client → server" if item.sender is Side.CLIENT else "server → client"
    arrow += f" [{item.channel}]" if item.channel.startswith(("POST", "GET")) else ""
    text = item.text
    if len(text) > _LONG:
        text = f"{text[: _LONG * 2 // 3]} … ({len(item.raw)} bytes) … {text[-_LONG // 3 :]}"
    return f"{'>>>' if offending else '   '} {arrow}  {printable(text)}"
