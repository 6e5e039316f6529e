"""input-required, how a client answers (2026-07-28 on): with a retry of the call that carries answers and state.

basic/patterns/mrtr "Client Requirements", basic "ResultType".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, asks_for_input
from ..evidence.messages import Message, Value
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .mrtr import ON_CLIENTS, asking_results, param, param_key, plain_param
from .rule import CLIENT, HELD, MODERN_MUST, Finding, broken, rule
from .shapes import asked_answered

NOT_RETRIED = "the client retried no call"


def _retries(evidence: Evidence) -> Iterator[tuple[Call, int, Message, Value]]:
    """Each retry of a client: its call, its place in it, the retry, and the result that asked for it."""
    for session in evidence.sessions:
        for call in session.calls:
            for place, retry in enumerate(call.rounds[1:], 1):
                response = session.response_to(call.rounds[place - 1])
                if response and asks_for_input(response):
                    yield call, place, retry, response.at("result")


@rule(
    "input-required/state-echoed",
    CLIENT,
    MODERN_MUST,
    *ON_CLIENTS,
    unobserved="the client retried no call that came with a requestState",
)
def state_echoed(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The requestState of an InputRequiredResult comes back with the retry, character for character."""
    for _, _, retry, result in _retries(evidence):
        given, returned = result.get("requestState"), param(retry, "requestState")
        if given is None:
            continue
        if returned is None:
            yield broken(retry.at("params"), f"the retry lacks the requestState {shown(given.value)}")
        elif returned.value != given.value:
            yield broken(
                returned, f"{returned.json_path} is {shown(returned.value)}, but {shown(given.value)} had been given"
            )
        else:
            yield HELD


@rule(
    "input-required/state-not-invented",
    CLIENT,
    MODERN_MUST,
    *ON_CLIENTS,
    unobserved="the client retried no call that came without a requestState",
)
def state_not_invented(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry has no requestState where the InputRequiredResult before it had none."""
    for _, _, retry, result in _retries(evidence):
        if result.get("requestState") is None:
            returned = param(retry, "requestState")
            yield (
                broken(returned, f"{returned.json_path} is {shown(returned.value)}, but none had been given")
                if returned
                else HELD
            )


@rule("input-required/all-answered", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def all_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputResponses of a retry have every key of the inputRequests. Others do no harm, servers ignore them."""
    for _, _, retry, result in _retries(evidence):
        requests, responses = result.get("inputRequests"), param(retry, "inputResponses")
        given = {key for key, _ in responses.members()} if responses else set()
        asked = [key for key, _ in requests.members()] if requests else []
        if missing := sorted(key for key in asked if key not in given):
            yield broken(responses or retry.at("params"), f"the retry has no answer to {shown(missing)}")
        elif asked:
            yield HELD


@rule("input-required/new-id", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def new_id(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry has an id of its own, and otherwise the method, name and arguments of the request that it repeats."""
    for call, place, retry, _ in _retries(evidence):
        before = call.rounds[place - 1]
        if retry.body["id"] == before.body["id"]:
            yield broken(retry.at("id"), f"the retry has the id {shown(retry.body['id'])} of the request it repeats")
            continue
        for key in ("name", "uri", "arguments"):
            given, repeated = plain_param(call.request, key), plain_param(retry, key)
            if given != repeated:
                why = f"the retry has the {key} {shown(repeated)} instead of {shown(given)}"
                yield broken(retry.at("params"), why)
                break
        else:
            yield HELD


@rule("input-required/not-leaked", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def not_leaked(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Answers and requestState go with the retry of the call that they belong to, and with no other request."""
    asked = {param_key(request, "name") for request, _ in asking_results(evidence)}
    for session in evidence.sessions:
        retries = {message.index for call in session.calls for message in call.rounds[1:]}
        own = {
            param_key(call.request, "name")
            for call in session.calls
            if len(call.rounds) > 1 or (call.response and asks_for_input(call.response))
        }
        for message in session.sent_by(side) if retries else ():
            # What was asked on another connection may be retried on this one.
            elsewhere = param_key(message, "name") in asked - own
            if not message.is_request or message.index in retries or elsewhere:
                continue
            carried = param(message, "inputResponses") or param(message, "requestState")
            if carried is not None:
                yield broken(carried, f"{message.method} carries {carried.json_path}, which belongs to another call")
            else:
                yield HELD


@rule(
    "input-required/unknown-result-type",
    CLIENT,
    MODERN_MUST,
    "basic",
    "resulttype",
    unobserved="no call could be answered with an unknown resultType",
)
def unknown_result_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result of an unknown resultType is an error and one without is complete: neither is taken for a question, and
    the client lives on."""
    for exchange in evidence.asks("odd-type"):
        if exchange.answer is not None:
            yield broken(exchange.answer, f"the client retried the call after {exchange.name}")
        else:
            found = asked_answered(exchange)
            yield found if found.holds else broken(exchange.request, found.why.replace("instead of answering", "after"))
