"""Properties of code that maps MCP sampling messages to a provider's format, without knowing the format.

No section of the specification binds such a mapper. The rules here are what it takes for the model to see what the
server sent: what is lost in silence is lost for the user. Their levels are ours (MUST for what loses, reorders or
changes content; SHOULD for what the output must tell apart), their sources the sections that define the content.

    def test_my_mapper():
        check_mapper(to_provider, takes="messages", rejects=NotImplementedError)
"""

from __future__ import annotations

import asyncio
import base64
import copy
import dataclasses
import datetime
import enum
import inspect
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import HealthCheck, assume, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from .revisions import NAMES, REVISIONS, Revision, page_url
from .strategies import content_blocks, conversations, create_message_params

Json = dict[str, Any]
Takes = Literal["params", "messages", "block"]
_LONG = 2000


@dataclass(frozen=True)
class Mapper:
    """A mapper under test, and how to call it; adapt other signatures with a lambda.

    ``takes`` says what ``function`` is called with: ``"params"`` (a dict), ``"messages"`` (a list of dicts) or
    ``"block"`` (one dict); with ``as_models`` it gets the SDK's models instead. It may be async. ``rejects`` are the
    exceptions with which it refuses what it cannot map; any other one is a crash. ``inverse`` takes an output back to
    the input. ``ignore`` names members of the output that differ from call to call, such as generated ids; dates and
    times are ignored anyhow.
    """

    function: Callable[[Any], Any]
    takes: Takes = "messages"
    rejects: type[Exception] | tuple[type[Exception], ...] = ()
    inverse: Callable[[Any], Any] | None = None
    as_models: bool = False
    ignore: Collection[str] = ()


def check_mapper(
    function: Callable[[Any], Any],
    *,
    takes: Takes = "messages",
    revision: str = NAMES[-1],
    rejects: type[Exception] | tuple[type[Exception], ...] = (),
    inverse: Callable[[Any], Any] | None = None,
    as_models: bool = False,
    ignore: Collection[str] = (),
    without: Collection[str] = (),
    examples: int = 50,
    seed: int = 0,
) -> None:
    """Check every property on a mapper; see ``Mapper`` for what describes it.

    ``without`` names properties that cannot hold, because the provider's format has no place for something. The same
    ``seed`` makes the same inputs. Raises ``AssertionError`` with the smallest input found for each broken property.
    """
    unknown = set(without) - {each.name for each in PROPERTIES}
    if unknown:
        raise ValueError(f"there is no property {', '.join(sorted(unknown))}; see PROPERTIES")
    mapper = Mapper(function, takes, rejects, inverse, as_models, ignore)
    outcomes = [
        check_property(each, mapper, REVISIONS[revision], examples=examples, seed=seed)
        for each in PROPERTIES
        if each.name not in without and each.applies(mapper, REVISIONS[revision])
    ]
    broken = [outcome.message for outcome in outcomes if outcome.holds is False]
    if broken:
        raise AssertionError("\n\n".join(broken))
    if all(outcome.holds is None for outcome in outcomes):
        raise AssertionError(f"nothing could be checked: {outcomes[0].message}")


# --- what came of it


@dataclass(frozen=True)
class Outcome:
    """What became of one property; ``holds`` is ``None`` where nothing came up to judge."""

    holds: bool | None
    message: str = ""  #: the failure, complete; or why nothing could be checked
    why: str = ""  #: the failure in one sentence
    details: tuple[str, ...] = ()  #: the input and output


class Broken(Exception):
    """An input on which a mapper breaks a property."""

    def __init__(self, why: str, details: list[str]) -> None:
        super().__init__(why)
        self.details = details


class _Unmapped(Exception):
    """The mapper refused an input, or crashed on it."""


@dataclass(frozen=True)
class Property:
    """One thing that every mapper must keep."""

    name: str
    level: str
    statement: str
    page: str
    anchor: str
    applies: Callable[[Mapper, Revision], bool]
    inputs: Callable[[Mapper, Revision], st.SearchStrategy[Any]]
    check: Callable[[Trial, Any], None]

    def url(self, revision: Revision) -> str:
        """The section that defines the content; it binds no mapper."""
        return page_url(revision, self.page, self.anchor)


