"""The probes of a client: each is a tool of the fixture server that asks for sampling while it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from ...peers.modern_server import ModernServer
from ...peers.server import FixtureServer, Question, Tool
from ...protocol.jsonrpc import Json, objects_in
from ...protocol.names import CANCELLED, INPUT_REQUIRED
from ...protocol.revisions import Revision
from ...transcript.events import TimedOut
from .asks import HOSTILE, VALID, Ask, request, text, tool_result, tools_request, turn

#: how long an answer that crosses its cancellation is waited for, at least, in seconds
_CROSSING = 0.3
#: so many requests are taken back at most, until one is not answered
_TAKEN_BACK = 5
#: after so many requests that were each answered with a tool_use the fixture server gives in
LOOP_ROUNDS = 50
#: the probe that needs the models that other answers have shown
HINTS = "hints for known models"


async def _plain(server: FixtureServer, call: int | str) -> None:
    """A plain request, which a client without the capability has to refuse."""
    if server.sampling is None:
        await server.ask("undeclared", "a plain request without the sampling capability", request())
    else:
        await server.ask("plain", "a plain request", request())


async def _plain_again(server: FixtureServer, call: int | str) -> None:
    if server.sampling is not None:
        await server.ask("plain-again", "the same plain request again", request())


async def _begin_plainly(run: Any, server: FixtureServer, call: int | str) -> None:
    """A probe, after the plain request if that was not made yet: clients call what they like, in any order."""
    asked = server.book.asked
    # Whoever declares sampling in some calls only is not asked in the others.
    if "plain" not in asked and not (server.sampling is None and "undeclared" in asked):
        await _plain(server, call)
    await run(server, call)


async def _one(ask: Ask, server: FixtureServer, call: int | str) -> None:
    """One request of the table, and after a hostile one a plain one to see that the client lives on."""
    if server.sampling is None or (ask.with_tools and not server.declares_tools):
        return
    await server.ask(ask.group, ask.name, ask.params)
    if ask.hostile:
        await server.ask("follow-up", f"a plain request after {ask.name}", request(), after=ask.group)


async def _undeclared(name: str, params: Json, server: FixtureServer, call: int | str) -> None:
    """A use of tools that the client did not declare."""
    if server.sampling is not None and not server.declares_tools:
        await server.ask("tools-undeclared", f"{name} without sampling.tools", params)


async def _loop(server: FixtureServer, call: int | str) -> None:
    """Give the model's tools their results for as long as it asks for more."""
    if not server.declares_tools:
        return
    messages = [turn("user", text("What is the weather in Paris? Use the tool."))]
    for _ in range(LOOP_ROUNDS):
        response = await server.ask("loop", "a tool loop", tools_request(*messages), rounds=LOOP_ROUNDS)
        result = (response or {}).get("result")
        content = result.get("content") if isinstance(result, dict) else None
        ids = [str(block.get("id")) for block in objects_in(content) if block.get("type") == "tool_use"]
        if not ids:
            return
        messages += [turn("assistant", content), turn("user", [tool_result(id) for id in ids])]


async def _concurrent(server: FixtureServer, call: int | str) -> None:
    """Two requests at once, each with a word of its own that an echoing model repeats."""
    if server.sampling is not None:
        await server.ask_together(
            [
                Question("concurrent", "one of two requests at once", _say(word), {"word": word})
                for word in ("alabaster", "basalt")
            ]
        )


def _say(word: str) -> Json:
    return request(turn("user", text(f"Say {word}.")))


async def _same_id(server: FixtureServer, call: int | str) -> None:
    """A request with the id of the very call that is under way."""
    if server.sampling is None or server.given_up("same-id"):
        return
    one = server.prepare("same-id", "a request with the id of the pending call", request(), id=call)
    await server.send(one)
    await server.responses([one], "same-id")


async def _ping(server: FixtureServer, call: int | str) -> None:
    """A ping while a sampling request is pending."""
    if server.sampling is None or server.given_up("pinged"):
        return
    one = server.prepare("pinged", "a request with a ping behind it", request())
    await server.send(one)
    ping: Json = {"id": server.new_id(), "method": "ping"}
    await server.send(ping)
    if not await server.until(lambda: server.answered(ping["id"]), server.timeout) and not server.gone:
        server.transcript.note(TimedOut(ping["id"], server.timeout))
    await server.responses([one], "pinged")


async def _cancelled(server: FixtureServer, call: int | str) -> None:
    """Take a request back, and make another one when no answer can be under way any more: what is answered behind that
    one did not cross the cancellation. What did shows nothing, so it is tried again."""
    if server.sampling is None:
        return
    for _ in range(_TAKEN_BACK):
        if server.given_up("cancelled") or not await _answered_though_taken_back(server):
            break
    await server.ask("follow-up", "a plain request after one that was taken back", request(), after="cancelled")


async def _answered_though_taken_back(server: FixtureServer) -> bool:
    one = server.prepare("cancelled", "a request that was taken back", request())
    params = {"requestId": one["id"], "reason": "the fixture server changed its mind"}
    await server.send_together(one, {"method": CANCELLED, "params": params})
    return await server.until(lambda: server.answered(one["id"]), server.margin(_CROSSING))


async def _batch(server: FixtureServer, call: int | str) -> None:
    """Two requests in one JSON-RPC batch."""
    if server.sampling is None or server.given_up("batch"):
        return
    batch = [server.prepare("batch", "a request in a batch", request()) for _ in range(2)]
    await server.send(batch)
    await server.responses(batch, "batch")


