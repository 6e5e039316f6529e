"""Secrets that the user gave for the system under test, taken out of whatever is shown or saved.

A system may show a secret in any form: as it is, in Base64 or hexadecimal, escaped for JSON, HTML or a URL, wrapped
over lines. Texts are searched as they are, and again with their escapes and line breaks undone, for the few forms that
are left then; what is found is masked where it stands in the text.
"""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import unquote

from ..protocol.jsonrpc import Path
from .events import Event
from .secret_values import is_plain, secrets_in, secrets_of
from .transcript import Entry, Item

AnEvent = TypeVar("AnEvent", bound=Event)
#: where something begins and ends in a text
Span = tuple[int, int]

#: what stands in the place of a secret
MASKED = "***"
#: how often a text is escaped over again, as JSON within JSON is
_LEVELS = 3
#: a shorter form in Base64 comes up by chance in any image
_SHORTEST_BASE64 = 6
#: characters of a part of a secret that is masked: where the text was cut, where it is no word, and where it may be one
_STUB, _ODD, _HALF = 4, 6, 8
#: parts that are looked for in one text at most
_MOST_PARTS = 10_000
#: what follows where a text was cut, and what stands, backwards, before what is left of its end
_CUT_HERE = r" ?[…)]|[ \t]*(?:[\r\n]|\Z)"
_CUT_BEFORE = r" *(?:[\r\n]|\Z)| ?…"

_X = "[0-9a-fA-F]"
#: a line break with what may stand between two lines of a wrapped value, or a character escaped for JSON, a URL or
#: HTML (each alternative begins with a fixed character: so ``re`` looks at no other places)
_ESCAPED = re.compile(
    "|".join(
        [
            *(rf"{end}(?:\\[rn]|[\r\n])*[ \t]*(?:data:[ \t]?)?" for end in (r"\r", r"\n", r"\\r", r"\\n")),
            rf"\\u[dD][89abAB]{_X}{{2}}\\u[dD][c-fC-F]{_X}{{2}}",
            rf"\\u{_X}{{4}}",
            rf"\\x{_X}{{2}}",
            r"\\[\"'\\/bft]",
            rf"%[0-7]{_X}",
            rf"%[c-dC-D]{_X}%{_X}{{2}}",
            rf"%[eE]{_X}(?:%{_X}{{2}}){{2}}",
            rf"%[fF]{_X}(?:%{_X}{{2}}){{3}}",
            rf"&(?:#[0-9]{{1,7}}|#[xX]{_X}{{1,6}}|[A-Za-z]{{2,8}});",
        ]
    )
)


