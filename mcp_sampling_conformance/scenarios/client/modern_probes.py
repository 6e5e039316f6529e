"""The probes of a client of the modern era: questions in results, and what may stand beside them."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...peers.modern_server import STAMP, ModernServer
from ...peers.server import FixtureServer, Question
from ...protocol.jsonrpc import Json
from ...protocol.names import INPUT_REQUIRED, SAMPLING
from .asks import request, text, turn

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
        await server.round({"resultType": INPUT_REQUIRED, "requestState": "come again", **STAMP})


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


async def nothing(server: FixtureServer, call: int | str) -> None:
    """A call that is answered at once: it shows that a client which refused the question before it lives on."""


class _Beside:
    """A question beside other members of the result; put once more where it is left, for a user may refuse anything
    once. It is a probe, for two tools."""

    def __init__(self, name: str, members: Json) -> None:
        self.name = name
        self._members = members
        self._answered = False

    async def __call__(self, server: FixtureServer, call: int | str) -> None:
        if not self._answered and server.sampling is not None and isinstance(server, ModernServer):
            question = Question("beside", self.name, request())
            (answer,) = await server.ask_with_state([question], self.name, beside={**STAMP, **self._members})
            self._answered = answer is not None


async def _bare(server: FixtureServer, call: int | str) -> None:
    """A question in a result that has no ``_meta``, as all others of ours have."""
    if server.sampling is not None and isinstance(server, ModernServer):
        await server.ask_with_state(
            [Question("bare", "a question in a result without _meta", request())], "bare", beside={}
        )


#: what may be asked for besides sampling, by the capability that the client declares for it
_OTHERS: dict[str, Json] = {
    "elicitation": {
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": "What may I call you?",
            "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    },
    "roots": {"method": "roots/list"},
}


def _takes(server: ModernServer, capability: str) -> bool:
    """Whether the client declared a capability in the form that we ask for."""
    declared = server.capabilities.get(capability)
    # No mode at all stands for the form alone (client/elicitation "Capabilities").
    return isinstance(declared, dict) and (capability != "elicitation" or not declared or "form" in declared)


async def _mixed(server: FixtureServer, call: int | str) -> None:
    """Two questions beside requests for whatever else the client has declared."""
    if server.sampling is None or not isinstance(server, ModernServer):
        return
    others = {f"other-{name}": ask for name, ask in _OTHERS.items() if _takes(server, name)}
    if others:
        questions = [Question("mixed", "a question beside requests for something else", request()) for _ in range(2)]
        await server.ask_with_state(questions, "mixed", others=others)


async def forbidden(server: FixtureServer, call: int | str) -> None:
    """A request of our own, as there are none in this era: nobody may answer it. A question behind it gives the client
    the time to do so."""
    await server.send({"id": server.new_id(), "method": SAMPLING, "params": request()})
    if server.sampling is not None:
        await server.ask("follow-up", "a question after a request of the server", request(), after="forbidden")


def modern_probes() -> list[tuple[str, Any]]:
    """What to ask in this era, each with its description, in order."""
    members = _Beside("a question beside unknown members", {"com.example/note": {"final": True}, "status": "done"})
    content = _Beside("a question beside an empty content", {"content": [], "isError": False})
    return [
        ("a result without _meta", _bare),
        (members.name, members),
        (content.name, content),
        *((name, partial(_state, name, state)) for name, state in STATES),
        (f"{members.name} once more", members),
        (f"{content.name} once more", content),
        ("a round without requestState", _state_and_none),
        ("a requestState alone", _state_only),
        ("a valid question beside an invalid one", _beside_an_invalid_one),
        ("a question beside other requests", _mixed),
        ("an unknown resultType", partial(_odd_type, "a result of an unknown resultType", "com.example/unknown")),
        ("no resultType", partial(_odd_type, "a result without resultType", None)),
    ]
