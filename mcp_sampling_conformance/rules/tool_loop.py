"""tool-loop: tool_use and the tool_result that must follow it (2025-11-25 on).

client/sampling "Message Content Constraints", "Multi-turn Tool Loop", "Security Considerations".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from ..evidence.conversation import between
from ..evidence.evidence import Evidence, is_result
from ..evidence.exchanges import Exchange
from ..evidence.messages import Value
from ..evidence.speech import blocks_of, has_type
from ..protocol.jsonrpc import objects_in, shown
from ..protocol.names import CANCELLED
from ..transcript.events import EndlessLoop
from ..transcript.transcript import Side
from .rule import ADVICE, CLIENT, HELD, SERVER, TOOLS_ADVICE, TOOLS_MUST, TOOLS_SHOULD, Finding, Levels, broken, rule
from .shapes import all_rejected, survived

#: in the modern era nothing goes on unless the client calls again
LEGACY_TOOLS_SHOULD: Levels = {**TOOLS_SHOULD, "2026-07-28": None}
NO_RESULT = "no sampling request carried a tool_result"
NO_TOOLS = "no sampling request offered tools, so no tool_use could be answered"


#: the member that holds the id of a tool use
_ID = {"tool_use": "id", "tool_result": "toolUseId"}


def _ids(turn: Value, kind: str) -> list[str]:
    """The ids that the tool_use or tool_result blocks of a message have."""
    if not isinstance(turn.value, dict):
        return []
    blocks, key = objects_in(turn.value.get("content")), _ID[kind]
    return [block[key] for block in blocks if block.get("type") == kind and isinstance(block.get(key), str)]


def _without(ids: list[str], others: list[str]) -> list[str]:
    """The ids that are not among the others."""
    known = set(others)
    return [id for id in ids if id not in known]


def _has_role(turn: Value, role: str) -> bool:
    return isinstance(turn.value, dict) and turn.value.get("role") == role


@rule("tool-loop/results-only", SERVER, TOOLS_MUST, "client/sampling", "tool-result-messages", unobserved=NO_RESULT)
def results_only(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A user message with a tool_result holds tool_result blocks and nothing else."""
    for turn in evidence.said_by(side).turns_with("tool_result"):
        if _has_role(turn, "user"):
            others = [block for block in blocks_of(turn) if not has_type(block, "tool_result")]
            for block in others:
                yield broken(
                    block, f"{block.json_path} stands beside tool_result blocks in one message: {shown(block.value)}"
                )
            if not others:
                yield HELD