async def _hints(named: Sequence[str], server: FixtureServer, call: int | str) -> None:
    """Hints for models that the client is known to have: each alone, both in either order, by a part of the name, and
    against the priorities."""
    models = [*dict.fromkeys([*named, *server.book.models])]
    if server.sampling is None or len(models) < 2:
        return
    a, b = models[:2]
    against: Json = {"costPriority": 1, "speedPriority": 1, "intelligencePriority": 0}
    cases: list[tuple[str, list[str], str, Json]] = [
        ("alone", [a], a, {}),
        ("alone", [b], b, {}),
        ("ordered", [a, b], a, {}),
        ("ordered", [b, a], b, {}),
        *(("part", [part], whole, {}) for part, whole in ((_part(a, b), a), (_part(b, a), b)) if part),
        *(("weighed", [name], name, numbers) for name in (a, b) for numbers in (against, _opposite(against))),
    ]
    for case, hints, expected, numbers in cases:
        preferences = {"hints": [{"name": hint} for hint in hints], **numbers}
        name = f"hints {', '.join(hints)}" + (" against the priorities" if numbers else "")
        await server.ask("hints", name, request(modelPreferences=preferences), case=case, expected=expected)


def _opposite(numbers: Json) -> Json:
    return {key: 1 - value for key, value in numbers.items()}


def _part(model: str, other: str) -> str | None:
    """A part of a model's name that is not in the other's."""
    for length in range(len(model) - 1, 2, -1):
        for part in (model[:length], model[-length:]):
            if part.lower() not in other.lower():
                return part
    return None


#: what a requestState may look like
STATES: tuple[tuple[str, str], ...] = (
    ("an empty requestState", ""),
    ("a requestState of odd characters", ' {"a": "\\u0000"}\t\r\n\u2028\u00e9e\u0301\U0001f642%20+/=&<\x7f\x01 '),
    ("a requestState of 64 KB", "0123456789abcdef" * 4096),
)


async def _state(name: str, state: str, server: FixtureServer, call: int | str) -> None:
    if server.sampling is not None and isinstance(server, ModernServer):
        await server.ask_with_state([Question("state", name, request())], state)


async def _state_and_none(server: FixtureServer, call: int | str) -> None:
    """A round without requestState after one that had some."""
    if server.sampling is not None and isinstance(server, ModernServer):
        await server.ask_with_state([Question("state", "a question with a requestState", request())], "first round")
        await server.ask_with_state([Question("state", "one without requestState after it", request())], None)


async def _state_only(server: FixtureServer, call: int | str) -> None:
    """Nothing is asked; a client may try again at once, or not at all."""
    if server.sampling is not None and isinstance(server, ModernServer):
        await server.round({"resultType": INPUT_REQUIRED, "requestState": "come again"})


async def _beside_an_invalid_one(server: FixtureServer, call: int | str) -> None:
    if server.sampling is not None:
        bad = request(turn("system", text("Be brief.")))
        await server.ask_together(
            [
                Question("several", "a valid question beside an invalid one", request()),
                Question("bad-role", 'a message of role "system" beside a valid question', bad),
            ]
        )


async def _odd_type(name: str, result_type: str | None, server: FixtureServer, call: int | str) -> None:
    """A result with inputRequests that is no InputRequiredResult."""
    if server.sampling is not None and isinstance(server, ModernServer):
        await server.ask_with_state([Question("odd-type", name, request())], "state", result_type)


async def _nothing(server: FixtureServer, call: int | str) -> None:
    """A call that is answered at once: it shows that a client which refused the question before it lives on."""


MODERN: tuple[tuple[str, Any], ...] = (
    *((name, partial(_state, name, state)) for name, state in STATES),
    ("a round without requestState", _state_and_none),
    ("a requestState alone", _state_only),
    ("a valid question beside an invalid one", _beside_an_invalid_one),
    ("an unknown resultType", partial(_odd_type, "a result of an unknown resultType", "com.example/unknown")),
    ("no resultType", partial(_odd_type, "a result without resultType", None)),
)


def _tool(description: str, run: Any, number: int) -> Tool:
    run = run if run is _plain else partial(_begin_plainly, run)
    slug = re.sub(r"[^a-z0-9]+", "_", description.lower()).strip("_")[:50]
    return Tool(f"p{number:02}_{slug}", f"Probe: {description}", run, builds_on_others=description == HINTS)


def client_tools(revision: Revision, models: Sequence[str], *, batches: bool = True) -> dict[str, Tool]:
    """The tools to list, in order: what might end a fragile client comes last.

    ``models`` are the names of models that the client is known to have; without ``batches`` none is sent.
    """
    probes: list[tuple[str, Any]] = [
        ("a plain request", _plain),
        ("the same plain request again", _plain_again),
        *((ask.name, partial(_one, ask)) for ask in VALID if ask.fits(revision)),
        ("two requests at once", _concurrent),
        (HINTS, partial(_hints, models)),
    ]
    if revision.tools:
        choice = request(toolChoice={"mode": "auto"})
        probes += [
            ("tools undeclared", partial(_undeclared, "tools", tools_request())),
            ("toolChoice undeclared", partial(_undeclared, "toolChoice", choice)),
            ("a tool loop", _loop),
        ]
    if revision.modern:
        probes += MODERN
    else:
        probes += [
            ("a ping while sampling", _ping),
            ("the id of the pending call", _same_id),
            ("a request taken back", _cancelled),
        ]
    if revision.batches and batches:
        probes.append(("a batch", _batch))
    probes += [(ask.name, partial(_one, ask)) for ask in HOSTILE if ask.fits(revision)]
    if revision.modern:
        probes.append(("a call that asks nothing", _nothing))
    tools = [_tool(name, run, number) for number, (name, run) in enumerate(probes, 1)]
    return {tool.name: tool for tool in tools}
