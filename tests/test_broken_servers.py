"""Servers that hang, flood, crash and lie: each run ends in time, says what happened, and leaves no process."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from broken_servers import BROKEN

SCRIPT = Path(__file__).parent.parent / "fixtures" / "broken_servers.py"
TIMEOUT = 2
NEVER_ANSWERED = f"it did not answer initialize within {TIMEOUT} s (--mcp-timeout)"

#: the outcome that pytest must count, and what the output must say
#: (whether a flood is noticed or the time is over first depends on the machine)
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "exits-at-once": ("error", ["it ended (exit code 0) before it answered initialize", "its stderr is empty"]),
    "dies-with-words": ("error", ["it ended (exit code 1) before", "  line 49\n  No database, no service."]),
    "stays-silent": ("error", [NEVER_ANSWERED, "the last lines of its stderr:\n  I am thinking."]),
    "never-reads": ("error", [NEVER_ANSWERED]),
    "talks-garbage": ("error", [NEVER_ANSWERED, "its stdout began with: Listening on port 80", "\\x00\\x1b[2J{"]),
    "floods-with-garbage": (
        "error",
        ["bytes to stdout, until the harness ended it, before", "began with: garbage garbage"],
    ),
    "floods-without-newline": ("error", ["bytes to stdout, until the harness ended it, before"]),
    "floods-with-notifications": ("error", []),
    "floods-with-pings": ("error", []),
    "closes-stdout": ("error", ["it closed its stdout before it answered initialize"]),
    "initialize-fails": ("failed", ["speaks none of the revisions", "error", "out of order"]),
    "initialize-speaks-the-unknown": ("failed", ["speaks none of the revisions", "negotiated 1999-01-01 instead"]),
    "initialize-without-revision": ("error", ["it answered initialize without a protocolVersion: {"]),
    "initialize-with-text": ("error", ["it answered initialize without a protocolVersion: {", '"welcome"']),
    "initialize-with-odd-revision": ("error", ["it answered initialize without a protocolVersion: {"]),
    "survives-signals": ("warned", ["liveness/exits-on-close ("]),
    "leaves-children": ("passed", []),
    "dies-while-sampling": ("failed", ["the process ended (exit code 1)", "The model is gone."]),
    "floods-when-called": ("failed", ["DOES NOT WORK", "  tool ask: "]),
    "samples-and-never-reads": ("failed", ["got no answer within"]),
    "speaks-nonsense": ("failed", ["framing", "parameters"]),
}


@dataclass(frozen=True)
class Outcome:
    mark: str
    output: str
    summary: dict[str, int]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """A run of pytest for each of the servers; side by side, for they mostly wait."""
    folder = tmp_path_factory.mktemp("broken")

    def run(name: str) -> Outcome:
        mark = f"{name}-{uuid.uuid4().hex}"
        report = folder / f"{name}.json"
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:asyncio"]
        server = f"{sys.executable} -S {SCRIPT} {name} {mark}"
        command += ["--mcp-server", server, "--mcp-timeout", str(TIMEOUT), "--mcp-spec-version", "2025-11-25"]
        command.append("--mcp-examples=2")  # enough to see that a search comes to its end
        # Where tools are listed, the nonsensical ones among them are what is to be tested.
        command += ["--mcp-report", str(report)] + ([] if name == "speaks-nonsense" else ["--mcp-tool", "ask"])
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
        text = report.read_text() or '{"summary": {}}'
        return Outcome(mark, done.stdout + done.stderr, json.loads(text)["summary"])

    slowest_first = list(reversed(BROKEN))
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(slowest_first, pool.map(run, slowest_first), strict=True))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_server(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    expected, texts = EXPECTED[name]
    key = {"error": "error", "failed": "fail", "warned": "warn", "passed": "pass"}[expected]
    assert outcome.summary.get(key, 0) > 0, outcome.output
    assert outcome.summary["error"] == (expected == "error"), outcome.output
    for text in texts:
        assert text in outcome.output
    for text in ("INTERNALERROR", "Traceback", "mcp_sampling_conformance/", "bug in the harness", "\x1b", "\0"):
        assert text not in outcome.output
    marked = [process for process in psutil.process_iter() if outcome.mark in _command_line(process)]
    # A process that was killed may take a moment to go.
    assert psutil.wait_procs(marked, timeout=10)[1] == []


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
