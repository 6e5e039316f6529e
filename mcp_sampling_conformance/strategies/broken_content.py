"""Broken content, messages, tool loops and results: each with the rule that it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..protocol.jsonrpc import Path
from ..protocol.revisions import Revision
from . import media
from .broken_parts import NOT_AUDIENCE, NOT_OBJECT, NOT_ROLE, NOT_STRING, TEXT, Part
from .values import Json


def _blocks(revision: Revision) -> dict[str, list[Part]]:
    """By rule: broken blocks, with the path to what is wrong in each."""
    found: dict[str, list[Part]] = {
        "content/blocks-valid": [
            ({"text": "Hello."}, ()),
            *(({"type": bad, "text": "Hello."}, ("type",)) for bad in ("Text", "video", "input_text", "", None, 5)),
            ({"type": "text"}, ()),
            *(({"type": "text", "text": bad}, ("text",)) for bad in NOT_STRING),
        ],
        "content/annotations": [
            *(({**TEXT, "annotations": bad}, ("annotations",)) for bad in NOT_OBJECT),
            *(_annotated("audience", bad) for bad in NOT_AUDIENCE),
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
        found["content/mime-type"] += [({**block, "mimeType": bad}, ("mimeType",)) for bad in NOT_STRING]
        strange = "png", "", kind, "text/plain", f"{kind}/", f".{mime}", f"{kind} / wav"
        found["content/mime-type-plausible"] += [({**block, "mimeType": bad}, ("mimeType",)) for bad in strange]
    return found


def _annotated(key: str, bad: Any) -> Part:
    return {**TEXT, "annotations": {key: bad}}, ("annotations", key)


def _without(members: Json, key: str) -> Json:
    return {name: value for name, value in members.items() if name != key}


def broken_contents(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Pairs of a rule and a ``content`` that breaks it in a message as well as in a result."""
    for rule, blocks in _blocks(revision).items():
        for block, path in blocks:
            yield rule, (block, path)
            if revision.content_arrays:
                yield rule, ([TEXT, block], (1, *path))
    if revision.content_arrays:
        yield "content/blocks-valid", (["Hello."], (0,))
        yield "content/array", ([TEXT, [TEXT]], (1,))


def _use(identifier: str) -> Json:
    return {"type": "tool_use", "id": identifier, "name": "search", "input": {}}


def _answer(identifier: str, **members: Any) -> Json:
    return {"type": "tool_result", "toolUseId": identifier, "content": [TEXT], **members}


def broken_messages(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Pairs of a rule and messages that break it, with a path that begins with the index of a message."""
    for rule, (content, path) in broken_contents(revision):
        yield rule, ([{"role": "user", "content": content}], (0, "content", *path))
    for bad in NOT_ROLE:
        yield "role/request-roles", ([{"role": bad, "content": TEXT}], (0, "role"))
    yield "role/request-roles", ([{"content": TEXT}], (0,))
    yield "content/blocks-valid", ([{"role": "user"}], (0,))
    for bad in ("Hello.", None, 5):
        yield "content/blocks-valid", ([{"role": "assistant", "content": bad}], (0, "content"))
    for bad in ("Hello.", None, 5, [TEXT]):
        yield "parameters/messages", ([bad], (0,))
    if revision.tools:
        yield from _loops()


def _loops() -> Iterator[tuple[str, Part]]:
    """The same for messages with tool_use and tool_result."""

    def turns(uses: Any, answers: Any) -> list[Json]:
        return [{"role": "assistant", "content": uses}, {"role": "user", "content": answers}]

    use, other = _use("broken_1"), _use("broken_2")
    answer, other_answer = _answer("broken_1"), _answer("broken_2")
    yield "role/tool-use-in-assistant", ([{"role": "user", "content": use}], (0, "content"))
    yield "role/tool-use-in-assistant", ([{"role": "user", "content": [TEXT, use]}], (0, "content", 1))
    yield "role/tool-result-in-user", ([{"role": "assistant", "content": answer}], (0, "content"))
    yield "role/tool-result-in-user", ([{"role": "assistant", "content": [answer]}], (0, "content", 0))
    yield "tool-loop/results-only", (turns([use], [answer, TEXT]), (1, "content", 1))
    yield "tool-loop/results-only", (turns([use, other], [other_answer, TEXT, answer]), (1, "content", 1))
    unanswered: tuple[Any, ...] = (TEXT, other_answer, [other_answer], [])
    for answers in unanswered:
        yield "tool-loop/balanced", (turns(use, answers), (1,))
    yield "tool-loop/balanced", (turns([use, other], [other_answer]), (1,))
    yield "tool-loop/balanced", (turns([use], [answer, other_answer]), (1,))
    yield "tool-loop/balanced", ([{"role": "user", "content": [answer]}], (0,))
    late = [{"role": "user", "content": TEXT}, {"role": "user", "content": answer}]
    yield "tool-loop/balanced", ([{"role": "assistant", "content": use}, *late], (1,))
    for bad in ({"name": "search"}, {"name": 5, "input": {}}, {"name": "search", "input": "{}"}):
        path: Path = ("name",) if bad["name"] == 5 else ("input",) if "input" in bad else ()
        whole = {"type": "tool_use", "id": "broken_1", **bad}
        yield "content/blocks-valid", (turns([TEXT, whole], answer), (0, "content", 1, *path))
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
        content = [TEXT, block]
        place = (1, "content", 0, "content", 1, *path)
        yield "content/blocks-valid", (turns(use, [_answer("broken_1", content=content)]), place)


def broken_calls(revision: Revision) -> Iterator[tuple[str, Part]]:
    """Pairs of a rule about tools or roles and the members of a result that break it."""
    yield "role/result-is-assistant", ({"role": "user", "content": TEXT}, ("role",))
    if not revision.tools:
        return
    yield "role/tool-use-in-assistant", ({"role": "user", "content": _use("a")}, ("content",))
    yield "role/tool-use-in-assistant", ({"role": "user", "content": [TEXT, _use("a")]}, ("content", 1))
    for answer, path in ((_answer("a"), ("content",)), ([TEXT, _answer("a")], ("content", 1))):
        yield "role/tool-result-in-user", ({"stopReason": "endTurn", "content": answer}, path)
    for content in (TEXT, [TEXT], []):
        yield "result/stop-reason-tool-use", ({"stopReason": "toolUse", "content": content}, ())
    yield "tool-loop/ids-unique", ({"stopReason": "toolUse", "content": [_use("a"), _use("a")]}, ())
    yield "tool-loop/ids-unique", ({"stopReason": "toolUse", "content": [_use(""), _use("b"), _use("")]}, ())
