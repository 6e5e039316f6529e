"""input-required, how a client answers (2026-07-28 on): with a retry of the call that carries answers and state.

basic/patterns/mrtr "Client Requirements", basic "ResultType".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence, is_result
from ..evidence.exchanges import Call, Exchange, asks_for_input
from ..evidence.messages import Message, Value
from ..protocol.jsonrpc import id_key, shown
from ..protocol.names import SAMPLING
from ..transcript.transcript import Side
from .mrtr import ON_CLIENTS, asking_results, param, param_key, plain_param
from .rule import CLIENT, HELD, MODERN_MUST, Finding, broken, rule
from .shapes import VALID, asked_answered

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
    """A retry has an id that no earlier round of its call has, and otherwise the method, name and arguments of the
    request that it repeats."""
    for call, place, retry, _ in _retries(evidence):
        id = retry.body["id"]
        used = [
            number for number, earlier in enumerate(call.rounds[:place], 1) if id_key(earlier.body["id"]) == id_key(id)
        ]
        if used:
            yield broken(
                retry.at("id"), f"retry {place} has the id {shown(id)}, that of request {used[-1]} of this call"
            )
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
    unobserved="the client retried no call, or none could be answered with an unknown resultType",
)
def unknown_result_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result of an unknown resultType is an error and one without is complete: neither is taken for a question, and
    the client lives on."""
    retries = any(True for _ in _retries(evidence))
    for exchange in evidence.asks("odd-type"):
        silent = [finding for finding in asked_answered(exchange) if not finding.holds]
        if exchange.answer is not None:
            yield broken(exchange.answer, f"the client retried the call after {exchange.name}")
        elif silent:
            yield broken(exchange.request, silent[0].why.replace("instead of answering", "after"))
        elif retries:  # whoever never does shows nothing by not doing so
            yield HELD


@rule(
    "input-required/asked-despite-meta",
    CLIENT,
    MODERN_MUST,
    "basic",
    "resulttype",
    unobserved="no question was answered, so none could be told from those that are not recognised",
)
def asked_despite_meta(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result of the resultType input_required is taken for a question, whatever stands beside that: _meta, members
    that the client does not know, an empty content."""
    usual = [exchange for exchange in evidence.asks(*VALID) if exchange.group not in ("bare", "beside")]
    if any(exchange.result is not None for exchange in usual):
        yield HELD
        yield from _despite_members(evidence)
    elif usual and all(exchange.abandoned for exchange in usual):
        for exchange in evidence.asks("bare"):
            if exchange.result is not None:
                why = "a question was taken for a final result, as all were that have _meta; one without got an answer"
                yield broken(usual[0].request, why)


#: a user may refuse anything, but hardly the same question as often as it stands beside something
_LEFT = 2


def _despite_members(evidence: Evidence) -> Iterator[Finding]:
    """Whether questions beside other members were answered by a client that answers plain ones, earlier and later."""
    answered = [place for place, exchange in enumerate(evidence.exchanges) if exchange.result is not None]
    places = {id(exchange): place for place, exchange in enumerate(evidence.exchanges)}
    plain = [exchange.result is not None for exchange in evidence.asks("plain", "plain-again")]
    beside: dict[str, list[Exchange]] = {}
    for exchange in evidence.asks("beside"):
        beside.setdefault(exchange.name, []).append(exchange)
    for name, found in beside.items():
        if any(exchange.result is not None for exchange in found):
            yield HELD
        elif open_ones := [exchange for exchange in found if not exchange.abandoned]:
            yield from asked_answered(open_ones[0])
        elif len(found) >= _LEFT and all(plain) and answered[-1] > places[id(found[-1])]:
            why = f"{name} was left {len(found)} times, while plain ones before and after it were answered"
            yield broken(found[0].request, why)


#: what the result of each other request has to be, in words
_ELICITED, _LISTED = "an object whose action is accept, decline or cancel", "an object with an array of roots"


def _is_elicited(value: object) -> bool:
    return isinstance(value, dict) and value.get("action") in ("accept", "decline", "cancel")


def _is_listed(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("roots"), list)


_KINDS = {"elicitation/create": (_is_elicited, _ELICITED), "roots/list": (_is_listed, _LISTED)}


@rule(
    "input-required/mixed-requests",
    CLIENT,
    MODERN_MUST,
    *ON_CLIENTS,
    unobserved="the client retried no call that had asked for several things",
)
def mixed_requests(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Of several requests in one result, each is answered by its kind: sampling, elicitation or roots."""
    for _, _, retry, result in _retries(evidence):
        requests, responses = result.get("inputRequests"), param(retry, "inputResponses")
        asked = {key: request.get("method") for key, request in requests.members()} if requests else {}
        answers = {key: responses.get(key) if responses else None for key in asked}
        for key, answer in answers.items() if len(asked) > 1 else ():
            method = asked[key]
            if method is None or answer is None:  # input-required/all-answered says so
                continue
            holds, expected = _KINDS.get(str(method.value), (None, ""))
            if holds is not None and not holds(answer.value):
                why = f"{answer.json_path} answers {method.value} with {shown(answer.value)}, which is not {expected}"
                yield broken(answer, why)
            elif holds is not None or (method.value == SAMPLING and is_result(answer)):
                yield HELD
