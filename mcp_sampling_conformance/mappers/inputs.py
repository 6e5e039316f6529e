"""Makes inputs in which no two texts, payloads, names or ids are the same, so that each can be found in the output."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from typing import Any

from hypothesis import strategies as st

from ..protocol.revisions import Revision
from ..strategies import content_blocks, conversations, create_message_params
from .contents import Json
from .mapper import Mapper

_EXTRAS = (
    "",
    " é \U0001f469‍\U0001f52c.",
    '"quoted" \\ \n\n end',
    "</tag>&amp; {x} %s",
    '{"a": ["b"]}',
    "\u2028日本語 end",
)
#: what follows the mark of a text; ``None``: the text is empty. It takes one draw, so that the empty text, which proves
#: nothing, is not what examples shrink to.
_MORE = (*_EXTRAS, *_EXTRAS, None)
TOOL_TYPES = frozenset({"tool_use", "tool_result"})
MEDIA = {"image": ("image/png", "image/jpeg"), "audio": ("audio/wav", "audio/mpeg")}
_MAGIC = {"image": b"\x89PNG\r\n\x1a\n\xfb\xff", "audio": b"RIFF\x2c\x00\x00\x00WAVE\xfb\xff"}


def _text_first(kind: str) -> tuple[bool, str]:
    """A key to sort types of blocks by, the simplest first: examples shrink to what comes first."""
    return kind != "text", kind


class Writer:
    """Makes the parts of one input, and counts them, so that each gets a mark of its own."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], revision: Revision) -> None:
        self._draw = draw
        self._revision = revision
        self._count = 0
        # A mapper that refuses whatever has an image in it is judged by conversations that have none.
        self._texts_only = draw(st.sampled_from((True, False, False, False)))

    def mark(self, kind: str) -> str:
        """A string that is nowhere else in the input: "text-01"."""
        self._count += 1
        return f"{kind}-{self._count:02}"

    def block(self, kind: str) -> Json:
        """A block of a type, other than tool_use and tool_result."""
        if kind == "text":
            return {"type": "text", "text": self.text()}
        if kind == "resource_link":
            name = self.mark("link")
            return {"type": kind, "uri": f"file:///{name}", "name": name}
        if kind == "resource":
            held: Json = {"uri": f"file:///{self.mark('resource')}", "mimeType": "text/plain"}
            if self._draw(st.booleans()):
                return {"type": kind, "resource": {**held, "blob": self.data("image"), "mimeType": "image/png"}}
            return {"type": kind, "resource": {**held, "text": self.text()}}
        return {"type": kind, "data": self.data(kind), "mimeType": self._draw(st.sampled_from(MEDIA[kind]))}

    def text(self) -> str:
        """A mark with something after it that is easily broken; seldom an empty text."""
        extra = self._draw(st.sampled_from(_MORE))
        return "" if extra is None else self.mark("text") + extra

    def data(self, kind: str) -> str:
        """Base64 of bytes that begin as a file of that kind does."""
        return base64.b64encode(_MAGIC[kind] + self.mark("data").encode()).decode()

    def _of(self, kinds: Collection[str]) -> Collection[str]:
        return {"text"} if self._texts_only else kinds

    def blocks(self, kinds: Collection[str], least: int = 0, most: int = 3) -> list[Json]:
        """Blocks of these types."""
        order = sorted(kinds, key=_text_first)
        found: list[Json] = self._draw(st.lists(_made(self.any_block, order), min_size=least, max_size=most))
        return found

    def any_block(self, draw: Any, kinds: list[str]) -> Json:
        """A block of one of these types, most often a text."""
        return self.block(draw(st.sampled_from(["text"] * ("text" in kinds) + kinds)))

    def content(self, kinds: Collection[str], least: int = 0) -> Any:
        """One block, or where the revision has them, an array of blocks."""
        if not self._revision.content_arrays or self._draw(st.booleans()):
            return self.blocks(kinds, 1, 1)[0]
        return self.blocks(kinds, least)

    def call(self, names: list[str]) -> Json:
        """A tool_use, of a new tool, which is added to ``names``, or of one of those."""
        name = self._draw(st.sampled_from([self.mark("tool").replace("-", "_"), *names]))
        names.append(name)
        size = self._draw(st.integers(0, 2))
        value: Json = {self.mark("key"): self.mark("value") for _ in range(size)}
        if size == 2:
            value[self.mark("nested")] = {"list": [self.mark("value"), 1000 + self._count, True, None]}
        return {"type": "tool_use", "id": self.mark("call").replace("-", "_"), "name": name, "input": value}

    def said(self) -> list[Json]:
        """The content of a tool_result: of each type that can stand there a block, or not."""
        kinds = sorted([*self._of([*self._revision.tool_result_types, "resource"]), "text"], key=_text_first)
        content = [self.block(kind) for kind in kinds if self._draw(st.booleans())]
        return content[::-1] if self._draw(st.booleans()) else content

    def result(self, call: Json) -> Json:
        """The tool_result for a tool_use."""
        content = self.said()
        block = {"type": "tool_result", "toolUseId": call["id"], "content": content}
        if self._draw(st.integers(0, 2)) == 2:  # which stands in a text too, as server/tools recommends
            block["structuredContent"] = {self.mark("key"): self.mark("value")}
            content.insert(0, {"type": "text", "text": json.dumps(block["structuredContent"])})
        is_error = self._draw(st.sampled_from((None, False, True)))
        return block if is_error is None else {**block, "isError": is_error}

    def offer(self) -> Json:
        """The definition of a tool."""
        arguments = [self.mark("argument").replace("-", "_") for _ in range(self._draw(st.integers(0, 2)))]
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in arguments}}
        tool = {"name": self.mark("offer").replace("-", "_"), "inputSchema": schema}
        return {**tool, "description": self.mark("description")} if self._draw(st.booleans()) else tool

    def loop(self, least: int) -> list[Json]:
        """A message with so many calls or a few more, and the message with their results."""
        names: list[str] = []
        calls = [self.call(names) for _ in range(self._draw(st.integers(least, max(least, 2))))]
        before = self.blocks(["text"])
        results = [self.result(call) for call in self._draw(st.permutations(calls))]
        return [{"role": "assistant", "content": [*before, *calls]}, {"role": "user", "content": results}]

    def turn(self, kind: str, least_calls: int) -> list[Json]:
        """The messages of one turn: of a user or an assistant, a loop of calls and results, or just a block."""
        if kind in ("loop", "tool_use", "tool_result"):
            return self.loop(least_calls)
        if kind in ("user", "assistant"):
            return [{"role": kind, "content": self.content(self._of(self._revision.content_types - TOOL_TYPES))}]
        return [{"role": "user", "content": self.block(kind)}]

    def any_turn(self, draw: Any, least_calls: int) -> list[Json]:
        """The messages of one turn; where the revision has tools, half of them are loops, in which most can be lost."""
        loops = ["loop"] * (2 if self._revision.tools else 0)
        return self.turn(draw(st.sampled_from(["user", "assistant", *loops])), least_calls)


