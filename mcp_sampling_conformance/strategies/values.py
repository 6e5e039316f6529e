"""Text that is nasty, JSON of any kind, and the small things that blocks are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from ..revisions import NAMES, REVISIONS, Revision

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]
T = TypeVar("T")

#: what breaks a peer that splits, escapes, measures or matches text carelessly; the simplest first
TEXTS = (
    "Hello.",
    "",
    " ",
    "What is the weather in Paris?",
    "two\nlines",
    "carriage\r\nreturn and\ttab",
    "null",
    "-0.1e+400",
    '{"jsonrpc": "2.0", "id": 1, "method": "ping"}',
    '"}], "maxTokens": 1}',
    "data: {}\n\nevent: message\nid: 1\ndata: [DONE]\n\n",
    "Content-Length: 2\r\n\r\n{}",
    "back\\slash, \"quotes\", 'quotes', \\u0000, \\ud800",
    "<script>alert(1)</script> &amp; ]]> {{template}} ${variable} %s %n",
    "```json\n{}\n```",
    "\0\x01\x1b[31m\x7f\x85",
    "\u2028 and \u2029 separate lines in JavaScript",
    "\ufeffbyte order mark, \ufffd, \ufffe, \uffff",
    "\u202eright to left\u202c, \u2066isolated\u2069, \u200d\u200b\u00ad",
    "שלום, العالم",
    "e\u0301 is not \u00e9, \u1e9b\u0323, Z" + "\u0300\u0327" * 20,
    "ﬃ ǅ İi ß ſ K",
    "\U0001d54f \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7 \U0010ffff",
    "中文，日本語、한국어",
    "x" * 5000,
    "\U0001f600\n" * 14000,  # more than 64 KiB
)

_WRITTEN_JSON = ("null", "true", "0", "-1", "1.5", "1e100", "9007199254740993", '""', "[]", "{}", '[[], {"": [null]}]')
_META_KEYS = ("com.example/trace", "note", "example.org/a.b-c_1", "0")


def revision_of(name: str) -> Revision:
    if name not in REVISIONS:
        raise ValueError(f"{name!r} is no revision of MCP; there are {', '.join(NAMES)}")
    return REVISIONS[name]


def one_of_these(values: Sequence[T]) -> st.SearchStrategy[T]:
    """Like ``sampled_from``, whose repr would hold them all."""
    indices = st.integers(0, len(values) - 1)

    @st.composite
    def pick(draw: st.DrawFn) -> T:
        return values[draw(indices)]

    return pick()


@cache
def texts() -> st.SearchStrategy[str]:
    """Strings that survive UTF-8: nasty ones by name, and any others."""
    return one_of_these(TEXTS) | st.text(st.characters(codec="utf-8"), max_size=20)


@cache
def short_texts() -> st.SearchStrategy[str]:
    """The same where a long one makes no sense."""
    return one_of_these([text for text in TEXTS if len(text) < 100])


@cache
def json_values(revision: Revision | None = None) -> Strategy:
    """Any JSON value, small.

    In 2026-07-28 the JSONValue of ``schema.json`` is without null and fractions, unlike that of ``schema.ts``: given
    that revision, these are left out.
    """
    disputed = ("null", "1.5", '[[], {"": [null]}]') if revision is not None and revision.modern else ()
    written = [text for text in _WRITTEN_JSON if text not in disputed]
    return st.sampled_from(written).map(json.loads) | short_texts()


@cache
def json_objects(revision: Revision | None = None) -> st.SearchStrategy[Json]:
    return st.dictionaries(short_texts(), json_values(revision), max_size=2)


@cache
def metas() -> st.SearchStrategy[Json]:
    """A ``_meta`` with keys that the specification allows."""
    return st.dictionaries(st.sampled_from(_META_KEYS), json_values(), max_size=2)


@cache
def uris() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ("file:///a", "https://example.org/a%20b?q=%F0%9F%98%80#part", "urn:isbn:0451450523", "data:,x", "x-app://h:1/")
    )


@cache
def mime_types() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ("text/plain", "text/html; charset=utf-8", "application/ld+json", "application/octet-stream")
    )


@cache
def icons() -> st.SearchStrategy[list[Json]]:
    sizes = st.lists(st.sampled_from(("48x48", "any")), max_size=2)
    optional = {"mimeType": st.just("image/png"), "sizes": sizes, "theme": st.sampled_from(("light", "dark"))}
    icon = st.fixed_dictionaries({"src": uris()}, optional=optional)
    return st.lists(icon, max_size=2)


@cache
def annotations_of(revision: Revision) -> st.SearchStrategy[Json]:
    members: dict[str, Strategy] = {
        "audience": st.lists(st.sampled_from(("user", "assistant")), max_size=2),
        "priority": fractions(),
    }
    if revision.last_modified:
        members["lastModified"] = st.sampled_from(("2025-01-12T15:00:58Z", "2024-02-29T23:59:60+14:00"))
    return st.fixed_dictionaries({}, optional=members)


@cache
def fractions() -> Strategy:
    """Numbers from 0 to 1."""
    return st.sampled_from((0, 1, 0.5, 0.1, 1.0, 5e-324, 0.9999999999999999)) | st.floats(0, 1)


@cache
def up_to(most: int) -> st.SearchStrategy[int]:
    """Made once: to make strategies while drawing costs more than to draw."""
    return st.integers(0, most)


def seldom(optional: dict[str, Strategy]) -> st.SearchStrategy[Json]:
    """Some of these members, in one of four cases any."""
    nothing: st.SearchStrategy[Json] = st.builds(dict)
    return st.one_of(nothing, nothing.map(dict), nothing.map(dict), st.fixed_dictionaries({}, optional=optional))
