"""Numbers and texts for flat schemas, the plainest first. Not all of them fit: each is checked before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from math import ceil, floor, inf, isfinite

from ..protocol.jsonrpc import Json
from .check import bounds, limit
from .patterns import texts_for
from .work import Work

#: longer texts are not made
_LONGEST_TEXT = 10_000
#: so many numbers and texts are made when others do not fit, or an array wants different ones
_MOST = 50

FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "https://example.com/",
    "iri": "https://example.com/",
    "iri-reference": "https://example.com/",
    "uri-template": "https://example.com/{id}",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "json-pointer": "/a",
    "relative-json-pointer": "0",
    "regex": "a",
    "byte": "dGV4dA==",
}


def numbers(schema: Json, *, whole: bool) -> Iterator[float]:
    """Numbers near 1, and near the limits that a schema sets."""
    low, high, _, _ = bounds(schema)
    factor = limit(schema, "multipleOf", 1 if whole else 0)
    if factor <= 0 or not isfinite(factor):
        factor = 1 if whole else 0
    near = [1, low, high, *((low + high) / 2 for _ in "m" if isfinite(low) and isfinite(high))]
    for start in (n for n in near if isfinite(n) and (low <= n <= high)):
        if not whole:
            yield start
        yield from (near_multiple(start, factor or 1, n) for n in (0, 1, -1))
    base = next((n for n in (low, 1.0) if isfinite(n)), 1)
    if isfinite(base) and base <= high:
        yield from (near_multiple(base, factor or 1, n) for n in range(2, _MOST))
    if low == -inf and isfinite(high):
        yield from (near_multiple(high, factor or 1, -n) for n in range(2, _MOST))


def near_multiple(start: float, factor: float, steps: int) -> float:
    """The first multiple of a factor from a number on, and so many steps further; whole where it can be."""
    if isinstance(start, int) and isinstance(factor, int):
        return (-(-start // factor) + steps) * factor
    part = Decimal(str(factor))
    found = ((Decimal(str(start)) / part).to_integral_value(ROUND_CEILING) + steps) * part
    return int(found) if found == found.to_integral_value() else float(found)


def texts(schema: Json, work: Work) -> Iterator[str]:
    """Texts of the format, pattern and length that a schema asks for."""
    shortest, longest = limit(schema, "minLength", 0), limit(schema, "maxLength", inf)
    if shortest > _LONGEST_TEXT:
        work.note(f"asks for a text of more than {_LONGEST_TEXT} characters")
        return
    work.step(int(shortest) // 50)
    pattern, kind = schema.get("pattern"), schema.get("format")
    if isinstance(kind, str) and kind in FORMATS:
        yield FORMATS[kind]
    if isinstance(pattern, str):
        yield from texts_for(pattern, work, ceil(shortest))
    elif not (isinstance(kind, str) and kind in FORMATS):
        for n in range(1, _MOST):
            text = ("text" if n == 1 else f"text{n}").ljust(ceil(shortest), "x")
            yield text[-floor(longest) :] if 0 < longest < len(text) else text
        yield ""
