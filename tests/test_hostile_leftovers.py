"""Systems that try to outlive a run, to hold up its end, or to spoil its report; and runs that are interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile import Outcome, clean, judge, sound, started
from hostile_leftovers import CLIENTS, HTTP_SERVERS, SERVERS

from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS, Revision
from mcp_sampling_conformance.pytest_plugin.interruption import Interruption
from mcp_sampling_conformance.report import files
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated, Patience
from mcp_sampling_conformance.subjects import peer
from mcp_sampling_conformance.subjects.peer import PeerSubject
from mcp_sampling_conformance.subjects.subject import REACHED, RunTerms
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side

FIXTURE = Path(__file__).parent.parent / "fixtures" / "hostile_leftovers.py"
ONE = ("--mcp-spec-version", "2025-11-25", "--mcp-examples", "0", "--mcp-timeout", "0.5", "--mcp-start-timeout", "5")
ASK = ("--mcp-tool", "ask")
#: what the output says of a system
SAYS = {
    "leaves-daemon": ["speaks none of the revisions asked for", "out of order"],
    "leaves-daemon-and-exits": ["it ended (exit code 0) before it answered initialize"],
    "leaves-daemon-that-holds-its-pipes": ["speaks none of the revisions asked for"],
    "leaves-daemon-at-every-call": ["2025-11-25: works"],
    "ignores-signals": ["speaks none of the revisions asked for"],
    "moves-out": ["speaks none of the revisions asked for"],
    "stops-itself": ["speaks none of the revisions asked for"],
    "comes-back": ["speaks none of the revisions asked for"],
    "kills-its-parent": ["it ended (exit code -9) before it answered initialize"],
    "ends-with-odd-words": [r"\xff\xfe\x00 no text half of a pair \xed\xa0\xbd, the other"],
    "refuses-with-surrogates": ["speaks none of the revisions asked for", "half of a pair \\ud83d, the other"],
    "speaks-in-surrogates": ['must be "user" or "assistant", but is "half of a pair \\ud83d,'],
    "goes-into-the-background": [],  # it may be up before it is seen that it went
    "leaves-its-port-to-a-daemon": ["it was to listen at http://127.0.0.1:", "it has to stay in the foreground"],
    "works-and-leaves-daemon": ["2025-11-25: works"],
    "never-ends": ["the client did not end by itself, and was ended"],
    "takes-the-folder-away": ["the client started no server: it ended with exit code 0"],
    "answers-in-surrogates": ['must be "user" or "assistant", but is "half of a pair \\ud83d,'],
    "connects-and-leaves-daemon": ["it connected and called 0 of "],
}


def options(name: str) -> list[str]:
    """What makes a fixture the system under test."""
    command = f"{sys.executable} -S {FIXTURE} {name}"
    if name in SERVERS:
        return ["--mcp-server", command, *ASK]
    if name in HTTP_SERVERS:
        url = ("--mcp-transport", "http", "--mcp-url", "http://127.0.0.1:{port}/mcp")
        return ["--mcp-server", f"{command} {{port}}", *url, *ASK]
    return ["--mcp-client", command + (" {server}" if name in CLIENTS else " {url}")]


@pytest.mark.parametrize("name", SAYS)
def test_leaves_nothing(name: str, tmp_path: Path) -> None:
    outcome = judge(tmp_path, *options(name), *ONE)
    sound(outcome)
    for text in SAYS[name]:
        assert text in outcome.text


# --- runs that are interrupted


def interrupted(tmp_path: Path, name: str, number: signal.Signals, *more: str) -> Outcome:
    """A run on a system that hangs for as long as it is let, and gets a signal then."""
    with started(tmp_path, *options(name), *ONE, "--mcp-timeout", "60", *more) as run:
        run.until_file("called")
        run.signal(number)
        return run.ended(60)


def partial(outcome: Outcome, number: signal.Signals) -> None:
    """Assert that what was found out is told, and that the rest is not passed off as such."""
    reason = f"the run was interrupted ({number.name})"
    assert outcome.exit == pytest.ExitCode.INTERRUPTED
    assert outcome.report["partial"] == reason, outcome.text
    assert f"PARTIAL: {reason}" in outcome.text
    assert "2025-11-25: " in outcome.text  # the table is there
    sound_but_for_its_exit(outcome)
    counts = outcome.report["summary"]
    assert counts["pass"] > 1
    assert counts["fail"] == counts["warn"] == 0, outcome.text
    reasons = [each["message"] for each in outcome.report["results"] if each["verdict"] == "not-observed"]
    assert f"it did not come to that: {reason}" in reasons


def sound_but_for_its_exit(outcome: Outcome) -> None:
    sound(replace(outcome, exit=1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_tells_what_it_found(tmp_path: Path, number: signal.Signals) -> None:
    partial(interrupted(tmp_path, "hangs-in-a-call", number), number)


@pytest.mark.parametrize("name", ["listens-and-hangs-in-a-call", "hangs-in-sampling"])
def test_other_interrupted_systems(tmp_path: Path, name: str) -> None:
    partial(interrupted(tmp_path, name, signal.SIGTERM), signal.SIGTERM)


def test_an_interrupted_run_with_workers(tmp_path: Path) -> None:
    outcome = interrupted(tmp_path, "hangs-in-a-call", signal.SIGTERM, "-n", "2")
    assert "crashed" not in outcome.text
    assert outcome.report["partial"].startswith("the run was interrupted")
    assert outcome.exit == pytest.ExitCode.INTERRUPTED
    sound_but_for_its_exit(outcome)


def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    """Not even the report of an earlier run, which would look like its own."""
    (tmp_path / "r.json").write_text('{"results": []}')
    outcome = interrupted(tmp_path, "hangs-in-a-call", signal.SIGKILL)
    assert outcome.exit == -signal.SIGKILL
    assert outcome.report is None
    clean(outcome)


def test_a_killed_run_of_a_client_leaves_nothing(tmp_path: Path) -> None:
    clean(interrupted(tmp_path, "hangs-in-sampling", signal.SIGKILL))


def taking(*, in_worker: bool = False) -> Interruption:
    interruption = Interruption(patient=True, in_worker=in_worker)
    interruption.take([signal.SIGHUP])
    return interruption


@pytest.fixture
def _default_handler() -> Iterator[None]:
    """Nobody takes SIGHUP, whatever the tests run under."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_default_handler")
