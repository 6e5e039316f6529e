"""The probes of a client: each is a tool of the fixture server that asks for sampling while it is called."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio

from ...peers.server import FixtureServer, Question, Tool
from ...protocol.jsonrpc import Json, objects_in
from ...protocol.names import CANCELLED
from ...protocol.revisions import Revision
from ...transcript.events import PingTimed, TimedOut
from .asks import HOSTILE, VALID, Ask, request, text, tool_result, tools_request, turn
from .modern_probes import forbidden, modern_probes, nothing
from .task_probes import TaskProbe

#: how long an answer that crosses its cancellation is waited for, at least, in seconds
_CROSSING = 0.3
#: so many requests are taken back at most, until one is not answered
_TAKEN_BACK = 5
#: so many pings are sent once more where one was answered late: behind a request that took so many seconds
PINGS, _LONG = 3, 0.5
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
    if server.sampling is None or ask.with_tools not in (None, server.declares_tools):
        return
    await server.ask(ask.group, ask.name, ask.params)
    if ask.hostile:
        await server.ask("follow-up", f"a plain request after {ask.name}", request(), after=ask.group)


#: so often a request is made that a client refuses, with so many plain ones behind each that it must not refuse
_TIMES, _BETWEEN = 2, 2


async def _task(server: FixtureServer, call: int | str) -> None:
    """Requests that ask for a task, of a client that makes tasks, or else a plain one that does."""
    if server.sampling is not None and server.declares_tasks:
        await TaskProbe(server).run()
    elif server.sampling is not None:
        await _task_undeclared(server)


async def _task_undeclared(server: FixtureServer) -> None:
    """A plain request that asks for a task, of a client that did not declare to make any. A user may refuse anything
    once, so where it is refused it is made again, with plain requests in between."""
    for _ in range(_TIMES):
        answer = await server.ask("task-undeclared", "a plain request with task", request(task={"ttl": 60_000}))
        if answer is None or "error" not in answer:
            return
        for _ in range(_BETWEEN):
            plain = "a plain request after one with task"
            answer = await server.ask("follow-up", plain, request(), after="task-undeclared")
            if answer is None or "error" in answer:
                return


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


async def _odd_ids(server: FixtureServer, call: int | str) -> None:
    """Ids that are easily taken for none, or for a number."""
    for id in (0, str(server.new_id())):
        if server.sampling is None or server.given_up("odd-id"):
            return
        one = server.prepare("odd-id", f"a request with the id {json.dumps(id)}", request(), id=id)
        await server.send(one)
        await server.responses([one], "odd-id")


async def _ping(server: FixtureServer, call: int | str) -> None:
    """A ping while a sampling request is pending. Where it is answered behind that, which took long, there are a few
    more, each after one while nothing is pending: they show whether the client answers both in turn."""
    if server.sampling is None:
        return
    _, took = await _ping_behind_request(server)
    for _ in range(PINGS):
        if took <= _LONG:
            break
        began = anyio.current_time()
        if not await _pong(server, await _new_ping(server)):
            break
        alone = anyio.current_time() - began
        ping, took = await _ping_behind_request(server)
        if took > _LONG:
            server.transcript.note(PingTimed(ping, took, alone))


async def _ping_behind_request(server: FixtureServer) -> tuple[int, float]:
    """Make a sampling request, with a ping right behind it. Returns the id of that, and after how many seconds the
    request was answered, if that was before the ping was; else 0."""
    ping = server.new_id()
    if server.given_up("pinged"):
        return ping, 0.0
    one, began = server.prepare("pinged", "a request with a ping behind it", request()), anyio.current_time()
    await server.send_together(one, {"id": ping, "method": "ping"})
    await server.until(lambda: server.answered(one["id"]) or server.answered(ping), server.timeout)
    took = anyio.current_time() - began
    await _pong(server, ping)
    await server.responses([one], "pinged")
    return ping, took if server.answered_first(one["id"], ping) else 0.0


async def _new_ping(server: FixtureServer) -> int:
    ping = server.new_id()
    await server.send({"id": ping, "method": "ping"})
    return ping


async def _pong(server: FixtureServer, ping: int) -> bool:
    """Wait for the answer to a ping; whether it came."""
    if await server.until(lambda: server.answered(ping), server.timeout):
        return True
    if not server.gone:
        server.transcript.note(TimedOut(ping, server.timeout))
    return False


async def _cancelled(server: FixtureServer, call: int | str) -> None:
    """Take a request back, and make another one when no answer can be under way any more: what is answered behind that
    one did not cross the cancellation. What did shows nothing, so it is tried again."""
    if server.sampling is None:
        return
    for _ in range(_TAKEN_BACK):
        if server.given_up("cancelled") or not await _answered_though_taken_back(server):
            break
    later = await server.ask("follow-up", "a plain request after one that was taken back", request(), after="cancelled")
    if later is not None and not server.given_up("spared"):
        one = server.prepare("cancelled", "another request that was taken back", request())
        other = server.prepare("spared", "a request beside one that was taken back", request())
        await server.send_together(one, other, _cancellation(one))
        await server.responses([other], "spared")


def _cancellation(request: Json) -> Json:
    params = {"requestId": request["id"], "reason": "the fixture server changed its mind"}
    return {"method": CANCELLED, "params": params}


async def _answered_though_taken_back(server: FixtureServer) -> bool:
    one = server.prepare("cancelled", "a request that was taken back", request())
    await server.send_together(one, _cancellation(one))
    return await server.until(lambda: server.answered(one["id"]), server.margin(_CROSSING))


async def _batch(server: FixtureServer, call: int | str) -> None:
    """Two requests in one JSON-RPC batch."""
    if server.sampling is None or server.given_up("batch"):
        return
    batch = [server.prepare("batch", "a request in a batch", request()) for _ in range(2)]
    await server.send(batch)
    await server.responses(batch, "batch")


async def _polled(server: FixtureServer, call: int | str) -> None:
    """A stream whose connection is closed after an event that allows to take it up again, twice before anything else
    comes on it. Then there is a request."""
    if await server.interrupt() and await server.interrupt() and server.sampling is not None:
        await server.ask("polled", "a request on a stream that was polled", request())


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


def _tool(description: str, run: Any, number: int) -> Tool:
    run = run if run is _plain else partial(_begin_plainly, run)
    slug = re.sub(r"[^a-z0-9]+", "_", description.lower()).strip("_")[:50]
    return Tool(f"p{number:02}_{slug}", f"Probe: {description}", run, builds_on_others=description == HINTS)


def client_tools(revision: Revision, models: Sequence[str], *, of_callback: bool = False) -> dict[str, Tool]:
    """The tools to list, in order: what might end a fragile client comes last.

    ``models`` are the names of models that the client is known to have. ``of_callback``: it is a client of the SDK
    around a callback, which never sees what is left out.
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
    if revision.tasks and not of_callback:
        probes.append(("a task", _task))
    if revision.modern:
        probes += modern_probes()
        if not of_callback:
            probes.append(("a request of the server", forbidden))
    else:
        probes += [
            ("ids that are seldom seen", _odd_ids),
            ("a ping while sampling", _ping),
            ("the id of the pending call", _same_id),
            ("a request taken back", _cancelled),
        ]
    if revision.batches and not of_callback:
        probes.append(("a batch", _batch))
    probes += [(ask.name, partial(_one, ask)) for ask in HOSTILE if ask.fits(revision)]
    if revision.modern:
        probes.append(("a call that asks nothing", nothing))
    if revision.polling and not of_callback:
        probes.append(("a stream to be polled", _polled))
    tools = [_tool(name, run, number) for number, (name, run) in enumerate(probes, 1)]
    return {tool.name: tool for tool in tools}
