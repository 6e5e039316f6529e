"""Results that ask for input: for sampling, and for what else may be asked beside it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from ..protocol.names import SAMPLING
from ..protocol.revisions import Revision
from .values import Json, Strategy, among, any_order, metas, record, seldom, short_texts, texts, up_to, uris

#: every kind of field that a form may have
_FIELDS: tuple[Mapping[str, object], ...] = (
    {"type": "string"},
    {"type": "string", "title": "E-mail", "format": "email", "minLength": 3, "maxLength": 100},
    {"type": "boolean", "default": False},
    {"type": "integer", "minimum": 0, "maximum": 10, "default": 5},
    {"type": "number", "description": "in °C"},
    {"type": "string", "enum": ["C", "F"], "default": "C"},
    {"type": "string", "oneOf": [{"const": "C", "title": "Celsius"}, {"const": "F", "title": "Fahrenheit"}]},
    {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "minItems": 1, "maxItems": 2},
    {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}, "default": ["a"]},
    {"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]},
)
_NAMES = ("name", "answer 2", "ответ")


@st.composite
def _forms(draw: st.DrawFn) -> Json:
    properties = {name: dict(draw(among(_FIELDS))) for name in _NAMES[: draw(up_to(len(_NAMES)))]}
    required = {"required": list(properties)[: draw(up_to(1))]} if draw(up_to(1)) else {}
    return {"type": "object", "properties": properties, **required}


def _elicitations() -> Strategy:
    form = record({"message": texts(), "requestedSchema": _forms()}, {"mode": st.just("form")})
    link = record({"mode": st.just("url"), "message": texts(), "url": uris()}, {})
    return record({"method": st.just("elicitation/create"), "params": form | link}, {})


def _roots() -> Strategy:
    return record({"method": st.just("roots/list")}, {"params": seldom({"_meta": metas()})})


#: which questions are asked together: 0 for sampling, 1 for elicitation, 2 for roots
_ASKED = ((0,), (0,), (0, 0), (0, 1), (1, 0), (0, 2), (1,), (2,))


@st.composite
def _questions(draw: st.DrawFn, kinds: tuple[Strategy, ...]) -> Json:
    keys = among(("sample", "0", "a key", "ключ"), short_texts(), 2)
    asked = draw(among([numbers for numbers in _ASKED if max(numbers) < len(kinds)]))
    return {draw(keys): draw(kinds[number]) for number in asked}


#: 0 to 3: questions; 4: none, but the member for them; 2 to 5: a state
_WHAT = st.sampled_from(range(6))


@st.composite
def _results(draw: st.DrawFn, questions: Strategy, more: Strategy) -> Json:
    # A state without questions is valid: it asks the client to call again later.
    what = draw(_WHAT)
    result: Json = {"resultType": "input_required"}
    if what < 4:
        result["inputRequests"] = draw(questions)
    elif what == 4:
        result["inputRequests"] = {}
    if what > 1:
        result["requestState"] = draw(short_texts())
    return {**result, **draw(more)}


def input_required_of(revision: Revision, params: Strategy, others: bool) -> Strategy:
    """Results that ask for sampling with these params, and with ``others`` for elicitation and roots too."""
    sampling = record({"method": st.just(SAMPLING), "params": params}, {})
    kinds = (sampling, _elicitations(), _roots()) if others else (sampling,)
    return any_order(_results(_questions(kinds), seldom({"_meta": metas()})))
