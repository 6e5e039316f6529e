"""How each rule is broken in a valid value: functions that put one violation into it, and tables of them by rule."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..protocol.jsonrpc import Path
from ..protocol.names import SAMPLING
from ..protocol.revisions import Revision
from .broken_content import broken_calls, broken_contents, broken_messages
from .broken_parts import (
    ERRORS,
    INPUT_REQUIRED,
    PARAMS,
    QUESTIONS,
    REQUIRED_ERRORS,
    REQUIRED_INPUT_REQUIRED,
    REQUIRED_PARAMS,
    REQUIRED_RESULTS,
    RESULTS,
    SCHEMA,
    TEXT,
    Parts,
    Required,
)
from .conversations import answers_tools
from .values import Json

#: changes a valid value so that it breaks one rule, and returns the path to what is wrong in it
Breaker = Callable[[st.DrawFn, Json], Path]
#: by rule: every way to break it
Table = dict[str, list[Breaker]]


def _replace(key: str, part: Any, path: Path) -> Breaker:
    """Put a broken part in the place of a member; an object is merged into the one that is there."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        _drop_dependents(key, value)
        both = isinstance(part, dict) and isinstance(value.get(key), dict)
        value[key] = {**value[key], **copy.deepcopy(part)} if both else copy.deepcopy(part)
        return (key, *path)

    return apply


def _drop_dependents(key: str, value: Json) -> None:
    """Take out what would break a rule of its own once the member is broken: a stopReason fits only its content."""
    if key == "content":
        value.pop("stopReason", None)


def _remove(key: str) -> Breaker:
    """Leave out a required member."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        _drop_dependents(key, value)
        del value[key]
        return ()

    return apply


def _update(members: Json, path: Path) -> Breaker:
    """Replace several members of a result at once."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        value.pop("stopReason", None)
        value.update(copy.deepcopy(members))
        return path

    return apply


def _insert(messages: list[Any], path: Path) -> Breaker:
    """Put broken messages among the others, at a place where they tear no tool loop apart."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        turns = value["messages"]
        places = [n for n in range(len(turns) + 1) if n == len(turns) or not answers_tools(turns[n])]
        place = draw(st.sampled_from(places))
        turns[place:place] = copy.deepcopy(messages)
        index, *rest = path
        assert isinstance(index, int)
        return ("messages", place + index, *rest)

    return apply


def _say(content: Any, path: Path) -> Breaker:
    """Replace the content of a result."""
    return _update({"content": content}, ("content", *path))


def _table(replaced: Parts, required: Required, others: list[tuple[str, Breaker]]) -> Table:
    table: defaultdict[str, list[Breaker]] = defaultdict(list)
    for rule, members in replaced.items():
        for key, parts in members.items():
            table[rule] += (_replace(key, *part) for part in parts)
    for rule, key in required:
        table[rule].append(_remove(key))
    for rule, breaker in others:
        table[rule].append(breaker)
    return dict(table)


@cache
def params_table(revision: Revision) -> Table:
    """What breaks each rule that the params of one request can break alone."""
    newer: list[tuple[str, Any]] = []
    if not revision.tools:
        newer += [("tools", [{"name": "a", "inputSchema": SCHEMA}]), ("tools", []), ("toolChoice", {"mode": "auto"})]
    if not revision.tasks:
        newer += [("task", {"ttl": 60000}), ("task", {})]
    others: list[tuple[str, Breaker]] = [(rule, _insert(*part)) for rule, part in broken_messages(revision)]
    others += [("capability/revision-respected", _replace(key, value, ())) for key, value in newer]
    others += [("single-response/no-stream-parameter", _replace("stream", value, ())) for value in (True, False, None)]
    if revision.tools:
        contexts = ("thisServer", "allServers")
        others += [("capability/context-avoided", _replace("includeContext", value, ())) for value in contexts]
    kept = {r: m for r, m in PARAMS.items() if revision.tools or not m.keys() & {"tools", "toolChoice"}}
    if revision.modern:
        del kept["parameters/meta"]  # these params have no _meta of their own
    return _table(kept, REQUIRED_PARAMS, others)


@cache
def results_table(revision: Revision) -> Table:
    """What breaks each rule that one result can break alone."""
    others = [(rule, _say(*part)) for rule, part in broken_contents(revision)]
    others += [(rule, _update(*part)) for rule, part in broken_calls(revision)]
    return _table(RESULTS, REQUIRED_RESULTS, others)


@cache
def errors_table(revision: Revision) -> Table:
    """What breaks each rule that an error can break alone."""
    return _table(ERRORS, REQUIRED_ERRORS, [])


def _ask(request: Any, path: Path) -> Breaker:
    """Add a broken member to ``inputRequests``."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        key = _fresh(value)
        value["inputRequests"][key] = copy.deepcopy(request)
        return ("inputRequests", key, *path)

    return apply


def _ask_with(breaker: Breaker) -> Breaker:
    """Add a request for sampling to ``inputRequests`` whose params are broken."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        key = _fresh(value)
        params: Json = {"messages": [{"role": "user", "content": dict(TEXT)}], "maxTokens": 100}
        path = breaker(draw, params)
        value["inputRequests"][key] = {"method": SAMPLING, "params": params}
        return ("inputRequests", key, "params", *path)

    return apply


def _fresh(value: Json) -> str:
    """A key that ``inputRequests``, which is made where there is none, does not have yet."""
    asked = value.setdefault("inputRequests", {})
    return next(key for key in map("broken_{}".format, range(len(asked) + 1)) if key not in asked)


def _ask_nothing(draw: st.DrawFn, value: Json) -> Path:
    """Leave out all that an InputRequiredResult could ask for."""
    value.pop("inputRequests", None)
    value.pop("requestState", None)
    return ()


@cache
def input_required_table(revision: Revision) -> Table:
    """What breaks each rule that one InputRequiredResult can break alone."""
    others = [("input-required/requests-valid", _ask(*part)) for part in QUESTIONS]
    others.append(("input-required/something-required", _ask_nothing))
    others += [(rule, _ask_with(b)) for rule, breakers in params_table(revision).items() for b in breakers]
    return _table(INPUT_REQUIRED, REQUIRED_INPUT_REQUIRED, others)
