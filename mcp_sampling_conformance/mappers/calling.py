"""Finds out what a mapper takes: its ``Mapper`` says so, or it is tried with one message of plain text."""

from __future__ import annotations

import inspect
import os
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..protocol.revisions import Revision
from .calls import Calls, Hung
from .contents import Json
from .mapper import Mapper, Takes
from .outputs import places, plain_data, strings_in
from .trial import input_for

#: what a function takes, and whether as models of the SDK
Way = tuple[Takes, bool]

#: every way to call a function, in the order in which they are tried
_WAYS: tuple[Way, ...] = (
    ("messages", False),
    ("params", False),
    ("block", False),
    ("messages", True),
    ("params", True),
    ("block", True),
)
#: what is tried first where the annotation of the function's parameter matches a pattern
_ANNOTATED: tuple[tuple[str, Way], ...] = (
    (r"CreateMessageRequestParams\b", ("params", True)),
    (r"SamplingMessage\b", ("messages", True)),
    (r"ContentBlock\b|(Text|Image|Audio|ToolUse|ToolResult)Content\b", ("block", True)),
)
_TAKEN: dict[Takes, str] = {"messages": "the messages", "params": "the params of a request", "block": "one block"}
_TEXT = "Which river is the longest?"
#: how many characters of an output or an error are shown
_LONG = 200
_HERE = os.path.dirname(__file__)

#: a block of each type, for mappers that take no text
_BLOCKS: tuple[Json, ...] = (
    {"type": "text", "text": _TEXT},
    {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"},
    {"type": "audio", "data": "UklGRgAAAABXQVZF", "mimeType": "audio/wav"},
    {"type": "tool_use", "id": "call-1", "name": "look_up", "input": {"river": "Nile"}},
    {"type": "tool_result", "toolUseId": "call-1", "content": [{"type": "text", "text": "6650 km"}]},
)
#: the types of blocks that cannot stand alone in a message
_PAIRED = frozenset({"tool_use", "tool_result"})

_ADVICE = """\
Say how it is called, in a module of yours, and name that with --mcp-mapper (check_mapper has parameters for it):
    from mcp_sampling_conformance.mappers import Mapper
    mapper = Mapper(lambda messages: convert(messages, model="…"), takes="messages", as_models=True)
takes is "messages", "params" or "block"; with as_models they are models of the Python SDK, else plain JSON."""


@dataclass(frozen=True)
class Detected:
    """What was found out about how to call a mapper."""

    mapper: Mapper | None  #: with what it takes; ``None`` where it could not be called in any way
    message: str  #: how it is called; or what was tried and what went wrong, in several lines
    note: str = ""  #: for the end of a run: what it takes, where that was found out by trying
    likely: Mapper | None = None  #: where it could be called, but never returned the text: the first way to call it


def detect(target: Mapper | Callable[[Any], Any], revision: Revision, calls: Calls) -> Detected:
    """Call the target once or a few times to find out what it takes. Raises nothing that the target can cause."""
    return _as_described(target, revision, calls) if isinstance(target, Mapper) else _tried(target, calls)


def _as_described(mapper: Mapper, revision: Revision, calls: Calls) -> Detected:
    """A ``Mapper`` says what it takes; it only has to return something for a block of any type."""
    way = _in_words(mapper.takes, mapper.as_models)
    tried = []
    for block in _BLOCKS:
        if block["type"] in revision.content_types and (mapper.takes == "block" or block["type"] not in _PAIRED):
            _, fault = _called(mapper, block, calls)
            if not fault:
                return Detected(mapper, f"called with {way}, as its Mapper says")
            tried.append(f"    {block['type']}: {fault}")
            if calls.hangs:
                break
    return Detected(None, "\n".join([f"the mapper, called with {way}, took nothing:", *tried]))


def _tried(function: Callable[[Any], Any], calls: Calls) -> Detected:
    """Try a function in each way, until the text of the input turns up in the output.

    That it raises nothing is not enough: a function may loop over whatever it is given.
    """
    tried = []
    likely = None
    for takes, as_models in _order(function):
        # NotImplementedError is taken for a refusal; that another exception is one only a Mapper can say.
        mapper = Mapper(function, takes, NotImplementedError, as_models=as_models)
        output, fault = _called(mapper, _BLOCKS[0], calls)
        way = _in_words(takes, as_models)
        if not fault and places(_TEXT, strings_in(plain_data(output))):
            note = (
                f"the mapper is called with {way}: found out by trying; a mappers.Mapper in its place can say otherwise"
            )
            return Detected(mapper, f"called with {way}, found out by trying", note)
        likely = likely or (None if fault else mapper)
        tried.append(f"    {way}: {fault or f'returned {_short(repr(output))}, without the text'}")
        if calls.hangs:  # each other way could hang as well
            break
    return Detected(
        None,
        "\n".join(["the mapper took a message of plain text in none of these ways:", *tried, _ADVICE]),
        likely=likely,
    )


def _order(function: Callable[[Any], Any]) -> Sequence[Way]:
    """All ways, the one that fits the annotation first."""
    annotation = _annotation(function)
    first = [way for pattern, way in _ANNOTATED if re.search(pattern, annotation)][:1]
    return [*first, *(way for way in _WAYS if way not in first)]


def _annotation(function: Callable[[Any], Any]) -> str:
    """The annotation of a function's first parameter, as text; empty where there is none."""
    try:
        parameter = next(iter(inspect.signature(function).parameters.values()))
    except (TypeError, ValueError, StopIteration):
        return ""
    return "" if parameter.annotation is parameter.empty else str(parameter.annotation)


def _called(mapper: Mapper, block: Json, calls: Calls) -> tuple[Any, str]:
    """The output for one block, and what went wrong, which is empty where nothing did."""
    params = {"messages": [{"role": "user", "content": block}], "maxTokens": 100}
    try:
        return calls(mapper.function, input_for(mapper, params)), ""
    except Hung as hung:
        return None, str(hung)
    except Exception as error:
        return None, f"raised {type(error).__name__}: {_short(str(error))}{_place(error)}"


def _place(error: BaseException) -> str:
    """Where in the mapper's own code an error was raised."""
    last = next(_own(error), None)
    return f" ({last.filename}, line {last.lineno})" if last else ""


def _own(error: BaseException) -> Iterator[traceback.FrameSummary]:
    """The frames of a traceback that are not ours, the innermost first."""
    return (
        frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if not frame.filename.startswith(_HERE)
    )


def _in_words(takes: Takes, as_models: bool) -> str:
    return f"{_TAKEN[takes]}, as {'models of the SDK' if as_models else 'plain JSON'}"


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} …"
