"""Whether the same system gets the same verdicts in every run, on an idle machine and on a busy one.

``python tests/benchmarks/stability.py`` judges the reference server and client, three mutants that make the harness
wait, and where the Python SDK is installed a server and a client written with it, 20 times each (``--times N``): with
nothing else to do first, then with every core busy. It prints what differed, and fails if anything did. ``--only NAME``
takes one of the programs (repeatable), ``--small`` the reference client once, in one revision, with one core busy, to
see that this works.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
#: what is judged: its name, the option, the program, and whether it needs the SDK
PROGRAMS: Mapping[str, tuple[str, str, bool]] = {
    "reference-server": ("--mcp-server", "reference_server.py", False),
    "reference-client": ("--mcp-client", "reference_client.py", False),
    "hanging-server": ("--mcp-server", "server_mutants.py hangs-on-image", False),
    "outliving-server": ("--mcp-server", "server_mutants.py outlives-its-input", False),
    "cancelled-client": ("--mcp-client", "client_mutants.py answers-cancelled", False),
    "sdk-server": ("--mcp-server", "sdk_server.py", True),
    "sdk-client": ("--mcp-client", "sdk_client.py", True),
}
REFERENCES = ("reference-server", "reference-client")
#: as a user types them; all but the two references are judged in the newest revision of each era, and the mutant that
#: hangs is waited for less, so that it does not take all day
OPTIONS = ("-q", "-p", "no:cacheprovider")
NEWEST = ("--mcp-spec-version", "newest")
SMALL = ("--mcp-spec-version", "2025-11-25", "--mcp-examples", "0")
SHORT = {
    **dict.fromkeys(PROGRAMS, NEWEST),
    **dict.fromkeys(REFERENCES, ()),
    "hanging-server": (*NEWEST, "--mcp-timeout", "3"),
}
#: how long one run may take, in seconds; no verdict hangs on it
MOST = 1200

#: a rule in a revision
Item = tuple[str, str]
#: by rule and revision
Verdicts = Mapping[Item, str]


def verdicts(name: str, options: Sequence[str]) -> Verdicts:
    """Judge a program once."""
    option, program, sdk = PROGRAMS[name]
    script, *arguments = program.split()
    command = [sys.executable, *([] if sdk else ["-S"]), str(FIXTURES / script), *arguments]
    command += ["{server}"] if option == "--mcp-client" else []
    ours = [option, " ".join(command), *OPTIONS, *SHORT.get(name, ()), *options]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "mcp-sampling", *ours, "--mcp-report", str(report)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=MOST,
            check=False,
        )
        results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return {(result["rule"], result["revision"] or "any"): result["verdict"] for result in results}


def differences(runs: Sequence[Verdicts]) -> Iterator[str]:
    """What is not the same in all runs, a line for each rule and the verdicts it got, with the revisions."""
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for item in sorted({item for run in runs for item in run}):
        count = Counter(run.get(item, "missing") for run in runs)
        if len(count) > 1:
            rule, revision = item
            alike[rule, ", ".join(f"{verdict} {times}" for verdict, times in count.most_common())].append(revision)
    for (rule, said), revisions in alike.items():
        yield f"{rule} in {', '.join(revisions)}: {said}"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but that, for as long as this one lives."""
    code = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
    started = [subprocess.Popen([sys.executable, "-S", "-c", code]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def summed(run: Verdicts) -> str:
    return ", ".join(f"{times} {verdict}" for verdict, times in Counter(run.values()).most_common())


def judge_all(names: Sequence[str], times: int, options: Sequence[str], load: int) -> bool:
    """Judge programs so many times each, idle and beside ``load`` busy processes, and print what differs; whether
    nothing did."""
    runs: defaultdict[str, list[Verdicts]] = defaultdict(list)
    for state, processes in (("idle", 0), ("busy", load)):
        with busy(processes):
            for name in names:
                began = time.monotonic()
                runs[name] += [verdicts(name, options) for _ in range(times)]
                each = (time.monotonic() - began) / times
                print(f"{name}, {state}: {times} runs, {each:.1f} s each: {summed(runs[name][-1])}", flush=True)
    same = True
    for name in names:
        for line in differences(runs[name]):
            same = False
            print(f"{name}: {line}")
    print("No verdict differs." if same else "Verdicts differ.")
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge the same programs again and again, and compare the verdicts.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", action="append", choices=PROGRAMS)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    installed = [name for name, (_, _, sdk) in PROGRAMS.items() if not sdk or find_spec("mcp")]
    if given.small:
        sys.exit(not judge_all(["reference-client"], 1, SMALL, load=1))
    sys.exit(not judge_all(given.only or installed, given.times, (), load=os.cpu_count() or 2))


if __name__ == "__main__":
    main()