def check_property(prop: Property, mapper: Mapper, revision: Revision, *, examples: int = 50, seed: int = 0) -> Outcome:
    """Look for an input on which the mapper breaks the property, and shrink it. The same seed finds the same one."""
    trial = Trial(mapper)
    last: list[Broken] = []

    @_seeded(seed)
    @_profile(examples)
    @given(prop.inputs(mapper, revision))
    def run(example: Any) -> None:
        broken = trial.violation(prop, example)
        if broken is not None:
            last[:] = [broken]
            raise broken

    try:
        run()
    except Broken as broken:
        return _failed(prop, revision, broken, seed)
    except FlakyFailure:  # it did not fail again on the same input
        return _failed(prop, revision, last[0], seed)
    if not trial.judged:
        return Outcome(None, f"{prop.name}: the mapper took no input with which to judge it ({trial.refusal})")
    return Outcome(True)


_seeded = seed


def _profile(examples: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=examples,
        derandomize=False,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def _failed(prop: Property, revision: Revision, broken: Broken, number: int) -> Outcome:
    details = (*broken.details, f"found in {revision.name} with seed {number}, which finds it again")
    message = "\n".join([f"{prop.name}: {prop.statement}", f"  {broken}", *(f"  {line}" for line in details)])
    return Outcome(False, message, str(broken), details)


class Trial:
    """Calls the mapper under test."""

    def __init__(self, mapper: Mapper) -> None:
        self.mapper = mapper
        self.judged = 0  #: inputs that had something to judge
        self.refusal = ""

    def input(self, params: Json) -> Any:
        """What the mapper is called with for these params: a copy."""
        params = copy.deepcopy(params)
        messages = params["messages"]
        if not self.mapper.as_models:
            return {"params": params, "messages": messages, "block": messages[0]["content"] if messages else None}[
                self.mapper.takes
            ]
        from mcp import types

        model = types.CreateMessageRequestParams.model_validate({"maxTokens": 1, **params})
        if self.mapper.takes == "params":
            return model
        return model.messages if self.mapper.takes == "messages" else model.messages[0].content

    def map(self, params: Json) -> Any:
        """The output for these params. Raises ``_Unmapped`` where there is none."""
        try:
            output = self.call(self.mapper.function, self.input(params))
        except Exception as error:
            self.refusal = f"{type(error).__name__}: {error}"
            raise _Unmapped from error
        return output

    def violation(self, prop: Property, example: Any) -> Broken | None:
        """What is broken on one input of a property; a refusal is nothing, and so is a crash, save for one property."""
        try:
            prop.check(self, example)
        except _Unmapped:
            return None
        except Broken as broken:
            return broken
        return None

    def call(self, function: Callable[[Any], Any], value: Any) -> Any:
        output = function(value)
        if inspect.isawaitable(output):
            output = _awaited(output)
        return list(output) if isinstance(output, Iterator) else output

    def plain(self, value: Any) -> Any:
        return _plain(value, frozenset(self.mapper.ignore))

    def fail(self, why: str, params: Json, output: Any = None, **more: Any) -> None:
        shown = {"params": params, "messages": params["messages"]}.get(self.mapper.takes)
        shown = params["messages"][0]["content"] if self.mapper.takes == "block" else shown
        details = [f"input   {_cut(json.dumps(shown))}"]
        details += [f"{name:<7} {_cut(json.dumps(value))}" for name, value in more.items() if name != "crash"]
        if "crash" not in more:
            details.append(f"output  {_cut(repr(output))}")
        raise Broken(why, details)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"


def _awaited(value: Any) -> Any:
    async def wait() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as pool:  # a loop is running here: that of an async test
        return pool.submit(asyncio.run, wait()).result()


# --- reading an output whose format is not known


def _plain(value: Any, ignore: frozenset[str] = frozenset(), seen: frozenset[int] = frozenset()) -> Any:
    """A value of any kind as plain data that can be compared and searched; the class of an object is kept."""
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, enum.Enum):
        return _plain(value.value, ignore, seen)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return "(a time)"
    if id(value) in seen:
        return "(itself)"
    seen |= {id(value)}
    if isinstance(value, Mapping):
        return {k: _plain(v, ignore, seen) for k, v in value.items() if k not in ignore}
    members = _members(value)
    if members is not None:
        kept = {name: _plain(member, ignore, seen) for name, member in members.items() if name not in ignore}
        return {"(class)": type(value).__qualname__, **kept}
    if isinstance(value, set | frozenset):
        return sorted((_plain(element, ignore, seen) for element in value), key=repr)
    if isinstance(value, Iterable):
        return [_plain(element, ignore, seen) for element in value]
    return "(a function)" if callable(value) else repr(value)


