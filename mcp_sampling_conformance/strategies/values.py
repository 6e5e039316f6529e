"""Text that is nasty, JSON of any kind, and the small things that blocks are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from ..protocol.revisions import NAMES, REVISIONS, Revision

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
    "\U0001f600",
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
    "And so on, ad nauseam…\n" * 3000,  # more than 64 Ki characters
)
#: the same, those that break most several times: the empty one, an emoji, control characters, the huge one
_SAID = tuple(text for text in TEXTS for _ in range({"": 6, "\U0001f600": 5, TEXTS[16]: 3, TEXTS[-1]: 9}.get(text, 1)))
#: those that may be names
SHORT = tuple(text for text in TEXTS if len(text) < 100)

_WRITTEN_JSON = ("null", "true", "0", "-1", "1.5", "1e100", "9007199254740993", '""', "[]", "{}", '[[], {"": [null]}]')
_META_KEYS = ((), ("com.example/trace",), ("note",), ("example.org/a.b-c_1", "0"))


def revision_of(name: str) -> Revision:
    """The revision of that name. Raises ``ValueError`` where there is none."""
    if name not in REVISIONS:
        raise ValueError(f"{name!r} is no revision of MCP; there are {', '.join(NAMES)}")
    return REVISIONS[name]


@cache
def up_to(most: int) -> st.SearchStrategy[int]:
    """Made once: to make strategies while drawing costs more than to draw."""
    return st.integers(0, most)


# Hypothesis makes new examples by copying what one strategy drew to a place where an equal strategy drew. It takes two
# composite strategies for equal if they come from the same function with the same defaults of its parameters. So the
# functions below have a parameter, ``kind``, that is never passed: its default makes strategies of different values
# different. Otherwise most examples would be copies of one thing to where another belongs.


def among(values: Sequence[T], other: st.SearchStrategy[T] | None = None, one_in: int = 5) -> st.SearchStrategy[T]:
    """One of the values, the simplest first, or about one time in so many what another strategy yields.

    It takes one draw; each more would cost time to make, and trials to shrink.
    """
    if other is None:
        return st.sampled_from(values)
    indices = st.sampled_from(range(len(values) + max(1, len(values) // (one_in - 1))))

    @st.composite
    def pick(draw: st.DrawFn, kind: str = repr(values)[:500]) -> T:
        index = draw(indices)
        return values[index] if index < len(values) else draw(other)

    return pick()


@cache
def sometimes(what: str, one_in: int) -> st.SearchStrategy[str]:
    """``what`` it is about, one time in so many, else nothing."""
    return st.sampled_from(("",) * (one_in - 1) + (what,))


def record(
    required: Mapping[str, Strategy], optional: Mapping[str, Strategy], one_in: int = 2
) -> st.SearchStrategy[Json]:
    """An object with all of the required members, and each optional one about one time in so many.

    ``fixed_dictionaries`` draws the order of the members too, which costs more than the members; see `any_order`.
    """
    more = [(sometimes(key, one_in), key, values) for key, values in optional.items()]

    @st.composite
    def members(draw: st.DrawFn, kind: tuple[str, ...] = (*required, *optional)) -> Json:
        found = {key: draw(values) for key, values in required.items()}
        for gate, key, values in more:
            if draw(gate):
                found[key] = draw(values)
        return found

    return members()


def seldom(optional: Mapping[str, Strategy]) -> st.SearchStrategy[Json]:
    """Some of these members, in one of four cases any."""
    gate, members = sometimes(" ".join(optional), 4), record({}, optional)

    @st.composite
    def some(draw: st.DrawFn, kind: tuple[str, ...] = tuple(optional)) -> Json:
        return draw(members) if draw(gate) else {}

    return some()


@st.composite
def any_order(draw: st.DrawFn, values: st.SearchStrategy[T]) -> T:
    """The same values, in some of which the members of all objects stand in reverse."""
    found = draw(values)
    return _backwards(found) if draw(sometimes("backwards", 8)) else found


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(member) for key, member in reversed(value.items())}
    return [_backwards(element) for element in value] if isinstance(value, list) else value


@cache
def texts() -> st.SearchStrategy[str]:
    """Strings that survive UTF-8: nasty ones by name, and any others."""
    return among(TEXTS, _any_text())


@cache
def said() -> st.SearchStrategy[str]:
    """Texts for content blocks, in which those that break most come more often."""
    return among(_SAID, _any_text())


@cache
def _any_text() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=20)


@cache
def short_texts() -> st.SearchStrategy[str]:
    """Nasty texts under 100 characters, for names and the like."""
    return among(SHORT)


@cache
def json_values(revision: Revision | None = None) -> Strategy:
    """Any JSON value, small.

    In 2026-07-28 the JSONValue of ``schema.json`` is without null and fractions, unlike that of ``schema.ts``: given
    that revision, these are left out.
    """
    disputed = ("null", "1.5", '[[], {"": [null]}]') if revision is not None and revision.modern else ()
    written = [text for text in _WRITTEN_JSON if text not in disputed]
    return among([*written, *map(json.dumps, SHORT)]).map(json.loads)


@cache
def json_objects(revision: Revision | None = None) -> st.SearchStrategy[Json]:
    """Objects with up to two members, whose values are as in `json_values`."""
    return _json_objects(short_texts(), json_values(revision))


_MEMBERS = st.sampled_from(((), (1,), (1, 2)))


@st.composite
def _json_objects(draw: st.DrawFn, keys: st.SearchStrategy[str], values: Strategy) -> Json:
    return {draw(keys): draw(values) for _ in draw(_MEMBERS)}


@cache
def metas() -> st.SearchStrategy[Json]:
    """A ``_meta`` with keys that the specification allows."""
    return _metas(among(_META_KEYS), json_values())


@st.composite
def _metas(draw: st.DrawFn, keys: st.SearchStrategy[tuple[str, ...]], values: Strategy) -> Json:
    return {key: draw(values) for key in draw(keys)}


@cache
def uris() -> st.SearchStrategy[str]:
    """URIs of several schemes."""
    return st.sampled_from(
        ("file:///a", "https://example.org/a%20b?q=%F0%9F%98%80#part", "urn:isbn:0451450523", "data:,x", "x-app://h:1/")
    )


@cache
def mime_types() -> st.SearchStrategy[str]:
    """MIME types of resources."""
    return st.sampled_from(
        ("text/plain", "text/html; charset=utf-8", "application/ld+json", "application/octet-stream")
    )


@cache
def icons() -> st.SearchStrategy[list[Json]]:
    """The icons of a tool or a resource link."""
    sizes = st.lists(st.sampled_from(("48x48", "any")), max_size=2)
    optional = {"mimeType": st.just("image/png"), "sizes": sizes, "theme": st.sampled_from(("light", "dark"))}
    return st.lists(record({"src": uris()}, optional), max_size=2)


@cache
def annotations_of(revision: Revision) -> st.SearchStrategy[Json]:
    """The annotations of a block, with the members that a revision has."""
    members: dict[str, Strategy] = {
        "audience": among(((), ("user",), ("assistant",), ("assistant", "user"), ("user", "user"))).map(list),
        "priority": fractions(),
    }
    if revision.last_modified:
        members["lastModified"] = st.sampled_from(("2025-01-12T15:00:58Z", "2024-02-29T23:59:60+14:00"))
    return record({}, members)


@cache
def fractions() -> Strategy:
    """Numbers from 0 to 1."""
    return among((0, 1, 0.5, 0.1, 1.0, 5e-324, 0.9999999999999999), st.floats(0, 1), 2)