@st.composite
def _made(draw: Any, make: Callable[..., Any], *arguments: Any) -> Any:
    """What ``make`` returns, as a strategy of its own: so shrinking can leave it out as a whole."""
    return make(draw, *arguments)


@st.composite
def conversations_for(
    draw: Any, mapper: Mapper, revision: Revision, need: str | None = None, least_calls: int = 1
) -> Json:
    """The params of a valid request, with as much in them as the mapper takes.

    ``need`` is a kind of turn ("user", "assistant", "loop") or type of block that is surely in it, ``least_calls`` how
    many calls a loop has at least.
    """
    write = Writer(draw, revision)
    if mapper.takes == "block":
        kinds = [need] if need else sorted(revision.content_types, key=_text_first)
        kind = draw(st.sampled_from(kinds))
        call = write.call([]) if kind in ("tool_use", "tool_result") else {}
        block = call if kind == "tool_use" else write.result(call) if kind == "tool_result" else write.block(kind)
        return {"messages": [{"role": "user", "content": block}]}
    turns = draw(st.lists(_made(write.any_turn, least_calls), max_size=3))
    if need is not None or not turns:
        turns.insert(draw(st.integers(0, len(turns))), write.turn(need or "user", least_calls))
    params: Json = {"messages": [message for turn in turns for message in turn], "maxTokens": 100}
    if mapper.takes == "params" and draw(st.booleans()):
        params["systemPrompt"] = write.mark("system")
    return params


@st.composite
def with_offers(draw: Any, mapper: Mapper, revision: Revision) -> Json:
    """The params of a request with ``tools``, which the model may use."""
    write = Writer(draw, revision)
    offers = [write.offer() for _ in range(draw(st.integers(1, 3)))]
    message = {"role": "user", "content": write.block("text")}
    params: Json = {"messages": [message], "maxTokens": 100, "tools": offers}
    mode = draw(st.sampled_from((None, "auto", "required")))
    return params if mode is None else {**params, "toolChoice": {"mode": mode}}


@st.composite
def with_choices(draw: Any, mapper: Mapper, revision: Revision) -> tuple[Json, Json]:
    """Two such params, which differ in toolChoice. Both say it: none at all would mean the same as auto."""
    params = draw(with_offers(mapper, revision))
    one, other = draw(st.permutations(("auto", "required", "none")))[:2]
    return {**params, "toolChoice": {"mode": one}}, {**params, "toolChoice": {"mode": other}}


def any_input(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
    """The params of valid requests, half of them with a tool loop where the revision has tools: there most is lost."""
    anything = conversations_for(mapper, revision)
    if mapper.takes == "block" or not revision.tools:
        return anything
    return anything | conversations_for(mapper, revision, "loop")


def odd_input(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
    """Params with all that is valid in them, for properties that look for nothing in the output.

    Simple ones are among them, so that a few dozen examples surely have an empty array and the like.
    """
    simple = any_input(mapper, revision)
    if mapper.takes != "block":
        simple |= st.just({"messages": [], "maxTokens": 100})
    return simple | _all_that_is_valid(mapper, revision)


def _all_that_is_valid(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
    if mapper.takes == "params":
        return create_message_params(revision=revision.name)
    if mapper.takes == "messages":
        return conversations(revision=revision.name).map(lambda messages: {"messages": messages})
    return content_blocks(revision=revision.name).map(lambda b: {"messages": [{"role": "user", "content": b}]})