def _members(value: Any) -> dict[str, Any] | None:
    """The members of an object, whatever it is made with; ``None`` where it has none."""
    if isinstance(value, type) or inspect.isroutine(value):
        return None
    if dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value)]
    elif hasattr(value, "ListFields"):  # protobuf
        return {each.name: member for each, member in value.ListFields()}
    else:
        slots = [vars(kind).get("__slots__", ()) for kind in reversed(type(value).__mro__)]
        names = [n for part in slots for n in ([part] if isinstance(part, str) else part) if not n.startswith("__")]
        names += list(getattr(value, "__dict__", {}))
        extra = getattr(value, "__pydantic_extra__", None)
        if not names and not extra:
            return None
        if extra:
            return {**{n: getattr(value, n) for n in names}, **extra}
        if isinstance(value, list | tuple | set | frozenset):
            return None
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _nodes(plain: Any) -> Iterator[Any]:
    """Every value inside plain data, in order; also inside strings that are JSON."""
    yield plain
    if isinstance(plain, dict):
        for key, member in plain.items():
            if key != "(class)":
                if isinstance(key, str):
                    yield key
                yield from _nodes(member)
    elif isinstance(plain, list):
        for element in plain:
            yield from _nodes(element)
    elif isinstance(plain, str) and plain.strip()[:1] in ("{", "[", '"') and plain.strip():
        try:
            inner = json.loads(plain)
        except ValueError:
            return
        yield from _nodes(inner)


def _strings(plain: Any) -> list[str]:
    return [node for node in _nodes(plain) if isinstance(node, str)]


def _places(text: str, strings: list[str]) -> list[tuple[int, int]]:
    """Where a text stands in an output: which string, and where in it. It may be escaped as JSON."""
    forms = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return sorted((i, string.find(form)) for i, string in enumerate(strings) for form in forms if form in string)


# --- what is in an input


