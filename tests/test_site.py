"""A site of several reports: the matrix, what changed, badges; and what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_html import NASTY, Page

from mcp_sampling_conformance.cli import main
from mcp_sampling_conformance.judging.facts import SystemFacts
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.judging.status import SamplingStatus
from mcp_sampling_conformance.report.json_report import json_report
from mcp_sampling_conformance.report.run_report import Provenance, RunReport, Target
from mcp_sampling_conformance.report.saved import read_report
from mcp_sampling_conformance.report.site import badge, named, site

OLD, NEW = "2025-11-25", "2026-07-28"


def report(
    name: str, verdicts: dict[str, Verdict], *, day: int = 1, works: bool = True, role: str = "server"
) -> RunReport:
    """A report on ``name`` with these verdicts, by ``rule@revision``."""
    told = {"message": "why", "url": "https://example.com", "statement": "It holds."}
    results = [
        Result(rule, role, "MUST", revision, "stdio", verdict, **told, details=("a → b",))
        for item, verdict in verdicts.items()
        for rule, revision in [item.split("@")]
    ]
    statuses = [SamplingStatus(OLD, "legacy", works, "")]
    made = Provenance(datetime(2026, 11, day, tzinfo=UTC), {}, 10, 0)
    return RunReport(
        Target(role, name, "stdio"), statuses, results, [], system=SystemFacts(name, "1.0"), provenance=made
    )


FIRST = {f"id/a@{OLD}": Verdict.PASS, f"id/b@{OLD}": Verdict.FAIL, f"id/b@{NEW}": Verdict.NOT_OBSERVED}
LATER = {f"id/a@{OLD}": Verdict.FAIL, f"id/b@{OLD}": Verdict.PASS, f"id/b@{NEW}": Verdict.PASS}


def saved(folder: Path, name: str, content: RunReport) -> str:
    path = folder / f"{name}.json"
    path.write_text(json_report(content), encoding="utf-8")
    return str(path)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    whole = report("one", FIRST)
    assert read_report(Path(saved(tmp_path, "one", whole))) == whole


def test_a_site_of_several_implementations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [
        saved(tmp_path, "new run", report("one", LATER, day=2)),
        saved(tmp_path, "old", report("one", FIRST)),
        saved(tmp_path, "two", report("two", FIRST, works=False)),
        saved(tmp_path, "three", report("three", FIRST, role="client")),
    ]
    assert main(["report", *paths, "-o", str(tmp_path / "site" / "deep")]) == 0
    folder = Path(capsys.readouterr().out.strip()).parent
    index = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert "3 implementations" in index.text
    headings = "".join(index.content["h2"])
    assert "servers" in headings
    assert "clients" in headings
    for cell in ("id/a@2025-11-25", "id/b@2026-07-28"):
        assert index.all("a", href=f"new-run.html#{cell}")
    assert not index.all("a", href=f"old.html#id/a@{OLD}")
    for attributes in index.all("a"):
        name, _, id = (attributes["href"] or "").partition("#")
        page = Page((folder / name).read_text(encoding="utf-8"))
        assert not id or id in page.ids
    changes = Page((folder / "new-run.changes.html").read_text(encoding="utf-8")).text
    for line in ("Newly broken: 1", "Fixed: 1", "Newly observed: 1", "No longer observed: 0"):
        assert line in changes
    assert "a → b" in (folder / "old.html").read_text(encoding="utf-8")
    assert 'aria-label="MCP sampling server: does not work"' in (folder / "two.svg").read_text(encoding="utf-8")
    assert json.loads((folder / "three.badge.json").read_text(encoding="utf-8"))["message"] == "1 broken"


def test_badges() -> None:
    runs = named({Path("a.json"): report("a", {f"id/a@{OLD}": Verdict.PASS}), Path("b.json"): report("b", FIRST)})
    assert [badge(run)["message"] for run in runs] == ["conforms", "1 broken"]


def test_names_are_unique_and_fit_for_an_address() -> None:
    paths = [Path("a b<>.json"), Path("x/a-b.json"), Path("index.json"), Path("….json")]
    names = [run.name for run in named({path: report("a", FIRST) for path in paths})]
    assert names == ["a-b", "a-b-2", "index-2", "report"]


def test_nothing_from_outside_is_more_than_text() -> None:
    hostile = report(NASTY, FIRST)
    hostile = replace(hostile, results=[replace(each, message=NASTY, rule=f"id/{NASTY}") for each in hostile.results])
    older = replace(hostile, provenance=Provenance(datetime(2026, 10, 1, tzinfo=UTC), {}, 0, 0), results=[])
    for name, text in site(named({Path("a.json"): hostile, Path("b.json"): older})).items():
        if name.endswith(".json"):
            continue
        page = Page(text)
        assert len(page.all("script")) <= 1
        assert not page.all("img")
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no report of ours"),
        ('{"results": []}', "is no report of ours"),
        ('{"schema": 2, "results": []}', "is of schema 2, and 1 is read here"),
        ('{"schema": 1, "results": []}', "is damaged (KeyError"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_read_is_said(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as exit:
        main(["report", str(path), "-o", str(tmp_path / "site")])
    assert exit.value.code == 4
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "site").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site").touch()
    with pytest.raises(SystemExit):
        main(["report", saved(tmp_path, "a", report("a", FIRST)), "-o", str(tmp_path / "site")])
    assert "cannot be written to" in capsys.readouterr().err
