"""Params and results that break exactly one rule: a table from each rule to what breaks it, put into valid values."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..protocol.jsonrpc import SAMPLING, Path, show_path
from ..protocol.revisions import Revision
from ..strategies import media
from .conversations import answers_tools
from .values import Json, Strategy, up_to


@dataclass(frozen=True)
class Invalid:
    """A value with one violation in it."""

    value: Any
    rule: str  #: the only rule that it breaks, by the name it has in the reports
    path: Path  #: what is wrong, from the top of the value; where something is missing, the object that lacks it
    sound: Any = None  #: the valid value that it was made of

    @property
    def where(self) -> str:
        return show_path(self.path)


#: a broken part, and where in it the violation is
Part = tuple[Any, Path]

_NO_OBJECT: tuple[Any, ...] = ("text", [], None, 5)
_NO_ARRAY: tuple[Any, ...] = ("claude", {"name": "claude"}, None)
_NO_STRING: tuple[Any, ...] = (5, None, ["text"], {})
_NO_NUMBER: tuple[Any, ...] = ("0.5", None, True, [0.5])
_NO_ROLE: tuple[Any, ...] = ("system", "tool", "User", "", None, 1, ["user"])
_NO_SCHEMA: tuple[Any, ...] = ({}, {"type": "string"}, {"type": ["object"]}, True, None)
_NO_AUDIENCE: tuple[Any, ...] = ("user", ["system"], [None], {})
_NO_STRINGS: tuple[Any, ...] = ("END", [1], ["END", None], {})
_NO_CHOICE: tuple[Any, ...] = ("auto", None, [])
_SCHEMA: Json = {"type": "object"}
_TEXT: Json = {"type": "text", "text": "Hello."}
_PRIORITIES = ("costPriority", "speedPriority", "intelligencePriority")

#: rule: member of the params: what it is replaced by (objects are merged)
_PARAMS: Mapping[str, Mapping[str, list[Part]]] = {
    "max-tokens/integer": {"maxTokens": [(bad, ()) for bad in ("100", 1.5, None, True, [100])]},
    "max-tokens/positive": {"maxTokens": [(bad, ()) for bad in (0, -1, -(2**31))]},
    "preferences/shape": {
        "modelPreferences": [
            *((bad, ()) for bad in _NO_OBJECT),
            *(({"hints": bad}, ("hints",)) for bad in _NO_ARRAY),
            *(({"hints": [bad, {}]}, ("hints", 0)) for bad in ("claude", None)),
            *(({"hints": [{}, {"name": bad}]}, ("hints", 1, "name")) for bad in _NO_STRING),
        ]
    },
    "preferences/priorities-numbers": {
        "modelPreferences": [({key: bad}, (key,)) for key in _PRIORITIES for bad in _NO_NUMBER]
    },
    "preferences/priorities-in-range": {
        "modelPreferences": [({key: bad}, (key,)) for key in _PRIORITIES for bad in (1.001, -0.1, 100, -1e300)]
    },
    "parameters/messages": {"messages": [(bad, ()) for bad in ("Hello.", {"role": "user", "content": _TEXT}, None)]},
    "parameters/system-prompt": {"systemPrompt": [(bad, ()) for bad in _NO_STRING]},
    "parameters/temperature": {"temperature": [(bad, ()) for bad in _NO_NUMBER]},
    "parameters/stop-sequences": {"stopSequences": [(bad, ()) for bad in _NO_STRINGS]},
    "parameters/metadata": {"metadata": [(bad, ()) for bad in _NO_OBJECT]},
    "parameters/meta": {"_meta": [(bad, ()) for bad in _NO_OBJECT]},
    "parameters/include-context": {
        "includeContext": [(bad, ()) for bad in ("all", "this_server", "None", "", None, 1)]
    },
    "parameters/tools": {
        "tools": [
            *((bad, ()) for bad in ("search", {"search": _SCHEMA})),
            *(([bad], (0,)) for bad in ("search", {"inputSchema": _SCHEMA}, {"name": "search"})),
            *(([{"name": bad, "inputSchema": _SCHEMA}], (0, "name")) for bad in _NO_STRING),
            ([{"name": "a", "description": 5, "inputSchema": _SCHEMA}], (0, "description")),
            *(
                ([{"name": "a", "inputSchema": _SCHEMA}, {"name": "b", "inputSchema": bad}], (1, "inputSchema"))
                for bad in _NO_SCHEMA
            ),
        ]
    },
    "parameters/tool-choice": {
        "toolChoice": [
            *((bad, ()) for bad in _NO_CHOICE),
            *(({"mode": bad}, ("mode",)) for bad in ("any", "tool", "Auto", None, 1)),
        ]
    },
}

_RESULTS: Mapping[str, Mapping[str, list[Part]]] = {
    "role/result-role": {"role": [(bad, ()) for bad in _NO_ROLE]},
    "result/model": {"model": [(bad, ()) for bad in _NO_STRING]},
    "result/model-named": {"model": [(bad, ()) for bad in ("", " ", "\n")]},
    "result/content": {"content": [(bad, ()) for bad in ("Hello.", None, 5)]},
    "result/stop-reason": {"stopReason": [(bad, ()) for bad in _NO_STRING]},
}
#: rule: member without which it is broken
_REQUIRED_PARAMS = {"max-tokens/present": "maxTokens", "parameters/messages": "messages"}
_REQUIRED_RESULTS = {"role/result-role": "role", "result/model": "model", "result/content": "content"}


def _blocks(revision: Revision) -> dict[str, list[Part]]:
    """Broken blocks that may stand anywhere."""
    found: dict[str, list[Part]] = {
        "content/blocks-valid": [
            ({"text": "Hello."}, ()),
            *(({"type": bad, "text": "Hello."}, ("type",)) for bad in ("Text", "video", "input_text", "", None, 5)),
            ({"type": "text"}, ()),
            *(({"type": "text", "text": bad}, ("text",)) for bad in _NO_STRING),
        ],
        "content/annotations": [
            *(({**_TEXT, "annotations": bad}, ("annotations",)) for bad in _NO_OBJECT),
            *(_annotated("audience", bad) for bad in _NO_AUDIENCE),
            *(_annotated("priority", bad) for bad in (1.5, -1, "1", None, True)),
        ],
        **{f"content/{rule}": [] for rule in ("base64", "base64-canonical", "mime-type", "mime-type-plausible")},
    }
    if revision.last_modified:
        found["content/annotations"] += [_annotated("lastModified", bad) for bad in (1736694058, None)]
    files = {"image": media.images()[0], "audio": media.sounds()[0]}
    for kind in sorted(files.keys() & revision.content_types):
        mime, data = files[kind]
        block = {"type": kind, "data": data, "mimeType": mime}
        found["content/blocks-valid"] += [(_without(block, "data"), ()), ({**block, "data": None}, ("data",))]
        links = f"data:{mime};base64,{data}", "https://example.org/a.png", "a", "****", "AA=A", "\ufeffAAAA"
        found["content/base64"] += [({**block, "data": bad}, ("data",)) for bad in links]
        odd = data.rstrip("="), "-_-_", f"{data[:8]}\n{data[8:]}", "AB==", "AAAA\n"
        found["content/base64-canonical"] += [({**block, "data": bad}, ("data",)) for bad in odd if bad != data]
        found["content/mime-type"].append((_without(block, "mimeType"), ()))
        found["content/mime-type"] += [({**block, "mimeType": bad}, ("mimeType",)) for bad in _NO_STRING]
        strange = "png", "", kind, "text/plain", f"{kind}/", f".{mime}", f"{kind} / wav"
        found["content/mime-type-plausible"] += [({**block, "mimeType": bad}, ("mimeType",)) for bad in strange]
    return found


def _annotated(key: str, bad: Any) -> Part:
    return {**_TEXT, "annotations": {key: bad}}, ("annotations", key)


def _without(members: Json, key: str) -> Json:
    return {name: value for name, value in members.items() if name != key}


def _contents(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Each rule with the ``content`` of a message or result that breaks it, whoever sends it."""
    for rule, blocks in _blocks(revision).items():
        for block, path in blocks:
            yield rule, (block, path)
            if revision.content_arrays:
                yield rule, ([_TEXT, block], (1, *path))
    if revision.content_arrays:
        yield "content/blocks-valid", (["Hello."], (0,))
        yield "content/array", ([_TEXT, [_TEXT]], (1,))


