"""JSON as it crossed: bytes to a value, and what is wrong with the bytes or odd about the text."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Parsed:
    """What some bytes are as JSON text (RFC 8259)."""

    value: Any  #: the JSON value, ``None`` when ``fault`` is set
    fault: str | None = None  #: why the bytes are no JSON text in UTF-8
    raw: bytes = b""

    @property
    def repeated(self) -> tuple[str, ...]:
        """The names that some object has twice, in the order in which they were met. Looked for only when asked for,
        since that takes three times as long as parsing."""
        repeated: dict[str, None] = {}

        def note(members: list[tuple[str, Any]]) -> None:
            seen: set[str] = set()
            for name, _ in members:
                if name in seen:
                    repeated[name] = None
                seen.add(name)

        if self.fault is None:
            json.loads(self.raw.decode("utf-8"), object_pairs_hook=note, parse_int=_integer)
        return tuple(repeated)


def parse(raw: bytes) -> Parsed:
    """The JSON value of ``raw``, or what is wrong with it. Raises nothing."""
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Parsed(None, f"not UTF-8 (byte {error.start})")
    except RecursionError:
        return Parsed(None, "JSON nested too deeply to read")
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError) and _LONG_NUMBER.search(raw):
            return _parse_long_numbers(raw)
        return Parsed(None, f"not JSON ({error})")
    return Parsed(value, None, raw)


#: digits that Python makes no integer of
_LONG_NUMBER = re.compile(rb"[0-9]{4000}")


def _parse_long_numbers(raw: bytes) -> Parsed:
    """As ``parse``, where integers may have more digits than Python reads: as for a float, they are infinite."""
    try:
        return Parsed(_FOR_LONG_NUMBERS.decode(raw.decode("utf-8")), None, raw)
    except ValueError as error:
        return Parsed(None, f"not JSON ({error})")


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 4000 else float(digits)


def parse_all(raws: Iterable[bytes]) -> Iterator[Parsed]:
    """The same for each of many, in order, in two thirds of the time and the memory: many are parsed as one array, and
    so share the names of their members."""
    some: list[bytes] = []
    size = 0
    for raw in raws:
        some.append(raw)
        size += len(raw)
        if len(some) == _MOST_TOGETHER or size > _MOST_BYTES:
            yield from _parse_together(some) or map(parse, some)
            some, size = [], 0
    yield from _parse_together(some) or map(parse, some)


#: how many texts are parsed as one array at most, and how large they may be together
_MOST_TOGETHER, _MOST_BYTES = 100, 200_000
#: stands between two of them; nobody else knows it
_BETWEEN = secrets.token_hex(16)


def _parse_together(raws: Sequence[bytes]) -> list[Parsed] | None:
    """``None`` where any of them is no JSON text."""
    try:
        text = f',"{_BETWEEN}",'.join(raw.decode("utf-8") for raw in raws)
        found = _DECODER.decode(f"[{text}]")
    except (ValueError, RecursionError):
        return None
    # "1," and "2]" make no array of two: between any two texts there must be the mark, and nothing else.
    if found[1::2] != [_BETWEEN] * (len(raws) - 1) or len(found) != 2 * len(raws) - 1:
        return None
    return [Parsed(value, None, raw) for value, raw in zip(found[::2], raws, strict=True)]


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
_FOR_LONG_NUMBERS = json.JSONDecoder(parse_constant=_reject_constant, parse_int=_integer)
