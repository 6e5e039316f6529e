"""How fast content is generated, against what the official schema or the SDK's models alone give.

``HYPOTHESIS_NO_PLUGINS=1 python tests/benchmarks/strategies.py --schema SCHEMA.json`` generates params, results and
conversations of 2025-11-25 with our strategies, as JSON and as models; with hypothesis_jsonschema (to be installed for
that) from that revision's schema, where it is given; and with ``st.from_type`` from the SDK's models, which without
plugins has no help of ours. Each has some seconds of processor time, with ``--small`` a moment; the examples per second
are printed.

By itself ``st.from_type`` makes none of these models: it has nothing for ``Any``, and does not see the aliases of
required members. So it is helped: told each member's type, with plain JSON values where the type is ``Any``, and with
the range that most of the numbers have.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import mcp.types
from annotated_types import Interval
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mcp_sampling_conformance import strategies

REVISION = "2025-11-25"
SECONDS, MOMENT = 10.0, 0.2
Values = st.SearchStrategy[Any]


class Enough(Exception):
    """Time is up."""


def rate(make: Callable[[], Values], seconds: float) -> float:
    """Examples per second, in so many of processor time, without what it takes to make the strategy."""
    values, count = make(), 0
    ends = time.process_time() + seconds

    @settings(
        max_examples=5000,
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


def known(hint: Any) -> Any:
    """A type that Hypothesis can make: that of a member, without ``Any`` and with help for the models in it."""
    if hint is Any:
        return bool | int | str | None
    if hint is float:
        return Annotated[float, Interval(ge=0, le=1)]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        help_with(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if not arguments or origin is Literal:
        return hint
    if origin in (Union, types.UnionType):
        return reduce(or_, map(known, arguments))
    return origin[tuple(map(known, arguments))]


_helped: set[type[BaseModel]] = set()


def help_with(model: type[BaseModel]) -> None:
    if model not in _helped:
        _helped.add(model)
        hints = get_type_hints(model)
        members = {f.alias or name: st.from_type(known(hints[name])) for name, f in model.model_fields.items()}
        st.register_type_strategy(model, st.builds(model, **members))


def outcome(values: Values) -> str:
    """What becomes of the first example."""
    try:
        given(values)(lambda value: None)()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "works"


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="How fast content is generated.")
    parser.add_argument("--schema", type=Path, help="the official schema.json of 2025-11-25")
    parser.add_argument("--small", action="store_true", help="a moment each")
    given_options = parser.parse_args(argv)
    if "HYPOTHESIS_NO_PLUGINS" not in os.environ:
        sys.exit("HYPOTHESIS_NO_PLUGINS must be set, or st.from_type would have our strategies")
    warnings.simplefilter("ignore")
    seconds = MOMENT if given_options.small else SECONDS
    sdk = {
        "params": mcp.types.CreateMessageRequestParams,
        "results": mcp.types.CreateMessageResultWithTools,
        "conversations": list[mcp.types.SamplingMessage],
    }
    for name, model in sdk.items():
        print(f"{name} from the models without help: {outcome(st.from_type(model))}", flush=True)
    ours = {
        "params": strategies.create_message_params,
        "results": strategies.create_message_results,
        "conversations": strategies.conversations,
    }
    official = from_the_schema(given_options.schema) if given_options.schema else {}
    for name in ours:
        ways: dict[str, Callable[[], Values]] = {
            "": lambda name=name: ours[name](revision=REVISION),
            "as models": lambda name=name: ours[name](revision=REVISION, as_model=True),
            "from the models, with help": lambda name=name: st.from_type(known(sdk[name])),
        }
        if name in official:
            from hypothesis_jsonschema import from_schema

            ways["from the schema"] = lambda name=name: from_schema(official[name])
        for way, make in ways.items():
            print(f"{name} {way}".rstrip() + f": {rate(make, seconds):.1f}/s", flush=True)


def from_the_schema(path: Path) -> dict[str, dict[str, Any]]:
    """What the official schema says of each."""
    definitions = {"$defs": json.loads(path.read_text(encoding="utf-8"))["$defs"]}
    return {
        "params": {**definitions, "$ref": "#/$defs/CreateMessageRequestParams"},
        "results": {**definitions, "$ref": "#/$defs/CreateMessageResult"},
        "conversations": {**definitions, "type": "array", "items": {"$ref": "#/$defs/SamplingMessage"}},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
