"""What is told of the end of a process: of a long stack trace the lines that name the error, not the last ones."""

from __future__ import annotations

import pytest

from mcp_sampling_conformance.transports.last_words import MOST_LINES, reason, useful_end


def many(frame: str, count: int = 40) -> list[str]:
    """Frames of a platform, of a line or two: each with its number in place of a #."""
    return [line.replace("#", str(number)) for number in range(count) for line in frame.split("\n")]


JAVA = [
    "12:00:01.234 [main] INFO  com.acme.Server - ready",
    'Exception in thread "worker-1" java.lang.IllegalStateException: the tool could not be run',
    "\tat com.acme.tools.Ask.run(Ask.java:31)",
    *many("\tat org.springframework.web.Filter#.doFilter(Filter.java:#)"),
    "Caused by: com.acme.NoAnswer: the client gave none",
    "\tat com.acme.sampling.Sampler.sample(Sampler.java:77)",
    "\tat com.acme.tools.Ask.run(Ask.java:29)",
    "\t... 38 common frames omitted",
    "Caused by: java.util.concurrent.TimeoutException: Did not observe any item within 20000ms",
    *many("\tat reactor.core.publisher.Flux#.onNext(Flux.java:#)"),
    "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
    "\t... 8 more",
]
PYTHON = [
    "Traceback (most recent call last):",
    *many('  File "/usr/lib/python3.12/asyncio/run#.py", line #, in run\n    return runner.run(main)'),
    '  File "/home/me/weather/model.py", line 12, in complete',
    "    return reply['content']['text']",
    "           ~~~~~^^^^^^^^^^^",
    "KeyError: 'content'",
    "",
    "The above exception was the direct cause of the following exception:",
    "",
    "Traceback (most recent call last):",
    '  File "/home/me/weather/server.py", line 40, in ask',
    "    complete(question)",
    *many('  File "/venv/lib/python3.12/site-packages/mcp/server/part#.py", line #, in call\n    await fn()'),
    "weather.errors.NoAnswer: the client's answer could not be read",
]
GROUP = [
    "  + Exception Group Traceback (most recent call last):",
    *many('  |   File "/venv/lib/python3.12/site-packages/anyio/part#.py", line #, in run\n  |     await fn()'),
    "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
    "  +-+---------------- 1 ----------------",
    "    | Traceback (most recent call last):",
    '    |   File "/home/me/weather/server.py", line 40, in ask',
    "    |     complete(question)",
    "    | ValueError: no such city",
    "    +------------------------------------",
]
NODE = [
    "file:///home/me/weather/dist/index.js:40",
    "    throw new Error('no answer', { cause });",
    "          ^",
    "",
    "Error: no answer",
    "    at ask (file:///home/me/weather/dist/index.js:40:11)",
    *many("    at Server.step# (file:///home/me/weather/node_modules/@modelcontextprotocol/sdk/dist/server.js:#:9)"),
    "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5) {",
    "  [cause]: TypeError: Cannot read properties of undefined (reading 'text')",
    "      at complete (file:///home/me/weather/dist/model.js:12:30)",
    *many("      at step# (node:internal/step:#:1)"),
    "}",
    "",
    "Node.js v22.11.0",
]
GO = [
    "panic: runtime error: invalid memory address or nil pointer dereference",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x6f1e2a]",
    "",
    "goroutine 34 [running]:",
    "runtime.gopanic({0x1, 0x2})",
    "\t/usr/local/go/src/runtime/panic.go:785 +0x132",
    "main.complete(0xc000112000)",
    "\t/home/me/weather/model.go:12 +0x2a",
    *many("github.com/mark3labs/mcp-go/server.step#()\n\t/root/go/pkg/mod/github.com/mark3labs/mcp-go/s.go:# +0x1d"),
    "created by main.main in goroutine 1",
    "\t/home/me/weather/main.go:20 +0x9f",
    *many("goroutine # [IO wait]:\ninternal/poll.wait()\n\t/usr/local/go/src/internal/poll/fd.go:84 +0x27"),
    "exit status 2",
]
RUST = [
    "thread 'tokio-runtime-worker' panicked at src/model.rs:12:41:",
    "called `Option::unwrap()` on a `None` value",
    "stack backtrace:",
    *many("   #: core::panicking::step\n             at /rustc/0a1b2c/library/core/src/panicking.rs:#:14"),
    "  40: weather::model::complete",
    "             at ./src/model.rs:12:41",
    *many("  5#: tokio::runtime::step\n             at /root/.cargo/registry/src/tokio-1.41/src/task.rs:#:9"),
    "note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.",
]
DOTNET = [
    "Unhandled exception. System.InvalidOperationException: no answer",
    " ---> System.TimeoutException: The operation has timed out.",
    *many("   at System.Threading.Tasks.Step#.Run() in /_/src/Step.cs:line #"),
    "   at Weather.Model.Complete(String question) in /home/me/Model.cs:line 12",
    "   --- End of inner exception stack trace ---",
    *many("   at ModelContextProtocol.Server.Step#.Run()"),
]

