"""error, what a server makes of the answer to its sampling request when there is nothing in it that it could use.

client/sampling "Security Considerations".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call
from ..evidence.messages import Value
from ..evidence.session import Session
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .rule import HELD, LEGACY_SHOULD, SERVER, Finding, broken, rule
from .shapes import working

#: how the languages of servers write what is not there
_NOTHING = ("", "null", "undefined", "None", "nil", "<nil>", "<null>", "Null", "NULL", "NaN", "{}", "[object Object]")


@rule(
    "error/malformed-result-rejected",
    SERVER,
    LEGACY_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no call that succeeds could be given an answer without content, or nothing tells what became of it",
)
def malformed_result_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call whose sampling request gets a result without content, or with a string for content, does not succeed as
    if the model had said that."""
    # One that notices, and says so in a result of its own words, may do that. So a success is judged only where it
    # reads like that of a plain call, with nothing in the place of the answer, or with the string.
    works, usual = working(evidence), _usual_results(evidence)
    for probe in evidence.probes("malformed"):
        # Who asks again has noticed, and what comes of later answers is another matter.
        if probe.callee not in works or len(probe.exchanges) != 1 or len(probe.calls) != 1:
            continue
        answer, call = probe.exchanges[0].answer, probe.calls[0]
        if answer is None or call.response is None or not _is_unusable(answer):
            continue
        if call.failed:
            yield HELD
        elif (said := _taken_for(answer, call, usual.get(probe.callee, set()))) is not None:
            yield broken(
                call.response.whole,
                f"{probe.name} made the call succeed as if the model had said {shown(said)}: "
                f"{shown(call.response.body.get('result'), 300)}",
            )


def _is_unusable(answer: Value) -> bool:
    """Whether there is a result, and no content in it or a string."""
    content = answer.find("result", "content")
    return "result" in answer.value and (content is None or content.value is None or isinstance(content.value, str))


#: stands for what the model said, and which model it was
_SAID, _MODEL = "\N{OBJECT REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}"


def _usual_results(evidence: Evidence) -> Mapping[str, set[str]]:
    """The results of plain calls that show the sampled text, by what is called, with its place marked."""
    found: dict[str, set[str]] = {}
    for probe in evidence.probes("first-call", "second-call"):
        for call in probe.calls:
            if call.complete and (result := _marked(probe.session, call)):
                found.setdefault(probe.callee, set()).add(result)
    return found


def _marked(session: Session, call: Call) -> str | None:
    result, marked = _result(call), False
    for exchange in session.owned(call):
        if exchange.text and exchange.text in result:
            result, marked = result.replace(exchange.text, _SAID), True
        model = exchange.result.get("model") if exchange.result else None
        if model is not None and isinstance(model.value, str) and model.value:
            result = result.replace(model.value, _MODEL)
    return result if marked else None


def _taken_for(answer: Value, call: Call, usual: set[str]) -> str | None:
    """What an answer was taken to say, where the result of the call is a usual one; else ``None``."""
    content, model = answer.find("result", "content"), answer.find("result", "model")
    said = [content.value] if content is not None and isinstance(content.value, str) else []
    got = _result(call)
    for words in (*said, *_NOTHING):
        from_model = model.value if model is not None and isinstance(model.value, str) else words
        for result in usual:
            if result.replace(_SAID, _inside(words)).replace(_MODEL, _inside(from_model)) == got:
                return words
    return None


def _inside(words: str) -> str:
    """A text as it stands inside a JSON string."""
    return json.dumps(words, ensure_ascii=False)[1:-1]


def _result(call: Call) -> str:
    """The result of a call as JSON, without ``_meta``, which may differ from call to call."""
    result = call.response.body.get("result") if call.response else None
    members = {key: value for key, value in result.items() if key != "_meta"} if isinstance(result, dict) else {}
    return json.dumps(members, ensure_ascii=False, sort_keys=True)
