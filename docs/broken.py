"""What breaks each rule: one mutant for each, with what it is told.

`PYTHONPATH=tests:fixtures python docs/broken.py` writes `broken.json` anew. The mutants are those of the kill matrices,
so this needs what the tests need (`pip install -e '.[test]'`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import anyio
import client_mutants
import http_clients
import http_mutants
import server_mutants
import test_client_kill_matrix as clients
import test_http_clients
import test_http_servers
import test_mappers
import test_server_kill_matrix as servers
from in_process import client_in_process, server_in_process
from kill_matrix import broken_by, python
from mutation import NEWEST, Mutant

from mcp_sampling_conformance.mappers import Mapper
from mcp_sampling_conformance.rules.registry import all_rules
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

#: seconds that an answer is waited for; nothing here is slow
TIMEOUT = 2.0
#: characters of what is said about a mapper; some of it quotes a whole output
LONGEST = 300
Provoke = Callable[[str, "Mutant", Conditions], Run]


def server(name: str, mutant: Mutant, conditions: Conditions) -> Run:
    process = Command(python("server_mutants.py", name))
    command = process if mutant.process else server_in_process(mutant.program)
    return servers.run(command, [*mutant.beside, mutant.revision], servers.NAMED, conditions)


def client(name: str, mutant: Mutant, conditions: Conditions) -> Run:
    return clients.run(client_in_process(mutant.program), [mutant.revision], conditions)


def http_server(name: str, mutant: Mutant, conditions: Conditions) -> Run:
    target = test_http_servers.over_http("http_mutants.py", name)
    return anyio.run(servers.provoke, target, [mutant.revision], servers.NAMED, conditions)


def http_client(name: str, mutant: Mutant, conditions: Conditions) -> Run:
    return anyio.run(test_http_clients.run, name, [mutant.revision], conditions)


#: where mutants are, of which side, over which transport, and how one is run; in the order in which they are preferred
SOURCES: tuple[tuple[str, dict[str, Mutant], Side, str, Provoke], ...] = (
    ("server_mutants.py", server_mutants.MUTANTS, Side.SERVER, "stdio", server),
    ("client_mutants.py", client_mutants.MUTANTS, Side.CLIENT, "stdio", client),
    ("http_mutants.py", http_mutants.MUTANTS, Side.SERVER, "http", http_server),
    ("http_clients.py", http_clients.MUTANTS, Side.CLIENT, "http", http_client),
)


def examples() -> Iterator[dict[str, str]]:
    """For each rule and side one mutant and what is said about it, in the order of the rules."""
    done = set()
    for rule in all_rules():
        for side in sorted(rule.binds):
            if (rule.name, side) in done:
                continue
            done.add((rule.name, side))
            found = [
                (len(mutant.breaks), mutant.revision != NEWEST, source, name)
                for source, (_, mutants, of, *_) in enumerate(SOURCES)
                if of is side
                for name, mutant in mutants.items()
                if rule.name in mutant.breaks
            ]
            if found:
                *_, source, name = min(found, key=lambda each: each[:3])
                yield example(rule.name, source, name)


def example(rule: str, source: int, name: str) -> dict[str, str]:
    script, mutants, side, transport, provoke = SOURCES[source]
    mutant = mutants[name]
    with tempfile.TemporaryDirectory() as folder:
        broken = broken_by(partial(provoke, name, mutant), side, TIMEOUT, Path(folder), transport)
    return {
        "rule": rule,
        "role": side.value,
        "script": script,
        "mutant": name,
        "revision": mutant.revision,
        "message": broken[rule],
    }


def mapper_examples() -> Iterator[dict[str, str]]:
    """The same for the properties of mappers: the first mapper in the tests that breaks it, and what is said."""
    done = set()
    for name, mapper, expected in mappers():
        if expected <= done:
            continue
        for broken, why in test_mappers.broken_properties(mapper).items():
            if broken not in done:
                done.add(broken)
                message = str(why).splitlines()[0]
                message = message if len(message) <= LONGEST else f"{message[:LONGEST]} …"
                yield {"rule": f"mapper/{broken}", "role": "mapper", "mutant": name, "message": message}


def mappers() -> Iterator[tuple[str, Mapper, set[str]]]:
    """Each broken mapper of the tests, with its name and the properties that it breaks."""
    for name, (function, expected) in test_mappers.BROKEN.items():
        yield name, Mapper(function), expected
    for name, (function, expected) in test_mappers.BROKEN_WITH_PARAMS.items():
        yield name, Mapper(function, takes="params"), expected
    inverse = test_mappers.without("isError")
    yield "has an inverse that loses isError", Mapper(lambda messages: messages, inverse=inverse), {"round-trip"}


if __name__ == "__main__":
    found = [*examples(), *mapper_examples()]
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("broken.json").write_text(text, encoding="utf-8")
