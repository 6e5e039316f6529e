"""Clients that hang, die, flood and call as they please: the run ends in time, says what was, and leaves no process."""

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
from broken_clients import BROKEN

SCRIPT = Path(__file__).parent.parent / "fixtures" / "broken_clients.py"
NEWEST = "2025-11-25"
TIMEOUT = 2
MARK = "BROKEN_CLIENT_RUN"

#: what must come out ("error", "clean", or the rules that must fail), and what the output must say
EXPECTED: dict[str, tuple[str | set[str], list[str]]] = {
    "exits-with-words": ("error", ["started no server: it ended with exit code 1", "stderr:\n  No key, no model."]),
    "stays-silent": ("error", ["started no server: it was given 6 s", "stderr:\n  I am thinking."]),
    "starts-and-hangs": ("error", ["sent no initialize: it was given 3 s", "its stderr is empty"]),
    "floods-with-garbage": ("error", ["sent no initialize", "it wrote: garbage garbage"]),
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


@dataclass(frozen=True)
class Outcome:
    mark: str
    output: str
    verdicts: dict[str, str]  #: by rule, in the newest revision


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """A run of pytest for each of the clients; side by side, for they mostly wait."""
    folder = tmp_path_factory.mktemp("broken")

    def run(name: str) -> Outcome:
        mark, report = f"{name}-{uuid.uuid4().hex}", folder / f"{name}.json"
        command = [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider", "-p", "no:asyncio"]
        command += ["--mcp-client", f"{sys.executable} -S {SCRIPT} {name} {{server}}", "--mcp-env", f"{MARK}={mark}"]
        command += ["--mcp-timeout", str(TIMEOUT), "--mcp-report", str(report), "--mcp-spec-version", NEWEST]
        command += ["--mcp-spec-version", "2025-06-18"] if name == "rejects-older" else []
        command.append("--mcp-examples=2")  # enough to see that a search comes to its end
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, cwd=folder, check=False)
        found = json.loads(report.read_text() or '{"results": []}')["results"]
        verdicts = {r["rule"]: r["verdict"] for r in found if r["revision"] in (NEWEST, None)}
        return Outcome(mark, done.stdout + done.stderr, verdicts)

    slow_first = sorted(BROKEN, key=lambda name: name != "hangs-while-sampling")
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(slow_first, pool.map(run, slow_first), strict=True))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_client(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    expected, texts = EXPECTED[name]
    failed = {rule for rule, verdict in outcome.verdicts.items() if verdict == "fail"}
    errors = {rule for rule, verdict in outcome.verdicts.items() if verdict == "error"}
    assert outcome.verdicts, outcome.output
    assert errors == ({"sampling-reached"} if expected == "error" else set()), outcome.output
    if name == "speaks-nonsense":
        assert failed > set(expected)
    else:
        assert failed == (expected if isinstance(expected, set) else set()), outcome.output
    for text in texts:
        assert text in outcome.output
    for text in ("INTERNALERROR", "Traceback", "mcp_sampling_conformance/", "bug in the harness", "\x1b", "\0"):
        assert text not in outcome.output
    # A process that was killed may take a moment to go.
    marked = [process for process in psutil.process_iter() if _mark(process) == outcome.mark]
    assert psutil.wait_procs(marked, timeout=10)[1] == []


def test_all_tools_at_once_are_judged_like_one_by_one(outcomes: dict[str, Outcome]) -> None:
    """But for what only shows in the order of the calls: what is known of models when hints are tried."""
    one_by_one, at_once = outcomes["looks-around"].verdicts, outcomes["calls-all-at-once"].verdicts
    differing = {rule for rule in one_by_one if one_by_one[rule] != at_once[rule]}
    assert all(rule.startswith("preferences/") for rule in differing), differing


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None
