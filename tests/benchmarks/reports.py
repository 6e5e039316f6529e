"""What the reports of a large run cost.

``python tests/benchmarks/reports.py`` makes a run of 705 results with 2 MB of transcripts in them, and prints for each
format the seconds and the size of its report; ``--small`` makes a run of a tenth, to see that this still works.
"""

from __future__ import annotations

import json
import sys
import time

from mcp_sampling_conformance.judging.excerpt import Excerpt, ShownMessage
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import NAMES
from mcp_sampling_conformance.report.formats import FORMATS
from mcp_sampling_conformance.report.run_report import RunReport, Target

RULES = 141
#: a rule of so many is broken
OF = 7
#: characters of each message around a violation
MESSAGE = 2_500


def result(number: int, revision: str) -> Result:
    """One of so many results, broken with the exchange that shows it, or not."""
    told = {"message": "it is so", "url": "https://example.com", "statement": "It holds."}
    given = (f"id/rule-{number}", "server", "MUST", revision, "stdio")
    if number % OF:
        return Result(*given, Verdict.PASS, **told)
    text = json.dumps({"id": number, "params": {"messages": ["x" * (MESSAGE // 10)] * 10}})
    items = tuple(ShownMessage(index, index / 10, "server", "stdout", text, "", len(text)) for index in range(8))
    excerpt = Excerpt("a", "b", items, 3, ("params", "messages", 4))
    return Result(*given, Verdict.FAIL, **told, excerpt=excerpt)


def main() -> None:
    rules = RULES // 10 if sys.argv[1:] == ["--small"] else RULES
    results = [result(number, revision) for number in range(rules) for revision in NAMES]
    report = RunReport(Target("server", "python server.py", "stdio"), [], results, [])
    for suffix, write in FORMATS.items():
        began = time.perf_counter()
        text = write(report)
        seconds = time.perf_counter() - began
        print(f"{suffix}: {len(results)} results in {seconds:.2f} s, {len(text.encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
