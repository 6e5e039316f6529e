"""What a process wrote last, cut to the lines that tell most: of a stack trace those that name the error, and where in
the program's own code it came about, rather than the frames of its platform and "... 8 more"."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

#: lines that are told at most, and characters of each
MOST_LINES = 15
_LONG = 1000
#: errors that are told at most, the latest ones
_MOST_ERRORS = 5
_GAP = "…"

#: what a line begins with that belongs to a group of Python's exceptions
_MARGIN = r"^[\s|+-]*"
_ERROR = re.compile(
    _MARGIN
    # Node's "[cause]: ", .NET's "---> ", and the words of Java and others
    + r"(?:(?:\[cause\]|Caused by|Suppressed|Uncaught|Unhandled exception|Unhandled rejection)[:.]? |-+> )*"
    r'(?:Exception in thread ".*" )?'
    r"(?:[\w$]+(?:[./]|::))*[A-Z][\w$]*(?:Error|Exception|Throwable|Interrupt|Exit|Group|Failure|Fault)"
    r"(?: \[\w+\]| \([^)]*\))?(?:: .*)?(?: \{)?$"
    r"|^\s*Caused by: |^(?:panic|fatal error|fatal|[Ee]rror(?:\[E\d+\])?): \S|^thread '.*' .*panicked at"
    r"|\b(?:ERROR|FATAL|SEVERE|CRITICAL)\b"
)
#: what is left out of a trace
_OMITTED = re.compile(
    _MARGIN + r"\.{3} \d+ (?:more|common frames omitted|lines matching)|^[\s|+^~…-]*$|^\s*\[Previous line repeated"
)
#: what is no part of the program: a platform, or what was installed for it
_FOREIGN = re.compile(
    r"node:|\binternal/|node_modules|site-packages|dist-packages|[/\\]python3?[.\d]*[/\\]|<frozen |/usr/lib|/go/src/|"
    r"/pkg/mod/|/rustc/|\.cargo/registry|/library/(?:std|core|alloc)/|/gems/|"
    r"\bat (?:[\w.@-]*/+)*(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|reactor|org\.springframework|org\.apache|"
    r"org\.eclipse|io\.netty|io\.modelcontextprotocol|com\.fasterxml|System|Microsoft|ModelContextProtocol)\."
)


@dataclass(frozen=True)
class _Style:
    """How a language writes a frame: the line that names a place, and the lines that belong to it."""

    place: re.Pattern[str]
    before: int = 0  #: lines before it
    after: int = 0  #: lines after it
    error_last: bool = False  #: the error is told after its frames


_STYLES = (
    _Style(re.compile(_MARGIN + r'File ".+", line \d+'), after=1, error_last=True),  # Python
    _Style(re.compile(r"^\t\S+\.(?:go|s):\d+"), before=1),
    _Style(re.compile(r"^\s+at \S+\.rs:\d+"), before=1),
    _Style(re.compile(r"^\s+at \S")),  # Java, Node, .NET
    _Style(re.compile(r"^\s+from \S+:\d+:in ")),  # Ruby
)


@dataclass(frozen=True)
class _Frame:
    lines: range
    own: bool
    error_last: bool


def useful_end(text: str) -> list[str]:
    """The last lines of a text; where they are a stack trace, those that tell most, with marks where some are left
    out."""
    lines = [line if len(line) <= _LONG else line[:_LONG] + _GAP for line in text.splitlines() if line.strip()]
    if len(lines) <= MOST_LINES:
        return lines
    chosen: set[int] = set()
    for unit in _by_worth(lines):
        if len(_shown(lines, more := chosen.union(unit))) <= MOST_LINES:
            chosen = more
    return _shown(lines, chosen)


def reason(text: str) -> str:
    """The one line that tells why: that of the last error that is named, else the last."""
    lines = [line for line in text.splitlines() if line.strip()]
    for unit in _errors(lines, _frames(lines))[::-1]:
        return " ".join(lines[place].strip() for place in unit)
    return lines[-1].strip() if lines else ""


def _by_worth(lines: Sequence[str]) -> Iterator[Sequence[int]]:
    """Lines in the order in which they are wanted, those together that belong together."""
    frames = _frames(lines)
    errors = _errors(lines, frames)
    latest = _latest(errors, lines)
    if not errors:
        yield from ([place] for place in range(len(lines) - 1, len(lines) - MOST_LINES - 1, -1))
        return
    yield from latest
    found = [_own_frames(error, errors, frames) for error in latest]
    yield from (frame.lines for frame in chain(*zip_longest(*found)) if frame is not None)
    told = {place for part in (*(frame.lines for frame in frames), *errors) for place in part}
    plain = [place for place, line in enumerate(lines) if place not in told and not _OMITTED.match(line)]
    yield from ([place] for place in plain[: -MOST_LINES - 1 : -1])


def _frames(lines: Sequence[str]) -> list[_Frame]:
    found = []
    for place, line in enumerate(lines):
        style = next((style for style in _STYLES if style.place.search(line)), None)
        if style is not None:
            own = range(max(place - style.before, 0), min(place + style.after + 1, len(lines)))
            foreign = any(_FOREIGN.search(lines[each]) for each in own)
            found.append(_Frame(own, not foreign, style.error_last))
    return found


def _errors(lines: Sequence[str], frames: Sequence[_Frame]) -> list[Sequence[int]]:
    """The lines that name an error, each with the next one where that goes on."""
    framed = {place: frame for frame in frames for place in frame.lines}
    found: list[Sequence[int]] = []
    above: _Frame | None = None  #: the frame right above a line
    for place, line in enumerate(lines):
        if place in framed:
            above = framed[place]
        elif not _OMITTED.match(line):
            # What follows Python's frames is the error, whatever its name.
            if _ERROR.search(line) or (above is not None and above.error_last):
                found.append(range(place, place + 1 + _goes_on(lines, place, framed)))
            above = None
    return found


def _goes_on(lines: Sequence[str], place: int, framed: Container[int]) -> bool:
    """Whether the next line is a part of what an error says."""
    if place + 1 == len(lines) or place + 1 in framed:
        return False
    return lines[place].rstrip().endswith(":") or lines[place + 1].startswith("[signal ")


def _latest(errors: Sequence[Sequence[int]], lines: Sequence[str]) -> list[Sequence[int]]:
    """The last errors, latest first, each text once."""
    by_text = {lines[error[0]].strip(): error for error in errors}
    return sorted(by_text.values(), key=lambda error: error[0], reverse=True)[:_MOST_ERRORS]


def _own_frames(
    error: Sequence[int], errors: Sequence[Sequence[int]], frames: Sequence[_Frame], most: int = 2
) -> list[_Frame]:
    """The frames of an error that are nearest to where it came about in the program's own code, or nearest at all."""
    begin = max((other[0] for other in errors if other[0] < error[0]), default=-1)
    end = min(
        (other[0] for other in errors if other[0] > error[0]),
        default=max(f.lines[-1] for f in frames) + 1 if frames else 0,
    )
    before = [frame for frame in frames if frame.error_last and begin < frame.lines[0] < error[0]][::-1]
    after = [frame for frame in frames if not frame.error_last and error[0] < frame.lines[0] < end]
    near = before or after
    return [frame for frame in near if frame.own][:most] or near[:1]


def _shown(lines: Sequence[str], chosen: set[int]) -> list[str]:
    """The chosen lines, with a mark wherever some are left out before another."""
    shown: list[str] = []
    last = min(chosen, default=0) - 1
    for place in sorted(chosen):
        shown += [_GAP] * (place > last + 1) + [lines[place]]
        last = place
    return shown