def _blocks(params: Json) -> Iterator[tuple[Json, Json]]:
    """Every block of every message, with its message."""
    for message in params["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else [content]:
            yield message, block


def _leaves(params: Json) -> Iterator[Json]:
    """Every block, and those inside tool results."""
    for _, block in _blocks(params):
        yield block
        yield from block.get("content", ()) if block["type"] == "tool_result" else ()


def _text_of(block: Json) -> str | None:
    found = block.get("resource", {}).get("text") if block["type"] == "resource" else block.get("text")
    return found if isinstance(found, str) else None


def _data_of(block: Json) -> str | None:
    found = block.get("resource", {}).get("blob") if block["type"] == "resource" else block.get("data")
    return found if isinstance(found, str) else None


def _of_type(params: Json, kind: str) -> list[Json]:
    return [block for _, block in _blocks(params) if block["type"] == kind]


# --- making inputs: every text, payload, name and id in them is one of its kind, so that it can be found again

_EXTRAS = (
    "",
    " é \U0001f469‍\U0001f52c.",
    '"quoted" \\ \n\n end',
    "</tag>&amp; {x} %s",
    '{"a": ["b"]}',
    "\u2028日本語 end",
)
_TOOL_TYPES = frozenset({"tool_use", "tool_result"})
_MEDIA = {"image": ("image/png", "image/jpeg"), "audio": ("audio/wav", "audio/mpeg")}
_MAGIC = {"image": b"\x89PNG\r\n\x1a\n\xfb\xff", "audio": b"RIFF\x2c\x00\x00\x00WAVE\xfb\xff"}


class _Writer:
    """Makes blocks; counts what it makes."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], revision: Revision) -> None:
        self._draw = draw
        self._revision = revision
        self._count = 0

    def mark(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:02}"

    def block(self, kind: str) -> Json:
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
        return {"type": kind, "data": self.data(kind), "mimeType": self._draw(st.sampled_from(_MEDIA[kind]))}

    def text(self) -> str:
        if self._draw(st.integers(0, 15)) == 15:
            return ""
        return self.mark("text") + str(self._draw(st.sampled_from(_EXTRAS)))

    def data(self, kind: str) -> str:
        return base64.b64encode(_MAGIC[kind] + self.mark("data").encode()).decode()

    def blocks(self, kinds: Collection[str], least: int = 0, most: int = 3) -> list[Json]:
        order = sorted(kinds, key=lambda kind: (kind != "text", kind))
        found: list[Json] = self._draw(st.lists(_made(self.any_block, order), min_size=least, max_size=most))
        return found

    def any_block(self, draw: Any, kinds: list[str]) -> Json:
        return self.block(draw(st.sampled_from(kinds)))

    def content(self, kinds: Collection[str], least: int = 0) -> Any:
        """One block, or where the revision has them, an array of blocks."""
        if not self._revision.content_arrays or self._draw(st.booleans()):
            return self.blocks(kinds, 1, 1)[0]
        return self.blocks(kinds, least)

    def call(self, names: list[str]) -> Json:
        name = self._draw(st.sampled_from([self.mark("tool").replace("-", "_"), *names]))
        names.append(name)
        size = self._draw(st.integers(0, 2))
        value: Json = {self.mark("key"): self.mark("value") for _ in range(size)}
        if size == 2:
            value[self.mark("nested")] = {"list": [self.mark("value"), 1000 + self._count, True, None]}
        return {"type": "tool_use", "id": self.mark("call").replace("-", "_"), "name": name, "input": value}

    def result(self, call: Json) -> Json:
        content = self.blocks(self._revision.tool_result_types)
        block = {"type": "tool_result", "toolUseId": call["id"], "content": content}
        if self._draw(st.integers(0, 3)) == 3:  # which stands in a text too, as server/tools recommends
            block["structuredContent"] = {self.mark("key"): self.mark("value")}
            content.insert(0, {"type": "text", "text": json.dumps(block["structuredContent"])})
        is_error = self._draw(st.sampled_from((None, False, True)))
        return block if is_error is None else {**block, "isError": is_error}

    def loop(self, least: int) -> list[Json]:
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
            return [{"role": kind, "content": self.content(self._revision.content_types - _TOOL_TYPES)}]
        return [{"role": "user", "content": self.block(kind)}]

    def any_turn(self, draw: Any, least_calls: int) -> list[Json]:
        return self.turn(draw(st.sampled_from(["user", "assistant", *["loop"] * self._revision.tools])), least_calls)


@st.composite
def _made(draw: Any, make: Callable[..., Any], *arguments: Any) -> Any:
    """What a function makes that draws by itself: as a strategy, so that it can be left out as a whole."""
    return make(draw, *arguments)


@st.composite
def _conversations(
    draw: Any, mapper: Mapper, revision: Revision, need: str | None = None, least_calls: int = 1
) -> Json:
    """Params of a valid request; ``need`` is a kind of turn or block that is surely in it."""
    write = _Writer(draw, revision)
    if mapper.takes == "block":
        kinds = [need] if need else sorted(revision.content_types, key=lambda kind: (kind != "text", kind))
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
def _pairs(
    draw: Any,
    mapper: Mapper,
    revision: Revision,
    need: str,
    change: Callable[[Any, Json], bool],
    least_calls: int = 1,
) -> tuple[Json, Json]:
    """Two conversations that differ in one thing; ``change`` makes it, in place, and says whether it could."""
    params = draw(_conversations(mapper, revision, need, least_calls))
    other = copy.deepcopy(params)
    assume(change(draw, other))
    return params, other


# --- the properties

MUST, SHOULD = "MUST", "SHOULD"


def _always(mapper: Mapper, revision: Revision) -> bool:
    return True


def _with_tools(mapper: Mapper, revision: Revision) -> bool:
    return revision.tools


def _whole(mapper: Mapper, revision: Revision) -> bool:
    return mapper.takes != "block"


def _whole_with_tools(mapper: Mapper, revision: Revision) -> bool:
    return _whole(mapper, revision) and revision.tools


def _maps(trial: Trial, params: Json) -> None:
    try:
        trial.call(trial.mapper.function, trial.input(params))
        trial.judged += 1
    except trial.mapper.rejects as error:
        trial.refusal = f"{type(error).__name__}: {error}"
    except Exception as error:
        trial.fail(f"the mapper raised {_cut(repr(error))}, which it does not declare in rejects", params, crash=True)


def _keeps(what: str, wanted: Callable[[Json], Iterator[str]]) -> Callable[[Trial, Json], None]:
    """A check that every string that ``wanted`` finds in the input turns up in the output."""

    def check(trial: Trial, params: Json) -> None:
        output = trial.map(params)
        nodes = list(_nodes(_plain(output)))
        strings = [node for node in nodes if isinstance(node, str)]
        kept = list(wanted(params))
        trial.judged += bool(kept)
        lost = [text for text in kept if not _places(text, strings) and not _as_object(text, nodes)]
        if lost:
            trial.fail(f"lost: the {what} {', '.join(map(repr, lost))}", params, output)

    return check


def _as_object(text: str, nodes: list[Any]) -> bool:
    """Whether a text that is a JSON object, such as structured content, is there as that object."""
    return text.startswith("{") and json.loads(text) in [node for node in nodes if isinstance(node, dict)]


def _texts(params: Json) -> Iterator[str]:
    if "systemPrompt" in params:
        yield params["systemPrompt"]
    yield from (text for block in _leaves(params) if (text := _text_of(block)) is not None)


def _keeps_binary(trial: Trial, params: Json) -> None:
    output = trial.map(params)
    nodes = list(_nodes(_plain(output)))
    strings = [node.replace("-", "+").replace("_", "/") for node in nodes if isinstance(node, str)]
    raw = [node for node in nodes if isinstance(node, bytes)]
    for block in _leaves(params):
        data = _data_of(block)
        if data is None:
            continue
        trial.judged += 1
        decoded = base64.b64decode(data)
        in_bytes = any(decoded in node or data.encode() in node for node in raw)
        if not in_bytes and not any(data.rstrip("=") in string for string in strings):
            trial.fail(f"lost: the data of the {block['type']} block {data!r}", params, output)


def _keeps_inputs(trial: Trial, params: Json) -> None:
    output = trial.map(params)
    nodes = list(_nodes(_plain(output)))
    strings = [
        node if isinstance(node, str) else json.dumps(node)
        for node in nodes
        if not isinstance(node, bytes | dict | list)
    ]
    for block in _of_type(params, "tool_use"):
        value = block["input"]
        trial.judged += 1
        if not value or any(node == value for node in nodes if isinstance(node, dict)):
            continue
        lost = [word for word in _words(value) if not _places(word, strings)]
        if lost:
            trial.fail(f"lost: {', '.join(lost)} in the input of the tool_use {block['id']!r}", params, output)


def _words(value: Any) -> Iterator[str]:
    """The keys and values in a tool's input, each as text."""
    for node in _nodes(value):
        if isinstance(node, str):
            yield node
        elif not isinstance(node, dict | list):
            yield json.dumps(node)


def _keeps_order(trial: Trial, params: Json) -> None:
    output = trial.map(params)
    strings = _strings(_plain(output))
    for chain in _chains(params):
        trial.judged += len(chain) > 1
        place, before = (-1, -1), ""
        for text in chain:
            places = _places(text, strings) if text else []
            if not places:
                continue  # lost: another property's business
            later = [each for each in places if each > place]
            if not later:
                trial.fail(f"the text {text!r} comes before {before!r}", params, output)
            place, before = later[0], text


def _chains(params: Json) -> Iterator[list[str]]:
    """Texts that stand in order: those of the messages, and those of each tool result between them.

    The results in one message belong to their calls, and may come in any order.
    """
    blocks = [block for _, block in _blocks(params)]
    yield [text for block in blocks if (text := _text_of(block))]
    for i, result in enumerate(blocks):
        if result["type"] == "tool_result":
            parts = [*blocks[:i], *result["content"], *blocks[i + 1 :]]
            yield [text for block in parts if (text := _text_of(block))]


def _keeps_input(trial: Trial, params: Json) -> None:
    value = trial.input(params)
    before = trial.plain(copy.deepcopy(value))
    try:
        output = trial.call(trial.mapper.function, value)
    except Exception as error:
        trial.refusal = f"{type(error).__name__}: {error}"
        raise _Unmapped from error
    trial.judged += 1
    if trial.plain(value) != before:
        trial.fail(f"after the call the input is {_cut(repr(value))}", params, output)


def _deterministic(trial: Trial, params: Json) -> None:
    first, second = trial.map(params), trial.map(params)
    trial.judged += 1
    if trial.plain(first) != trial.plain(second):
        trial.fail(f"the second call returned {_cut(repr(second))}", params, first)


def _tells_apart(what: str) -> Callable[[Trial, tuple[Json, Json]], None]:
    def check(trial: Trial, pair: tuple[Json, Json]) -> None:
        one, other = pair
        output, second = trial.map(one), trial.map(other)
        trial.judged += 1
        if trial.plain(output) == trial.plain(second):
            shown = other["messages"][0]["content"] if trial.mapper.takes == "block" else other["messages"]
            trial.fail(f"two inputs that differ in {what} come out the same", one, output, other=shown)

    return check


def _pair(
    need: str, change: Callable[[Any, Json], bool], least_calls: int = 1
) -> Callable[[Mapper, Revision], st.SearchStrategy[Any]]:
    def inputs(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
        return _pairs(mapper, revision, need, change, least_calls)

    return inputs


def _other_role(draw: Any, params: Json) -> bool:
    plain = [
        message
        for message in params["messages"]
        if message["content"] and not _TOOL_TYPES & {b["type"] for b in _of(message)}
    ]
    if not plain:
        return False
    message = draw(st.sampled_from(plain))
    message["role"] = "assistant" if message["role"] == "user" else "user"
    return any(_text_of(block) or _data_of(block) for block in _of(message))


def _of(message: Json) -> list[Json]:
    content = message["content"]
    return content if isinstance(content, list) else [content]


def _other_error(draw: Any, params: Json) -> bool:
    result = draw(st.sampled_from(_of_type(params, "tool_result")))
    result["isError"] = not result.get("isError", False)
    return True


def _other_mime_type(draw: Any, params: Json) -> bool:
    blocks = [block for _, block in _blocks(params) if block["type"] in _MEDIA]
    block = draw(st.sampled_from(blocks))
    block["mimeType"] = next(name for name in _MEDIA[block["type"]] if name != block["mimeType"])
    return True


def _other_association(draw: Any, params: Json) -> bool:
    loops = [[b for b in _of(m) if b["type"] == "tool_result"] for m in params["messages"]]
    one, two = draw(st.sampled_from([results for results in loops if len(results) > 1]))[:2]
    one["toolUseId"], two["toolUseId"] = two["toolUseId"], one["toolUseId"]
    # Two results that say the same are told apart by nothing but their order.
    return any(_text_of(block) for block in (*one["content"], *two["content"]))


def _one_more(draw: Any, params: Json) -> bool:
    messages = [m for m in params["messages"] if any(_text_of(block) for block in _of(m))]
    if not messages:
        return False
    message = draw(st.sampled_from(messages))
    block = next(block for block in _of(message) if _text_of(block))
    if isinstance(message["content"], list):
        message["content"].insert(message["content"].index(block), copy.deepcopy(block))
    else:
        params["messages"].insert(params["messages"].index(message), copy.deepcopy(message))
    return True


def _returns(trial: Trial, params: Json) -> None:
    output = trial.map(params)
    assert trial.mapper.inverse is not None
    try:
        back = trial.call(trial.mapper.inverse, output)
    except trial.mapper.rejects:
        raise _Unmapped from None
    except Exception as error:
        trial.fail(f"the inverse raised {_cut(repr(error))}", params, output)
    trial.judged += 1
    wanted = _flat(trial.mapper.takes, trial.input(params))
    try:
        same = _flat(trial.mapper.takes, back) == wanted
    except (KeyError, TypeError, AttributeError, IndexError):
        same = False
    if not same:
        trial.fail(f"the inverse returned {_cut(repr(back))}", params, output)


def _flat(takes: Takes, value: Any) -> Any:
    """Messages as pairs of role and block: how blocks of one role are grouped does not matter."""
    value = _as_json(value)
    if takes == "block":
        return _normal(value)
    messages = value["messages"] if takes == "params" else value
    flat = [(message["role"], _normal(block)) for message in messages for block in _of(message)]
    return flat if takes == "messages" else (value.get("systemPrompt") or None, flat)


def _as_json(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, list | tuple):
        return [_as_json(element) for element in value]
    return {key: _as_json(member) for key, member in value.items()} if isinstance(value, dict) else value


def _normal(block: Json) -> Json:
    return {key: member for key, member in block.items() if member is not None and (key, member) != ("isError", False)}


def _any_input(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
    return _conversations(mapper, revision)


def _odd_input(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
    """All that is valid, for properties that have nothing to find again in the output."""
    if mapper.takes == "params":
        return create_message_params(revision=revision.name)
    if mapper.takes == "messages":
        return conversations(revision=revision.name).map(lambda messages: {"messages": messages})
    return content_blocks(revision=revision.name).map(lambda b: {"messages": [{"role": "user", "content": b}]})


_SAMPLING = "client/sampling"
_TOOLS = "tool-use-and-result-balance"

#: every property, in the order in which they are checked
PROPERTIES: tuple[Property, ...] = (
    Property(
        "mapper/maps-or-refuses",
        MUST,
        "Every valid input is mapped, or refused with an exception that the mapper declares.",
        *("schema", "samplingmessage", _always, _odd_input, _maps),
    ),
    Property(
        "mapper/conservation-of-text",
        MUST,
        "Every text turns up in the output: of text blocks, embedded resources and the system prompt.",
        *(_SAMPLING, "text-content", _always, _any_input, _keeps("text", _texts)),
    ),
    Property(
        "mapper/conservation-of-binary",
        MUST,
        "The data of every image, audio and embedded blob turns up in the output, in base64 or as bytes.",
        *(_SAMPLING, "image-content", _always, _any_input, _keeps_binary),
    ),
    Property(
        "mapper/conservation-of-links",
        MUST,
        "The URI of every resource link turns up in the output.",
        *(_SAMPLING, "tool-result-messages", _with_tools, _any_input),
        _keeps("URI", lambda params: (b["uri"] for b in _leaves(params) if b["type"] == "resource_link")),
    ),
    Property(
        "mapper/conservation-of-tool-names",
        MUST,
        "The name of every tool that is called turns up in the output.",
        *(_SAMPLING, _TOOLS, _with_tools, _any_input),
        _keeps("tool name", lambda params: (block["name"] for block in _of_type(params, "tool_use"))),
    ),
    Property(
        "mapper/conservation-of-tool-ids",
        MUST,
        "The id of every tool_use turns up in the output.",
        *(_SAMPLING, _TOOLS, _with_tools, _any_input),
        _keeps("tool_use id", lambda params: (block["id"] for block in _of_type(params, "tool_use"))),
    ),
    Property(
        "mapper/conservation-of-tool-inputs",
        MUST,
        "The input of every tool_use turns up in the output, as an object, as JSON, or value by value.",
        *(_SAMPLING, _TOOLS, _with_tools, _any_input, _keeps_inputs),
    ),
    Property(
        "mapper/order-of-texts",
        MUST,
        "The texts of the messages come out in their order.",
        *(_SAMPLING, "text-content", _whole, _any_input, _keeps_order),
    ),
    Property(
        "mapper/input-untouched",
        MUST,
        "The mapper does not change its input.",
        *("schema", "samplingmessage", _always, _odd_input, _keeps_input),
    ),
    Property(
        "mapper/deterministic",
        MUST,
        "Two calls with equal inputs return equal outputs, times aside.",
        *("schema", "samplingmessage", _always, _odd_input, _deterministic),
    ),
    Property(
        "mapper/tells-roles-apart",
        SHOULD,
        "The same message from the user and from the assistant comes out differently.",
        *("schema", "samplingmessage", _whole, _pair("user", _other_role), _tells_apart("a role")),
    ),
    Property(
        "mapper/tells-errors-apart",
        SHOULD,
        "A tool_result with isError comes out differently from one without.",
        *(_SAMPLING, "tool-result-messages", _with_tools, _pair("tool_result", _other_error)),
        _tells_apart("isError"),
    ),
    Property(
        "mapper/tells-mime-types-apart",
        SHOULD,
        "The same data with another mimeType comes out differently.",
        *(_SAMPLING, "image-content", _always, _pair("image", _other_mime_type), _tells_apart("a mimeType")),
    ),
    Property(
        "mapper/tells-associations-apart",
        SHOULD,
        "Which tool_result answers which tool_use shows in the output.",
        *(_SAMPLING, _TOOLS, _whole_with_tools, _pair("loop", _other_association, 2)),
        _tells_apart("which result answers which call"),
    ),
    Property(
        "mapper/tells-repetition-apart",
        SHOULD,
        "A text that comes twice comes out differently from one that comes once.",
        *("schema", "samplingmessage", _whole, _pair("user", _one_more), _tells_apart("one text more")),
    ),
    Property(
        "mapper/round-trip",
        MUST,
        "The inverse gives the input back; how blocks of one role are grouped into messages does not count.",
        *("schema", "samplingmessage", lambda mapper, revision: mapper.inverse is not None, _any_input, _returns),
    ),
)