class Mask:
    """Replaces secrets in a text. Of ``Bearer abcd`` the token alone is one, of ``Basic …`` the password too."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are known to be some, whatever they look like; see ``given`` for what is not known so well."""
        words = {word for secret in secrets for word in secrets_of(secret)}
        self._forms = sorted({form for word in words for form in _forms(word)}, key=len, reverse=True)
        longer = [form for form in self._forms if len(form) >= _ODD]
        self._parts = [(_Beginning(form, _CUT_HERE), _Beginning(form[::-1], _CUT_BEFORE)) for form in longer]

    @classmethod
    def given(cls, values: Iterable[tuple[str, str]]) -> Mask:
        """For variables and headers, by name: what is a secret among them is told by ``secret_values``."""
        return cls(word for name, value in values for word in secrets_in(name, value))

    def __call__(self, text: str) -> str:
        """``text`` without the secrets, and without a half of one that is left of a text that was cut."""
        spans = self._spans(text) if self._forms else []
        if not spans:
            return text
        kept, end = [], 0
        for start, stop in _merged(spans):
            kept += [text[end:start], MASKED]
            end = stop
        return "".join([*kept, text[end:]])

    def item(self, item: Item) -> Item:
        """An entry or event with the secrets masked in all of its texts."""
        if not self._forms:
            return item
        if isinstance(item, Entry):
            data = None if item.data is None else self._bytes(item.data)
            return replace(item, content=self._bytes(item.raw), data_content=data, event_id=self(item.event_id))
        return self.event(item)

    def event(self, event: AnEvent) -> AnEvent:
        """An event with the secrets masked in all of its texts."""
        return replace(event, **{field.name: self._value(getattr(event, field.name)) for field in fields(event)})

    def path(self, path: Path) -> Path:
        """A path in a message with the secrets masked in the names of members."""
        return tuple(self(step) if isinstance(step, str) else step for step in path)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Mapping):
            return {self._value(name): self._value(member) for name, member in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self._value(member) for member in value)
        return value

    def _bytes(self, raw: bytes) -> bytes:
        # Escaped surrogates keep what is no UTF-8 as it is.
        return self(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    # --- where the secrets are

    def _spans(self, text: str) -> list[Span]:
        """Where secrets stand in a text, in any form."""
        found = self._found(text)
        levels = [text]
        while len(levels) <= _LEVELS and (plainer := _unescaped(levels[-1])) != levels[-1]:
            here = self._found(plainer)
            for source in reversed(levels):
                here = _in_source(here, source) if here else here
            found += here
            levels.append(plainer)
        return found

    def _found(self, text: str) -> list[Span]:
        """Where the forms of secrets, or telling parts of them, stand literally."""
        found: list[Span] = []
        for form in self._forms:
            if form in text:
                found += (place.span() for place in re.finditer(re.escape(form), text))
                text = text.replace(form, "\0" * len(form))
        size, backwards = len(text), text[::-1]
        for beginning, ending in self._parts:
            parts = [*islice(beginning.spans(text), _MOST_PARTS)]
            parts += ((size - stop, size - start) for start, stop in islice(ending.spans(backwards), _MOST_PARTS))
            if len(parts) >= _MOST_PARTS:  # made to take us long
                return [(0, size)]
            found += parts
        return found


class _Beginning:
    """So much of the beginning of a form that it must not be told. (Of its end, where all is read backwards.)"""

    def __init__(self, form: str, cut: str) -> None:
        """``cut``: what follows where a text was cut."""
        self._form = form
        self._cut = re.compile(cut)
        first, more = re.escape(form[:_STUB]), [re.escape(form[_STUB:_ODD])]
        if len(form) <= _STUB * 3:  # a shorter part is a good part of it
            more.append(f"(?:{re.escape(form[_STUB])})?(?={cut})")
        self._begins = re.compile(f"{first}(?:{'|'.join(more)})")

    def spans(self, text: str) -> Iterator[Span]:
        place = 0
        while found := self._begins.search(text, place):
            start = found.start()
            stop = start + self._length(text, start)
            if self._tells(stop - start) or self._cut.match(text, stop):
                yield start, stop
                place = stop
            else:
                place = start + 1

    def _length(self, text: str, start: int) -> int:
        """How many characters stand there."""
        low, high = _STUB, len(self._form)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if text.startswith(self._form[:middle], start) else (low, middle - 1)
        return low

    def _tells(self, length: int) -> bool:
        """Whether so much must not be told wherever it stands: that a secret begins like any URL, or any key of its
        kind, tells nothing."""
        half = length >= _HALF and length * 2 >= len(self._form)
        return half or (length >= _ODD and not is_plain(self._form[:length]))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap as one."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


# --- the forms of a secret


def _forms(word: str) -> set[str]:
    """The texts that give a secret away, once escapes and line breaks are undone."""
    forms = {word, _unescaped(word)}
    forms |= {form.replace(" ", "+") for form in forms}  # as in a form sent by a browser
    raw = word.encode("utf-8", "surrogatepass")
    encoded = {form for encode in (base64.b64encode, base64.urlsafe_b64encode) for form in _base64(raw, encode)}
    forms |= {raw.hex(), raw.hex().upper(), *(form for form in encoded if len(form) >= _SHORTEST_BASE64)}
    return {form for form in forms if len(form) >= _STUB}


def _base64(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """A secret in Base64: alone, and of a longer text what is the same whatever stands around it.

    (A few bits of its first and last byte mix with those of their neighbours; they tell nothing.)"""
    yield encode(raw).decode().rstrip("=")
    for before, mixed in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(raw)) * 8 // 6
        yield encode(bytes(before) + raw).decode()[mixed:whole]


# --- escapes


@lru_cache(4096)
def _meaning(escaped: str) -> str:
    """The character that an escape stands for; nothing for a line break."""
    if escaped[0] == "%":
        return unquote(escaped)
    if escaped[0] == "&":
        return html.unescape(escaped)
    if escaped[0] != "\\" or escaped[1] in "rn":
        return ""
    if escaped[1] in "x'":
        return escaped.encode().decode("unicode_escape")
    return str(json.loads(f'"{escaped}"'))


def _unescaped(text: str) -> str:
    """A text with escapes and line breaks undone, once."""
    return _ESCAPED.sub(lambda found: _meaning(found[0]), text)


def _in_source(spans: Iterable[Span], source: str) -> list[Span]:
    """Where in a text stands what stands at these places once it is unescaped."""
    # From each of these places on text and source run side by side; those with an odd number are escapes.
    plain, escaped = [0], [0]
    for found in _ESCAPED.finditer(source):
        plain.append(plain[-1] + found.start() - escaped[-1])
        escaped.append(found.start())
        plain.append(plain[-1] + len(_meaning(found[0])))
        escaped.append(found.end())

    def place(at: int, *, end: bool) -> int:
        number = bisect_right(plain, at) - 1
        if number % 2:
            return escaped[number + end]
        return escaped[number] + at - plain[number] + end

    return [(place(start, end=False), place(stop - 1, end=True)) for start, stop in spans]