def _use(identifier: str) -> Json:
    return {"type": "tool_use", "id": identifier, "name": "search", "input": {}}


def _answer(identifier: str, **members: Any) -> Json:
    return {"type": "tool_result", "toolUseId": identifier, "content": [_TEXT], **members}


def _sequences(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Each rule with messages that break it; the violation's path begins with the index of the message."""
    for rule, (content, path) in _contents(revision):
        yield rule, ([{"role": "user", "content": content}], (0, "content", *path))
    for bad in _NO_ROLE:
        yield "role/request-roles", ([{"role": bad, "content": _TEXT}], (0, "role"))
    yield "role/request-roles", ([{"content": _TEXT}], (0,))
    yield "content/blocks-valid", ([{"role": "user"}], (0,))
    for bad in ("Hello.", None, 5):
        yield "content/blocks-valid", ([{"role": "assistant", "content": bad}], (0, "content"))
    for bad in ("Hello.", None, 5, [_TEXT]):
        yield "parameters/messages", ([bad], (0,))
    if revision.tools:
        yield from _loops()


def _loops() -> Iterator[tuple[str, Part]]:
    def turns(uses: Any, answers: Any) -> list[Json]:
        return [{"role": "assistant", "content": uses}, {"role": "user", "content": answers}]

    use, other = _use("broken_1"), _use("broken_2")
    answer, other_answer = _answer("broken_1"), _answer("broken_2")
    yield "role/tool-use-in-assistant", ([{"role": "user", "content": use}], (0, "content"))
    yield "role/tool-use-in-assistant", ([{"role": "user", "content": [_TEXT, use]}], (0, "content", 1))
    yield "role/tool-result-in-user", ([{"role": "assistant", "content": answer}], (0, "content"))
    yield "role/tool-result-in-user", ([{"role": "assistant", "content": [answer]}], (0, "content", 0))
    yield "tool-loop/results-only", (turns([use], [answer, _TEXT]), (1, "content", 1))
    yield "tool-loop/results-only", (turns([use, other], [other_answer, _TEXT, answer]), (1, "content", 1))
    unanswered: tuple[Any, ...] = (_TEXT, other_answer, [other_answer], [])
    for answers in unanswered:
        yield "tool-loop/balanced", (turns(use, answers), (1,))
    yield "tool-loop/balanced", (turns([use, other], [other_answer]), (1,))
    yield "tool-loop/balanced", (turns([use], [answer, other_answer]), (1,))
    yield "tool-loop/balanced", ([{"role": "user", "content": [answer]}], (0,))
    late = [{"role": "user", "content": _TEXT}, {"role": "user", "content": answer}]
    yield "tool-loop/balanced", ([{"role": "assistant", "content": use}, *late], (1,))
    for bad in ({"name": "search"}, {"name": 5, "input": {}}, {"name": "search", "input": "{}"}):
        path: Path = ("name",) if bad["name"] == 5 else ("input",) if "input" in bad else ()
        whole = {"type": "tool_use", "id": "broken_1", **bad}
        yield "content/blocks-valid", (turns([_TEXT, whole], answer), (0, "content", 1, *path))
    # A structuredContent may be any JSON value since 2026-07-28.
    for key, value in (("isError", "true"), ("content", "Sunny."), ("content", None)):
        yield "content/blocks-valid", (turns(use, [_answer("broken_1", **{key: value})]), (1, "content", 0, key))
    yield "content/blocks-valid", (turns(use, [_without(answer, "content")]), (1, "content", 0))
    inner: tuple[Part, ...] = (
        ({"type": "tool_use", "id": "a", "name": "a", "input": {}}, ("type",)),
        ({"type": "resource_link", "name": "a"}, ()),
        ({"type": "resource", "resource": {"uri": "file:///a"}}, ("resource",)),
        ("Sunny.", ()),
    )
    for block, path in inner:
        content = [_TEXT, block]
        place = (1, "content", 0, "content", 1, *path)
        yield "content/blocks-valid", (turns(use, [_answer("broken_1", content=content)]), place)


def _calls(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Each rule with members of a result that break it, which are about tools or roles."""
    yield "role/result-is-assistant", ({"role": "user", "content": _TEXT}, ("role",))
    if not revision.tools:
        return
    yield "role/tool-use-in-assistant", ({"role": "user", "content": _use("a")}, ("content",))
    yield "role/tool-use-in-assistant", ({"role": "user", "content": [_TEXT, _use("a")]}, ("content", 1))
    for content in (_TEXT, [_TEXT], []):
        yield "result/stop-reason-tool-use", ({"stopReason": "toolUse", "content": content}, ())
    yield "tool-loop/ids-unique", ({"stopReason": "toolUse", "content": [_use("a"), _use("a")]}, ())
    yield "tool-loop/ids-unique", ({"stopReason": "toolUse", "content": [_use(""), _use("b"), _use("")]}, ())


#: takes a valid value, puts the violation into it, and says where
_Breaker = Callable[[st.DrawFn, Json], Path]


def _replace(key: str, part: Any, path: Path) -> _Breaker:
    def apply(draw: st.DrawFn, value: Json) -> Path:
        _let_be(key, value)
        both = isinstance(part, dict) and isinstance(value.get(key), dict)
        value[key] = {**value[key], **copy.deepcopy(part)} if both else copy.deepcopy(part)
        return (key, *path)

    return apply


def _let_be(key: str, value: Json) -> None:
    """Take out what would be broken too once a member is."""
    if key == "content":
        value.pop("stopReason", None)


def _remove(key: str) -> _Breaker:
    def apply(draw: st.DrawFn, value: Json) -> Path:
        _let_be(key, value)
        del value[key]
        return ()

    return apply


def _update(members: Json, path: Path) -> _Breaker:
    def apply(draw: st.DrawFn, value: Json) -> Path:
        value.pop("stopReason", None)
        value.update(copy.deepcopy(members))
        return path

    return apply


def _insert(messages: list[Any], path: Path) -> _Breaker:
    def apply(draw: st.DrawFn, value: Json) -> Path:
        # Wherever no tool loop is torn apart: not before a message that answers tools.
        turns = value["messages"]
        places = [n for n in range(len(turns) + 1) if n == len(turns) or not answers_tools(turns[n])]
        place = draw(st.sampled_from(places))
        turns[place:place] = copy.deepcopy(messages)
        index, *rest = path
        assert isinstance(index, int)
        return ("messages", place + index, *rest)

    return apply


def _say(content: Any, path: Path) -> _Breaker:
    return _update({"content": content}, ("content", *path))


Table = dict[str, list[_Breaker]]


def _table(
    replaced: Mapping[str, Mapping[str, list[Part]]],
    required: Mapping[str, str],
    others: list[tuple[str, _Breaker]],
) -> Table:
    table: Table = {}
    for rule, members in replaced.items():
        for key, parts in members.items():
            table.setdefault(rule, []).extend(_replace(key, *part) for part in parts)
    for rule, key in required.items():
        table.setdefault(rule, []).append(_remove(key))
    for rule, breaker in others:
        table.setdefault(rule, []).append(breaker)
    return table


@cache
def params_table(revision: Revision) -> Table:
    """What breaks each rule that the params of one request can break alone."""
    newer: list[tuple[str, Any]] = []
    if not revision.tools:
        newer += [("tools", [{"name": "a", "inputSchema": _SCHEMA}]), ("tools", []), ("toolChoice", {"mode": "auto"})]
    if not revision.tasks:
        newer += [("task", {"ttl": 60000}), ("task", {})]
    others: list[tuple[str, _Breaker]] = [(rule, _insert(*part)) for rule, part in _sequences(revision)]
    others += [("capability/revision-respected", _replace(key, value, ())) for key, value in newer]
    others += [("single-response/no-stream-parameter", _replace("stream", value, ())) for value in (True, False, None)]
    if revision.tools:
        contexts = ("thisServer", "allServers")
        others += [("capability/context-avoided", _replace("includeContext", value, ())) for value in contexts]
    kept = {r: m for r, m in _PARAMS.items() if revision.tools or not m.keys() & {"tools", "toolChoice"}}
    if revision.modern:
        del kept["parameters/meta"]  # these params have no _meta of their own
    return _table(kept, _REQUIRED_PARAMS, others)


@cache
def results_table(revision: Revision) -> Table:
    """What breaks each rule that one result can break alone."""
    others = [(rule, _say(*part)) for rule, part in _contents(revision)]
    others += [(rule, _update(*part)) for rule, part in _calls(revision)]
    return _table(_RESULTS, _REQUIRED_RESULTS, others)


_ERRORS: Mapping[str, Mapping[str, list[Part]]] = {
    "error/shape": {
        "code": [(bad, ()) for bad in ("-1", -1.5, None, True, [-1])],
        "message": [(bad, ()) for bad in _NO_STRING],
    }
}


@cache
def errors_table(revision: Revision) -> Table:
    """What breaks each rule that an error can break alone."""
    missing = [("error/shape", _remove(key)) for key in ("code", "message")]
    return _table(_ERRORS, {}, missing)


def _ask(request: Any, path: Path) -> _Breaker:
    """One more question, which is wrong."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        key = _fresh(value)
        value["inputRequests"][key] = copy.deepcopy(request)
        return ("inputRequests", key, *path)

    return apply


def _ask_with(breaker: _Breaker) -> _Breaker:
    """One more request for sampling, whose params are wrong."""

    def apply(draw: st.DrawFn, value: Json) -> Path:
        key = _fresh(value)
        params: Json = {"messages": [{"role": "user", "content": dict(_TEXT)}], "maxTokens": 100}
        path = breaker(draw, params)
        value["inputRequests"][key] = {"method": SAMPLING, "params": params}
        return ("inputRequests", key, "params", *path)

    return apply


def _fresh(value: Json) -> str:
    """A key that no question has yet."""
    asked = value.setdefault("inputRequests", {})
    return next(key for key in map("broken_{}".format, range(len(asked) + 1)) if key not in asked)


def _ask_nothing(draw: st.DrawFn, value: Json) -> Path:
    value.pop("inputRequests", None)
    value.pop("requestState", None)
    return ()


_NO_ANSWERABLE: tuple[Any, ...] = ("tools/call", "sampling/createmessage", "", None, 5)
_NO_QUESTIONS: tuple[Any, ...] = ("sample", [], None, 5)
_INPUT_REQUIRED: Mapping[str, Mapping[str, list[Part]]] = {
    "input-required/result-type": {"resultType": [(bad, ()) for bad in _NO_STRING]},
    "input-required/requests-valid": {
        "requestState": [(bad, ()) for bad in _NO_STRING],
        "inputRequests": [(bad, ()) for bad in _NO_QUESTIONS],
    },
}
_NO_QUESTION: tuple[Part, ...] = (
    ("sample", ()),
    (None, ()),
    ({"params": {}}, ()),
    *(({"method": bad, "params": {}}, ("method",)) for bad in _NO_ANSWERABLE),
    # A request for sampling without params lacks what they must have, too.
    ({"method": "elicitation/create"}, ()),
    ({"method": "elicitation/create", "params": []}, ("params",)),
)


@cache
def input_required_table(revision: Revision) -> Table:
    """What breaks each rule that one InputRequiredResult can break alone."""
    others = [("input-required/requests-valid", _ask(*part)) for part in _NO_QUESTION]
    others.append(("input-required/something-required", _ask_nothing))
    others += [(rule, _ask_with(b)) for rule, breakers in params_table(revision).items() for b in breakers]
    return _table(_INPUT_REQUIRED, {"input-required/result-type": "resultType"}, others)


def invalid_errors_of(revision: Revision, valid: Strategy, rules: Collection[str] | None) -> st.SearchStrategy[Invalid]:
    return _broken(valid, _chosen(errors_table(revision), rules, revision))


def invalid_input_required(
    revision: Revision, valid: Strategy, rules: Collection[str] | None
) -> st.SearchStrategy[Invalid]:
    return _broken(valid, _chosen(input_required_table(revision), rules, revision))


def invalid_params(revision: Revision, valid: Strategy, rules: Collection[str] | None) -> st.SearchStrategy[Invalid]:
    return _broken(valid, _chosen(params_table(revision), rules, revision))


def invalid_results(revision: Revision, valid: Strategy, rules: Collection[str] | None) -> st.SearchStrategy[Invalid]:
    return _broken(valid, _chosen(results_table(revision), rules, revision))


def _chosen(table: Table, rules: Collection[str] | None, revision: Revision) -> Table:
    if rules is None:
        return table
    if unknown := set(rules) - table.keys():
        there = ", ".join(sorted(table))
        raise ValueError(f"nothing here breaks {', '.join(sorted(unknown))} in {revision.name}; there are {there}")
    return {rule: table[rule] for rule in table if rule in rules}


@st.composite
def _broken(draw: st.DrawFn, valid: Strategy, table: Table) -> Invalid:
    rules = list(table)
    rule = rules[draw(up_to(len(rules) - 1))]
    breaker = table[rule][draw(up_to(len(table[rule]) - 1))]
    value = draw(valid)
    sound = copy.deepcopy(value)
    return Invalid(value, rule, breaker(draw, value), sound)
