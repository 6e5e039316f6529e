"""Clients that hang, die, flood and call as they please: the run ends in time, says what was, and leaves no process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from broken_clients import BROKEN
from runs import Outcome, judge, sound

from mcp_sampling_conformance.transcript import transcript

SCRIPT = Path(__file__).parent.parent / "fixtures" / "broken_clients.py"
NEWEST = "2025-11-25"
TIMEOUT = 2

#: what must come out ("error", "clean", or the rules that must fail), and what the output must say
EXPECTED: dict[str, tuple[str | set[str], list[str]]] = {
    "exits-with-words": ("error", ["started no server: it ended with exit code 1", "stderr:\n  No key, no model."]),
    "stays-silent": ("error", ["started no server: it was given 6 s", "stderr:\n  I am thinking."]),
    "starts-and-hangs": ("error", ["sent no initialize: it was given 3 s", "its stderr is empty"]),
    "floods-with-garbage": ("error", ["was cut off by the harness (more than ", "garbage garbage"]),
    "floods-with-pings": ("error", ["sent no initialize"]),
    "babbles": (
        {"single-response/exactly-one", "framing/stdin-clean"},
        ["not JSON", "'thinking'", "hung at p01_a_plain_request", "so it got no others (--mcp-timeout"],
    ),
    "rejects-older": (
        "clean",
        ["not-applicable: the client did not go on after 2025-06-18", "cannot speak 2025-06-18"],
    ),
    "hangs-while-sampling": (
        {"content/kinds-answered", "error/malformed-request-survived"},
        ["an image got no answer within 2 s", "the client hung at p03_an_image, and was ended"],
    ),
    "dies-while-sampling": (
        {"content/kinds-answered", "error/malformed-request-survived"},
        [
            "the client ended (exit code 3) instead of answering an image",
            "    stderr:  The model is gone.",
            "the client ended (exit code 3) during p03_an_image: The model is gone.",
        ],
    ),
    "dies-of-everything": ({"single-response/exactly-one"}, ["(exit code 4) instead of answering a plain request"]),
    "answers-late": ("clean", ["requests unanswered for 2 s (--mcp-timeout"]),
    "never-exits": ("clean", ["the client did not end by itself, and was ended"]),
    "looks-around": ("clean", []),
    "calls-nothing": ({"sampling-reached"}, [f"{NEWEST}: it connected and called 0 of ", "calls every tool once"]),
    "calls-some": ("clean", ["the client called only 3 of ", "the others were not observed"]),
    "calls-three-a-start": ("clean", []),
    "calls-all-at-once": ("clean", []),
    "never-listens": ({"single-response/exactly-one"}, ["got no answer within 2 s", "did not end by itself"]),
    "writes-garbage": ({"framing/stdin-clean"}, ["a line on stdin is not UTF-8 (byte 5): '\\x00\\x1b[2J\\\\xff{'"]),
    "speaks-nonsense": ({"content/blocks-valid", "error/shape", "framing/stdin-clean", "id/id-valid"}, []),
    "leaves-children": ("clean", []),
}


def judged(pytester: pytest.Pytester, name: str) -> Outcome:
    options = ["--mcp-client", f"{sys.executable} -S {SCRIPT} {name} {{server}}", "--mcp-timeout", str(TIMEOUT)]
    options += ["--mcp-spec-version", NEWEST, "--mcp-examples=2"]  # enough to see that a search comes to its end
    options += ["--mcp-start-timeout", "6"]
    options += ["--mcp-spec-version", "2025-06-18"] if name == "rejects-older" else []
    return judge(pytester, *options)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_client(pytester: pytest.Pytester, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A flood is cut off ten times sooner than it would be: before its time is over, on a busy machine too.
    monkeypatch.setattr(transcript, "CONNECTION_BYTES", transcript.CONNECTION_BYTES // 10)
    outcome = judged(pytester, name)
    sound(outcome)
    expected, texts = EXPECTED[name]
    verdicts = outcome.verdicts(NEWEST, None)
    failed = {rule for rule, verdict in verdicts.items() if verdict == "fail"}
    errors = {rule for rule, verdict in verdicts.items() if verdict == "error"}
    assert errors == ({"sampling-reached"} if expected == "error" else set()), outcome.output
    if name == "speaks-nonsense":
        assert failed > set(expected)
    else:
        assert failed == (expected if isinstance(expected, set) else set()), outcome.output
    for text in texts:
        assert text in outcome.output


def test_all_tools_at_once_are_judged_like_one_by_one(pytester: pytest.Pytester) -> None:
    """But for what only shows in the order of the calls: what is known of models when hints are tried."""
    one_by_one, at_once = (
        judged(pytester, name).verdicts(NEWEST, None) for name in ("looks-around", "calls-all-at-once")
    )
    differing = {rule for rule in one_by_one if one_by_one[rule] != at_once[rule]}
    assert all(rule.startswith("preferences/") for rule in differing), differing