def test_a_second_signal_ends_at_once() -> None:
    interruption = taking()
    signal.raise_signal(signal.SIGHUP)
    assert interruption.reason == "the run was interrupted (SIGHUP)"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGHUP)
    interruption.give_back()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("_default_handler")
def test_a_worker_is_signalled_twice_when_a_terminal_signals_all() -> None:
    interruption = taking(in_worker=True)
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)
    interruption.give_back()


@pytest.mark.usefixtures("_default_handler")
@pytest.mark.parametrize("own", [signal.SIG_IGN, lambda number, frame: None])
def test_a_signal_that_is_taken_is_left_alone(own: Any) -> None:
    """``nohup`` ignores one; a user's conftest may take some."""
    signal.signal(signal.SIGHUP, own)
    interruption = taking()
    assert signal.getsignal(signal.SIGHUP) is own
    interruption.give_back()
    assert signal.getsignal(signal.SIGHUP) is own


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None: ...

    def show(self) -> None: ...

    def clear(self) -> None: ...


@pytest.mark.parametrize("why", ["the run was interrupted (SIGTERM)", ""])
def test_what_blocks_our_event_loop_does_not_hold_us_up(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback can, which runs in this process; no budget of the event loop's own would end that."""
    monkeypatch.setattr(peer, "_END", 0.1)
    released = threading.Event()

    async def provoke(revisions: Sequence[Revision], conditions: Conditions) -> Run:
        released.wait()
        raise AssertionError("nobody waits for this any more")

    patience = Patience(timeout=60, start_timeout=60, max_time=60 if why else 0.1)
    subject = PeerSubject("callback", Side.CLIENT, "x", "memory", provoke, patience, False, Generated(0, 0))
    revision = REVISIONS["2025-11-25"]
    judgement = subject.judge(RunTerms([revision], False, Mask(), Silent(), lambda: why))
    released.set()
    reason = why or "the run took longer than 0.1 s (--mcp-max-time)"
    assert judgement.ended_early == f"{reason}, while the callback under test held up the harness"
    assert judgement.result("role/result-role", revision).verdict is Verdict.NOT_OBSERVED
    assert judgement.result(REACHED, None).verdict is Verdict.ERROR


# --- reports


def test_a_report_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "full.json").symlink_to("/dev/full")
    reports = [word for name in ("gone/a.json", "full.json", "taken.json") for word in ("--mcp-report", name)]
    outcome = judge(tmp_path, *options("spoils-reports"), *ONE, *reports)
    sound(outcome)
    assert outcome.report["summary"]["fail"] == 0
    assert outcome.exit == pytest.ExitCode.TESTS_FAILED
    for name, why in (
        ("gone/a.json", "No such file or directory"),
        ("full.json", "No space left on device"),
        ("taken.json", "Is a directory"),
    ):
        assert f"The report could not be written to {name}: {why}." in outcome.text
    assert "Report: r.json" in outcome.text
    assert not list(tmp_path.glob(".*"))


def test_surrogates_pass_from_workers(tmp_path: Path) -> None:
    outcome = judge(tmp_path, *options("speaks-in-surrogates"), *ONE, "-n", "1", "-rs", "--junitxml", "junit.xml")
    sound(outcome)
    assert "half of a pair \\ud83d" in (tmp_path / "junit.xml").read_text()


def test_a_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Through a link, too, and with nothing left beside it."""
    (tmp_path / "real.json").write_text("old")
    path = tmp_path / "report.json"
    path.symlink_to("real.json")
    files.check(path)
    files.write(path, "new \ud800")
    assert path.is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new \\ud800"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["real.json", "report.json"]
    files.remove_old(path)
    assert not path.exists()