#: lines that are told, in order, and the reason
TRACES: dict[str, tuple[list[str], list[str], str]] = {
    "java": (
        JAVA,
        [JAVA[1], JAVA[2], "Caused by: com.acme.NoAnswer: the client gave none", "\tat com.acme.sampling.Sampler"
         ".sample(Sampler.java:77)", "Caused by: java.util.concurrent.TimeoutException: Did not observe any item "
         "within 20000ms"],
        "Caused by: java.util.concurrent.TimeoutException: Did not observe any item within 20000ms",
    ),
    "python": (
        PYTHON,
        ['  File "/home/me/weather/model.py", line 12, in complete', "    return reply['content']['text']",
         "KeyError: 'content'", '  File "/home/me/weather/server.py", line 40, in ask', PYTHON[-1]],
        PYTHON[-1],
    ),
    "python-group": (
        GROUP,
        ["  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
         '    |   File "/home/me/weather/server.py", line 40, in ask', "    | ValueError: no such city"],
        "| ValueError: no such city",
    ),
    "node": (
        NODE,
        ["Error: no answer", NODE[5], "  [cause]: TypeError: Cannot read properties of undefined (reading 'text')",
         "      at complete (file:///home/me/weather/dist/model.js:12:30)"],
        "[cause]: TypeError: Cannot read properties of undefined (reading 'text')",
    ),
    "go": (
        GO,
        [GO[0], GO[1], "main.complete(0xc000112000)", "\t/home/me/weather/model.go:12 +0x2a", "exit status 2"],
        f"{GO[0]} {GO[1]}",
    ),
    "rust": (
        RUST,
        [RUST[0], RUST[1], "  40: weather::model::complete", "             at ./src/model.rs:12:41"],
        f"{RUST[0]} {RUST[1]}",
    ),
    "dotnet": (
        DOTNET,
        [DOTNET[0], DOTNET[1], "   at Weather.Model.Complete(String question) in /home/me/Model.cs:line 12"],
        DOTNET[1].strip(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_told_by_what_it_names(name: str) -> None:
    trace, wanted, why = TRACES[name]
    told = useful_end("\n".join(trace))
    assert len(told) <= MOST_LINES
    assert [line for line in told if line in wanted] == wanted
    assert not [line for line in told if "8 more" in line or "omitted" in line.partition("note")[0]]
    assert reason("\n".join(trace)) == why
    assert reason("\n".join(told)) == why


@pytest.mark.parametrize("name", TRACES)
def test_frames_of_platforms_are_not_told(name: str) -> None:
    told = useful_end("\n".join(TRACES[name][0]))
    foreign = ("org.spring", "reactor.", "site-packages", "/usr/lib", "node_modules", "/pkg/mod", ".cargo", "System.T")
    kept = [line for line in told if line.startswith((" ", "\t")) and any(mark in line for mark in foreign)]
    assert len([line for line in kept if "Exception" not in line]) <= 2


def test_what_is_no_trace_is_told_by_its_last_lines() -> None:
    lines = [f"step {number}" for number in range(100)]
    assert useful_end("\n".join(lines)) == lines[-MOST_LINES:]
    assert reason("\n".join(lines)) == "step 99"


def test_what_is_short_is_told_whole() -> None:
    assert useful_end("one\n\nERROR two\n") == ["one", "ERROR two"]
    assert (useful_end(""), reason("")) == ([], "")


def test_what_came_after_a_trace_is_told_too() -> None:
    told = useful_end("\n".join([*JAVA, "12:00:09 INFO com.acme.Server - stopped"]))
    assert told[-1] == "12:00:09 INFO com.acme.Server - stopped"
    assert any("TimeoutException" in line for line in told)


def test_a_trace_that_comes_again_and_again_is_told_once() -> None:
    told = useful_end("\n".join(JAVA * 5))
    assert len([line for line in told if "TimeoutException" in line]) == 1