@rule(
    "tool-loop/balanced",
    SERVER,
    TOOLS_MUST,
    "client/sampling",
    "tool-use-and-result-balance",
    unobserved="no sampling request carried a tool_use or tool_result",
)
def balanced(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Each assistant message with tool_use blocks is followed at once by a user message whose tool_result blocks answer
    every one of their ids; no tool_result answers what was never asked."""
    for messages, known in evidence.asked.said:
        start = max(known - 1, 0)  # the last message that is repeated is needed to judge the one after it
        previous: Value | None = None
        for place, turn in enumerate(messages.elements(start), start):
            if place >= known:
                yield from _balance(messages, place, previous, turn)
            previous = turn
        if previous is not None and _has_role(previous, "assistant"):
            for block in blocks_of(previous, "tool_use"):
                yield broken(block, f"{block.json_path} is a tool_use that no message after it answers")


def _balance(messages: Value, place: int, previous: Value | None, turn: Value) -> Iterator[Finding]:
    """Whether a message answers every tool_use of the one before it; it may answer an earlier one again."""
    asked = _ids(previous, "tool_use") if previous is not None and _has_role(previous, "assistant") else []
    answered = _ids(turn, "tool_result") if _has_role(turn, "user") else []
    if not asked and not answered:
        return
    missing, foreign = _without(asked, answered), _without(answered, asked)
    if foreign:
        earlier = [Value(turn.message, (), message) for message in messages.value[:place]]
        foreign = _without(foreign, [id for before in earlier for id in _ids(before, "tool_use")])
    if missing:
        yield broken(turn, f"{turn.json_path} does not answer the tool_use {shown(missing)} of the message before it")
    if foreign:
        yield broken(
            turn, f"{turn.json_path} answers the tool_use {shown(foreign)}, which no message before it asks for"
        )
    if not missing and not foreign:
        yield HELD


@rule(
    "tool-loop/answers-tool-use",
    SERVER,
    TOOLS_MUST,
    "client/sampling",
    "security-considerations",
    unobserved=NO_TOOLS,
)
def answers_tool_use(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server that goes on after stopReason toolUse answers each tool_use of that result with a tool_result."""
    for probe in evidence.probes("tools"):
        exchanges = [(exchange, exchange.params.get("messages")) for exchange in probe.exchanges]
        texts = [json.dumps(messages.value, sort_keys=True) if messages else None for _, messages in exchanges]
        times = Counter(texts)
        for place, ((exchange, before), text) in enumerate(zip(exchanges, texts, strict=True)):
            asked = _ids(exchange.result, "tool_use") if exchange.result else []
            # A tool may ask the model something of its own before the loop goes on.
            later = (turns for _, turns in exchanges[place + 1 :] if asked and turns)
            turns = next((turns for turns in later if _goes_on(before, turns)), None)
            if turns is None:
                continue
            # Where one thing was asked twice, nothing tells which of the two answers the server goes on with.
            if times[text] > 1:
                continue
            answered = [id for turn in turns.elements() for id in _ids(turn, "tool_result")]
            if missing := _without(asked, answered):
                yield broken(
                    turns,
                    f"the client answered with the tool_use {shown(missing)}, and the sampling request that follows "
                    "holds no tool_result for it",
                )
            else:
                yield HELD


def _goes_on(before: Value | None, turns: Value) -> bool:
    """Whether a request continues the conversation of the one before it, and not another one."""
    if before is None:
        return False
    earlier, later = before.value, turns.value
    return isinstance(earlier, list) and isinstance(later, list) and later[: len(earlier)] == earlier


@rule(
    "tool-loop/iteration-limit",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved=NO_TOOLS,
)
def iteration_limit(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server ends its loop with a model that asks for tools for ever."""
    for probe in evidence.probes("tools"):
        for event in probe.events(EndlessLoop) if probe.exchanges else ():
            if len(probe.exchanges) > event.rounds:
                yield broken(
                    probe.exchanges[event.rounds].request,
                    f"after {event.rounds} answers that each asked for a tool the server still sent another sampling "
                    "request",
                )
            else:
                yield HELD


@rule(
    "tool-loop/unknown-tool-survived",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved=NO_TOOLS,
)
def unknown_tool_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers its call and lives on when the model asks for a tool that was never offered."""
    for probe in evidence.probes("unknown-tool"):
        yield from survived(probe)


@rule(
    "tool-loop/cancelled-stops",
    SERVER,
    LEGACY_TOOLS_SHOULD,
    "basic/utilities/cancellation",
    "behavior-requirements",
    unobserved="no call could be cancelled in the middle of its tool loop",
)
def cancelled_stops(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that is cancelled in the middle of its tool loop asks for no more sampling, even where the request that
    was pending is answered with a tool_use."""
    for probe in evidence.probes("cancelled-loop"):
        cancelled = between(probe.session.with_method(side.other, CANCELLED), probe.start.index, probe.follow_up)
        pings = between(probe.session.with_method(side.other, "ping"), probe.start.index, probe.follow_up)
        read = probe.session.response_to(pings[0]) if pings else None
        if not cancelled or read is None:
            continue  # it may not have read that
        late = [each.result for each in probe.exchanges if each.result and each.result.message.index > read.index]
        used = {id for result in late for id in _ids(result, "tool_use")}
        on = [e for e in probe.exchanges if any(used & {*_ids(turn, "tool_result")} for turn in _messages(e))]
        for exchange in on:
            id = shown(cancelled[0].body["params"]["requestId"])
            yield broken(exchange.request, f"the tool loop of the call with id {id} went on after that was cancelled")
        if not on:
            yield HELD


def _messages(exchange: Exchange) -> list[Value]:
    """The messages of a sampling request."""
    messages = exchange.params.get("messages")
    return list(messages.elements()) if messages else []


@rule(
    "tool-loop/iteration-limit",
    CLIENT,
    TOOLS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="the client's model asked for no tool",
)
def client_iteration_limit(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client ends a tool loop that a server would carry on for ever."""
    uses = [e for e in evidence.asks("loop") if e.result is not None and blocks_of(e.result, "tool_use")]
    if not uses:
        return
    last = uses[-1]
    if last.asked is not None and len(uses) >= last.asked.rounds:
        yield broken(last.request, f"the client went along with {len(uses)} rounds of one tool loop")
    else:
        yield HELD


#: since 2026-07-28 no section asks for the refusal
_REFUSED: Levels = {**TOOLS_SHOULD, "2026-07-28": None}
NO_LOOP = "the client did not declare sampling.tools, or did not answer"


@rule(
    "tool-loop/missing-result-rejected",
    CLIENT,
    _REFUSED,
    "client/sampling",
    "error-handling",
    unobserved=NO_LOOP,
)
def missing_result_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client refuses a request in which a tool_use has no tool_result with -32602."""
    yield from all_rejected(evidence, "missing-result", -32602, "although a tool_use in it has no tool_result")


@rule(
    "tool-loop/mixed-results-rejected",
    CLIENT,
    _REFUSED,
    "client/sampling",
    "error-handling",
    unobserved=NO_LOOP,
)
def mixed_results_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client refuses a request in which tool_result blocks stand beside other content with -32602."""
    because = "although tool_result blocks stand beside a text in it"
    yield from all_rejected(evidence, "mixed-results", -32602, because)


@rule(
    "tool-loop/undeclared-rejected",
    CLIENT,
    # That such a request reaches a client without sampling.tools is not clearly foreseen.
    {"2025-11-25": ADVICE, "2026-07-28": None},
    "client/sampling",
    "error-handling",
    unobserved="the client declared sampling.tools, or did not answer",
)
def undeclared_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client without sampling.tools, too, refuses a request in which a tool_use has no tool_result or a tool_result
    stands beside other content, with whatever error."""
    yield from all_rejected(evidence, "undeclared-loop", None, "although its tool loop is broken")


@rule("tool-loop/choice-none", CLIENT, TOOLS_MUST, "client/sampling", "tool-choice-modes", unobserved=NO_LOOP)
def choice_none(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """With toolChoice none a result holds no tool_use."""
    for exchange in evidence.asks("choice-none"):
        if exchange.result is not None:
            uses = blocks_of(exchange.result, "tool_use")
            yield broken(uses[0], "a tool_use although toolChoice was none") if uses else HELD


@rule("tool-loop/choice-required", CLIENT, TOOLS_MUST, "client/sampling", "tool-choice-modes", unobserved=NO_LOOP)
def choice_required(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """With toolChoice required a result holds at least one tool_use, where the model came to the end of its answer."""
    for exchange in evidence.asks("choice-required"):
        if exchange.result is None:
            continue
        reason = exchange.result.get("stopReason")
        if blocks_of(exchange.result, "tool_use"):
            yield HELD
        elif is_result(exchange.result) and (reason is None or reason.value in ("endTurn", "toolUse")):
            yield broken(exchange.result, "no tool_use although toolChoice was required")


@rule("tool-loop/ids-unique", CLIENT, TOOLS_MUST, "schema", "toolusecontent", unobserved="no result held a tool_use")
def ids_unique(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The tool_use blocks of one result have different ids."""
    for result in evidence.said_by(side).turns_with("tool_use"):
        ids = _ids(result, "tool_use")
        if len(set(ids)) < len(ids):
            yield broken(result, f"two tool_use blocks share an id: {shown(ids)}")
        elif ids:
            yield HELD


@rule(
    "tool-loop/offered-only",
    CLIENT,
    TOOLS_ADVICE,
    "client/sampling",
    "tools-in-sampling",
    unobserved="no result held a tool_use",
)
def offered_only(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A tool_use names a tool that the request offered."""
    for exchange in evidence.exchanges:
        uses = blocks_of(exchange.result, "tool_use") if exchange.result else []
        tools = exchange.params.get("tools") if uses else None
        names = [tool.get("name") for tool in tools.elements()] if tools else []
        offered = [name.value for name in names if name is not None]
        for use in uses:
            name = use.get("name")
            if name is not None and name.value not in offered:
                yield broken(
                    name, f"the tool {shown(name.value)} was not offered; the request offered {shown(offered)}"
                )
            else:
                yield HELD
