"""The pages that are made when the site is built tell all there is, and the report is as its schema says."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import client_mutants
import http_clients
import http_mutants
import pytest
import server_mutants
from jsonschema import Draft202012Validator

from mcp_sampling_conformance.mappers import PROPERTIES
from mcp_sampling_conformance.plugin import OPTIONS
from mcp_sampling_conformance.rules.registry import NOT_JUDGED, all_rules

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SERVER = f"{sys.executable} -S {ROOT}/fixtures/server_mutants.py max-tokens-string"
MUTANTS: dict[str, Any] = {
    "server_mutants.py": server_mutants.MUTANTS,
    "client_mutants.py": client_mutants.MUTANTS,
    "http_mutants.py": http_mutants.MUTANTS,
    "http_clients.py": http_clients.MUTANTS,
}


def generator() -> ModuleType:
    """The hook of MkDocs, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


def test_every_rule_has_its_level_its_source_and_an_example() -> None:
    pages = GENERATE.pages()
    broken = {(example["rule"], example["role"]): example["message"] for example in GENERATE.examples()}
    for rule in all_rules():
        page = pages[f"rules/{rule.topic}.md"]
        assert f"## {rule.name} {{ #" in page
        assert rule.statement in page
        assert f"({rule.topic}.md#{rule.name.split('/')[1]}" in pages["rules/index.md"]
        for side in rule.binds:
            assert f"```text\n{broken[rule.name, side.value]}\n```" in page
    for prop in PROPERTIES:
        assert prop.statement in pages["rules/mapper.md"]
        assert broken[prop.name, "mapper"] in pages["rules/mapper.md"]
    assert all(why in pages["rules/index.md"] for why in NOT_JUDGED.values())


def test_the_examples_are_mutants_that_break_the_rule() -> None:
    """Where this fails, ``docs/broken.py`` writes them anew (see its first lines)."""
    for example in GENERATE.examples():
        if example["role"] != "mapper":
            assert example["rule"] in MUTANTS[example["script"]][example["mutant"]].breaks


def test_every_option_is_in_the_table() -> None:
    table = GENERATE.options_table()
    assert all(f"| `{option}" in table and text in table for option, _, _, text in OPTIONS)
    assert GENERATE.OPTIONS_HERE in (DOCS / "options.md").read_text(encoding="utf-8")


# --- the JSON report

SCHEMA = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))


def test_a_real_report_is_as_the_schema_says(pytester: pytest.Pytester) -> None:
    options = ("--mcp-server", SERVER, "--mcp-spec-version", "2025-11-25", "--mcp-examples", "0")
    pytester.runpytest_inprocess("-p", "no:asyncio", "mcp-sampling", *options, "--mcp-report", "r.json")
    report = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))
    assert report["summary"]["fail"] == 1
    Draft202012Validator.check_schema(SCHEMA)
    for document in (report, {**report, "partial": "the run was interrupted (SIGTERM)"}):
        Draft202012Validator(SCHEMA).validate(document)
        assert [*undescribed(document, SCHEMA)] == []
    assert not Draft202012Validator(SCHEMA).is_valid({**report, "results": [{"rule": "max-tokens/integer"}]})


def undescribed(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """Members of a value that the schema lets pass, for more may come, but does not describe."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(value, dict) and "properties" in schema:  # else its names are free
        for key, member in value.items():
            if key in schema["properties"]:
                yield from undescribed(member, schema["properties"][key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(value, list):
        for element in value:
            yield from undescribed(element, schema["items"], f"{path}[]")
