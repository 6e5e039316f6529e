"""How fast content is generated, against what the official schema alone gives.

``python tests/benchmarks/strategies.py SCHEMA.json`` generates params and results of 2025-11-25 with our strategies, as
JSON and as models, and with hypothesis_jsonschema from that revision's schema, each for some seconds, and prints the
examples per second of processor time. (Of the SDK's models Hypothesis makes nothing by itself: it has none for Any.)
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from mcp_sampling_conformance import strategies

REVISION = "2025-11-25"
SECONDS = 10
Values = st.SearchStrategy[Any]


class Enough(Exception):
    """Time is up."""


def rate(make: Callable[[], Values]) -> float:
    """Examples per second of processor time, without what it takes to make the strategy."""
    values, count = make(), 0
    ends = time.process_time() + SECONDS

    @settings(
        max_examples=2000,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def run(value: Any) -> None:
        nonlocal count
        count += 1
        if time.process_time() > ends:
            raise Enough

    began = time.process_time()
    with suppress(Enough):
        run()
    return count / (time.process_time() - began)


def main(argv: Sequence[str]) -> None:
    warnings.simplefilter("ignore")
    definitions = json.loads(Path(argv[0]).read_text(encoding="utf-8"))["$defs"]

    def official(name: str) -> Values:
        return from_schema({"$defs": definitions, "$ref": f"#/$defs/{name}"})

    ways: dict[str, Callable[[], Values]] = {
        "params": lambda: strategies.create_message_params(revision=REVISION),
        "params as models": lambda: strategies.create_message_params(revision=REVISION, as_model=True),
        "params from the schema": lambda: official("CreateMessageRequestParams"),
        "results": lambda: strategies.create_message_results(revision=REVISION),
        "results as models": lambda: strategies.create_message_results(revision=REVISION, as_model=True),
        "results from the schema": lambda: official("CreateMessageResult"),
    }
    for name, make in ways.items():
        print(f"{name}: {rate(make):.1f}/s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
