"""Servers that hang, flood, crash and lie: each run ends in time, says what happened, and leaves no process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from broken_servers import BROKEN
from runs import judge, sound

from mcp_sampling_conformance.transcript import transcript

SCRIPT = Path(__file__).parent.parent / "fixtures" / "broken_servers.py"
TIMEOUT = 2
NEVER_ANSWERED = f"it did not answer initialize within {TIMEOUT} s (--mcp-start-timeout)"

#: the verdict that there must be, and what the output must say
#: (whether a flood is noticed or the time is over first depends on the machine)
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "exits-at-once": ("error", ["it ended (exit code 0) before it answered initialize", "its stderr is empty"]),
    "dies-with-words": ("error", ["it ended (exit code 1) before", "  line 49\n  No database, no service."]),
    "stays-silent": ("error", [NEVER_ANSWERED, "the last lines of its stderr:\n  I am thinking."]),
    "never-reads": ("error", [NEVER_ANSWERED]),
    "talks-garbage": ("error", [NEVER_ANSWERED, "its stdout began with: Listening on port 80", "\\x00\\x1b[2J{"]),
    "floods-with-garbage": (
        "error",
        ["(more than 67,108,864 bytes on one connection) before", "began with: garbage garbage"],
    ),
    "floods-without-newline": (
        "error",
        ["it was cut off by the harness (more than 16,777,216 bytes in one line) before"],
    ),
    "floods-with-notifications": ("error", []),
    "floods-with-pings": ("error", []),
    "closes-stdout": ("error", ["it closed its stdout before it answered initialize"]),
    "initialize-fails": ("fail", ["speaks none of the revisions", "error", "out of order"]),
    "initialize-speaks-the-unknown": ("fail", ["speaks none of the revisions", "negotiated 1999-01-01 instead"]),
    "initialize-without-revision": ("error", ["it answered initialize without a protocolVersion: {"]),
    "initialize-with-text": ("error", ["it answered initialize without a protocolVersion: {", '"welcome"']),
    "initialize-with-odd-revision": ("error", ["it answered initialize without a protocolVersion: {"]),
    "survives-signals": ("warn", ["liveness/exits-on-close ("]),
    "leaves-children": ("pass", []),
    "dies-while-sampling": ("fail", ["the process ended (exit code 1)", "The model is gone."]),
    "floods-when-called": ("error", ["could not be judged", "  tool ask: "]),
    "samples-and-never-reads": ("fail", ["got no answer within"]),
    "speaks-nonsense": ("fail", ["framing", "parameters"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_server(pytester: pytest.Pytester, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Floods of small messages are cut off ten times sooner than they would be, which makes no other difference.
    monkeypatch.setattr(transcript, "CONNECTION_ITEMS", transcript.CONNECTION_ITEMS // 10)
    options = ["--mcp-server", f"{sys.executable} -S {SCRIPT} {name}", "--mcp-timeout", str(TIMEOUT)]
    options += ["--mcp-start-timeout", str(TIMEOUT)]
    options += ["--mcp-spec-version", "2025-11-25", "--mcp-examples=2"]  # enough to see that a search comes to its end
    # Where tools are listed, the nonsensical ones among them are what is to be tested.
    options += [] if name == "speaks-nonsense" else ["--mcp-tool", "ask"]
    outcome = judge(pytester, *options)
    sound(outcome)
    expected, texts = EXPECTED[name]
    assert outcome.rules(expected), outcome.output
    assert bool(outcome.rules("error")) == (expected == "error"), outcome.output
    for text in texts:
        assert text in outcome.output
