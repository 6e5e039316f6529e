"""Saved transcripts: JSON Lines, a header and then an item a line. ``docs/transcripts.md`` describes the format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from .. import __version__
from ..protocol.jsonrpc import Json
from .events import Exited, NeverAnswered, RequestRejected, RevisionConcluded, TimedOut
from .introduction import Introduction, introduction_in
from .items import NotAnItem, item_from_json, item_to_json
from .masking import Mask
from .recorder import Recorder
from .transcript import Entry, Item, Side, Transcript

FORMAT = "mcp-sampling-transcript"
FORMAT_VERSION = 1
SUFFIX = ".jsonl"
#: what shows that nothing will be heard of the system under test, or was heard that is no message
_SIGNS = (TimedOut, NeverAnswered, Exited, RequestRejected, RevisionConcluded)


class NotReadable(ValueError):
    """A file is no saved transcript; the text is one sentence that says what is wrong with it."""


@dataclass(frozen=True)
class Header:
    """The first line of a saved transcript."""

    name: str  #: of the transcript among those of its run
    label: str  #: for people
    kind: str  #: what was under test: "server", "client" or "callback"
    side: Side  #: whose rules it is judged by
    value: str  #: what was under test, as the user named it
    transport: str
    revision: str
    options: Mapping[str, Any] = field(default_factory=dict)  #: those that matter to the verdicts
    seed: int | None = None  #: of what was generated
    own_name: str | None = None  #: the name that the system under test gave itself
    own_version: str | None = None
    date: str = ""  #: ISO 8601, in UTC

    def as_json(self) -> Json:
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "tool": {"name": "mcp-sampling-conformance", "version": __version__},
            "date": self.date,
            "name": self.name,
            "label": self.label,
            "subject": {
                "kind": self.kind,
                "value": self.value,
                "name": self.own_name,
                "version": self.own_version,
            },
            "side": self.side.value,
            "transport": self.transport,
            "revision": self.revision,
            "seed": self.seed,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, data: Json) -> Header:
        """The header that ``as_json`` made this of. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        subject = data["subject"]
        return cls(
            name=str(data["name"]),
            label=str(data["label"]),
            kind=str(subject["kind"]),
            side=Side(data["side"]),
            value=str(subject["value"]),
            transport=str(data["transport"]),
            revision=str(data["revision"]),
            options=dict(data.get("options") or {}),
            seed=data.get("seed"),
            own_name=subject.get("name"),
            own_version=subject.get("version"),
            date=str(data.get("date", "")),
        )


@dataclass(frozen=True)
class About:
    """What the headers of all transcripts of a run say alike."""

    kind: str
    side: Side
    value: str
    options: Mapping[str, Any]
    seed: int | None


class SavingRecorder(Recorder):
    """Opens transcripts that are written to files in a folder as they grow, secrets masked."""

    def __init__(self, folder: Path, about: About, mask: Mask) -> None:
        super().__init__()
        self._folder = folder
        self._about = about
        self._mask = mask
        self._writers: dict[str, _Writer] = {}

    def open(self, revision: str, label: str, transport: str) -> Transcript:
        """As in ``Recorder``. Raises ``OSError`` when the file cannot be made."""
        transcript = super().open(revision, label, transport)
        about = self._about
        header = Header(
            name=transcript.name,
            label=label,
            kind=about.kind,
            side=about.side,
            value=self._mask(about.value),
            transport=transport,
            revision=revision,
            options=about.options,
            seed=about.seed,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        writer = _Writer(self._folder / (transcript.name + SUFFIX), header, self._mask)
        self._writers[transcript.name] = writer
        transcript.on_item = writer.write
        return transcript

    def conclude(self, name: str, conclusion: RevisionConcluded) -> None:
        self._writers[name].conclude(conclusion)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class _Writer:
    """Writes one transcript, line by line.

    The header names the system under test, which is known only once that has spoken: what the harness says before
    waits for it.
    """

    def __init__(self, path: Path, header: Header, mask: Mask) -> None:
        self._file: BinaryIO = path.open("xb")
        self._header: Header | None = header
        self._mask = mask
        self._waiting: list[Item] = []
        self._next = 0

    def write(self, item: Item) -> None:
        self._next = item.index + 1
        if self._header is None:
            self._line(item_to_json(self._mask.item(item)))
            return
        self._waiting.append(item)
        heard = isinstance(item, Entry) and item.sender is self._header.side
        if heard or isinstance(item, _SIGNS):
            name, version = introduction_in(item) if isinstance(item, Entry) else Introduction()
            self._begin(self._header, name, version)

    def conclude(self, conclusion: RevisionConcluded) -> None:
        self.write(replace(conclusion, index=self._next))

    def _begin(self, header: Header, name: str | None, version: str | None) -> None:
        own = {"name": name and self._mask(name), "version": version and self._mask(version)}
        whole = header.as_json()
        whole["subject"] |= own
        self._line(whole)
        self._header = None
        for item in self._waiting:
            self.write(item)
        self._waiting = []

    def close(self) -> None:
        if self._header is not None:
            self._begin(self._header, None, None)
        self._file.close()

    def _line(self, data: Json) -> None:
        try:
            line = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:  # a lone surrogate, which JSON has and UTF-8 has not
            line = json.dumps(data, separators=(",", ":")).encode()
        self._file.write(line + b"\n")
        self._file.flush()  # what was seen is kept, also where the run is killed


def load(path: Path) -> tuple[Header, Transcript]:
    """A saved transcript of ours. Raises ``NotReadable``, and ``OSError`` where it cannot be read."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        header = _header(path, next(lines, ""))
        items = [_item(path, number, line) for number, line in enumerate(lines, 2) if line.endswith("\n")]
    return header, Transcript(header.label, header.transport, items, name=header.name)


def is_ours(first_line: str) -> bool:
    """Whether a file that begins with this line is a saved transcript of ours, of whatever version."""
    try:
        data = json.loads(first_line)
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("format") == FORMAT


def _header(path: Path, line: str) -> Header:
    if not is_ours(line):
        raise NotReadable(f"{path} is no saved transcript: its first line is no header with the format {FORMAT}")
    data = json.loads(line)
    if data.get("version") != FORMAT_VERSION:
        raise NotReadable(
            f"{path} has version {data.get('version')!r} of the transcript format, and this harness reads version "
            f"{FORMAT_VERSION}; use the one that wrote it"
        )
    try:
        return Header.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise NotReadable(f"{path}: its header cannot be read ({error!r})") from None


def _item(path: Path, number: int, line: str) -> Item:
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise NotAnItem("it is no JSON object")
        return item_from_json(data)
    except ValueError as error:
        raise NotReadable(f"{path}, line {number}: {error}; was the file changed?") from None
