"""The command ``mcp-sampling-conformance``: what it makes of its words, and what it shows."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_sampling_conformance import __version__, cli
from mcp_sampling_conformance.plugin import OPTIONS, SUBJECTS
from mcp_sampling_conformance.protocol.revisions import NAMES
from mcp_sampling_conformance.report.rules_list import FORMATS, SIDES, TOPICS, listed_rules

NAMED = [option for option, *_ in OPTIONS]
COMMANDS = [subject.removeprefix("--mcp-") for subject in SUBJECTS]
#: a judgement of the fast sort
MAPPER = ("--spec-version", "2025-11-25", "--examples", "3")
SECONDS = 60  #: bounds a start of Python

Words = Callable[..., list[str]]


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Words:
    """The words that pytest is given for a command line."""

    def words(*argv: str) -> list[str]:
        given: list[list[str]] = []
        monkeypatch.setattr(pytest, "main", lambda words, plugins: given.append(words) or pytest.ExitCode.OK)
        assert cli.main(argv) == 0
        return given[0]

    return words


@pytest.fixture
def neighbourhood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, in which every habit of pytest leads to a failure."""
    (tmp_path / "conftest.py").write_text("raise RuntimeError('a conftest')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --of-the-ini\n")
    (tmp_path / "test_own.py").write_text("raise RuntimeError('a test')")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--of-the-environment")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- what becomes of the words


@pytest.mark.parametrize(
    ("argv", "expected"),
    {
        "a server": (["server", "python s.py"], ["--mcp-server=python s.py"]),
        "a client": (["client", "c {server}"], ["--mcp-client=c {server}"]),
        "a callback": (["callback", "a.b:c"], ["--mcp-callback=a.b:c"]),
        "a mapper": (["mapper", "a.b:c", "--examples", "7"], ["--mcp-mapper=a.b:c", "--mcp-examples=7"]),
        "transcripts": (["transcript", "a", "b/c"], ["--mcp-transcript=a", "--mcp-transcript=b/c"]),
        "a flag": (["server", "s", "--strict"], ["--mcp-server=s", "--mcp-strict"]),
        "repeated": (
            ["server", "s", "--tool", 'a={"b": "--c"}', "--tool=d", "--report", "r.json"],
            ["--mcp-server=s", '--mcp-tool=a={"b": "--c"}', "--mcp-tool=d", "--mcp-report=r.json"],
        ),
        "with the prefix": (["server", "--mcp-timeout=3", "s"], ["--mcp-server=s", "--mcp-timeout=3"]),
        "nothing": (["server", "s", "--timeout", ""], ["--mcp-server=s", "--mcp-timeout="]),
    }.values(),
)
def test_options_become_those_of_the_plugin(words: Words, argv: list[str], expected: list[str]) -> None:
    given = words(*argv)
    assert given[given.index("mcp-sampling") + 1 :] == expected


def test_what_comes_after_two_dashes_is_for_pytest(words: Words) -> None:
    given = words("server", "s", "--strict", "--", "-k", "max-tokens", "--mcp-timeout=3", "--", "x")
    assert given[-5:] == ["-k", "max-tokens", "--mcp-timeout=3", "--", "x"]


def test_an_id_takes_the_place_of_all_items(words: Words) -> None:
    id = "mcp-sampling::server::2025-11-25::max-tokens/integer"
    given = words("server", "s", "--", id)
    assert given[-2:] == ["--mcp-server=s", id]
    assert "mcp-sampling" not in given


def test_other_plugins_are_there_for_those_who_have_words_for_pytest(words: Words) -> None:
    assert "no:xdist" in words("server", "s")
    assert "no:mcp_sampling_conformance" not in words("server", "s")
    assert "no:xdist" not in words("server", "s", "--", "-n2")


def test_ids_do_not_mean_what_has_the_name_of_our_items(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"--rootdir={tmp_path}" in words("server", "s")
    (tmp_path / "mcp-sampling").mkdir()
    assert f"--rootdir={tmp_path}" not in words("server", "s")


def test_each_option_makes_sense_for_some_command() -> None:
    assert {*cli._ONLY_FOR} <= {*NAMED} - {*SUBJECTS}
    assert {command for commands in cli._ONLY_FOR.values() for command in commands} <= {*COMMANDS}


# --- what is wrong


@pytest.mark.parametrize(
    ("argv", "told"),
    {
        "nothing": ([], "the following arguments are required: COMMAND"),
        "a command that is none": (["judge"], "invalid choice: 'judge'"),
        "no target": (["server"], "the following arguments are required: TARGET"),
        "no paths": (["transcript", "--strict"], "the following arguments are required: PATH"),
        "without quotes": (["server", "python", "s.py"], "'s.py' is not understood here (a command of several words"),
        "no such option": (["server", "s", "--tols=a"], "'--tols=a' is not understood here"),
        "an option of others": (["mapper", "a:b", "--tool", "c"], "'--tool' is not understood here"),
        "an option cut short": (["server", "s", "--time=3"], "'--time=3' is not understood here"),
        "an option without a value": (["server", "s", "--tool"], "argument --tool: expected one argument"),
        "a topic": (["rules", "--topic", "tokens"], "there is no topic 'tokens' (known are capability, role"),
        "a side": (["rules", "--side", "host"], "there is no side 'host' (known are client, server, mapper)"),
        "a revision": (["rules", "--revision", "2025"], "there is no revision '2025' (known are 2024-11-05"),
        "a format": (["rules", "--format", "html"], "there is no format 'html' (known are text, md, json)"),
        "rules by pytest": (["rules", "--", "-v"], "'-v' is for pytest, which lists no rules"),
    }.values(),
)
def test_one_sentence_says_what_is_wrong(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == pytest.ExitCode.USAGE_ERROR
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("mcp-sampling-conformance")
    assert told in line
    assert line.endswith(" --help")
    assert out == ""


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["server", "no-such-program"], "ERROR: --mcp-server: there is no command 'no-such-program'"),
        (["transcript", "no-such-file"], "ERROR: --mcp-transcript: "),
        (["mapper", "json:loads", "--examples", "many"], "ERROR: --mcp-examples: 'many' is no number"),
    ],
)
def test_what_the_plugin_refuses_is_a_sentence_too(
    argv: list[str], told: str, neighbourhood: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == pytest.ExitCode.USAGE_ERROR
    out, err = capsys.readouterr()
    assert err.startswith(told)
    assert out == ""
    assert "Traceback" not in err


# --- what is judged


def test_a_judgement_knows_nothing_of_the_tests_around_it(
    neighbourhood: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["mapper", "mappers:to_provider", *MAPPER, "--report", "r.json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.lstrip().startswith("=")
    assert " passed" in out.splitlines()[-1]
    report = json.loads((neighbourhood / "r.json").read_text(encoding="utf-8"))
    assert report["target"] == {"kind": "mapper", "value": "mappers:to_provider", "transport": "memory"}
    assert report["summary"]["pass"] > 10
    assert {path.name for path in neighbourhood.iterdir()} >= {"r.json", "conftest.py"}


def test_one_rule_alone_and_what_fails_has_its_id(neighbourhood: Path, capsys: pytest.CaptureFixture[str]) -> None:
    id = "mcp-sampling::mapper::2025-11-25::mapper/conservation-of-text"
    assert cli.main(["mapper", "mappers:first_block_only", *MAPPER, "--", id, "-p", "no:asyncio"]) == 1
    out, _ = capsys.readouterr()
    assert f" {id} " in out
    assert f"\nFAILED {id}" in out
    assert out.splitlines()[-1].startswith("1 failed in")
    assert "session starts" not in out


# --- what is told


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mcp-sampling-conformance {__version__}\n"


@pytest.mark.parametrize("command", [*COMMANDS, "rules", None])
def test_help_tells_the_exit_codes(command: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*([command] if command else []), "--help"])
    assert ended.value.code == 0
    help = capsys.readouterr().out
    assert help.startswith(f"usage: mcp-sampling-conformance {command or 'COMMAND'} ")
    for code in range(6):
        assert f"\n  {code}  " in help


def test_a_command_has_the_options_that_make_sense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["transcript", "--help"])
    help = capsys.readouterr().out
    assert "--side SIDE" in help
    assert "--report FILE" in help
    assert "--timeout" not in help
    assert "--tool" not in help


def test_the_command_is_installed_and_is_what_the_module_runs() -> None:
    project = Path(__file__).parent.parent / "pyproject.toml"
    scripts = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"mcp-sampling-conformance": "mcp_sampling_conformance.cli:main"}
    command = [sys.executable, "-m", "mcp_sampling_conformance", "--version"]
    assert subprocess.check_output(command, text=True, timeout=SECONDS).endswith(f" {__version__}\n")


# --- the rules


def rules(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(["rules", *argv]) == 0
    return capsys.readouterr().out


def test_rules_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    text = rules(capsys)
    assert "\nmax-tokens/integer  (server; MUST from 2024-11-05)\n    The value of " in text
    assert "\nhuman in the loop: " in text.replace("    ", "")
    assert "maxTokens" not in rules(capsys, "--topic", "role")


def test_rules_of_one_revision_have_its_levels_and_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    text = rules(capsys, "--revision", "2025-03-26", "--side", "server")
    assert "capability/undeclared-not-used  (server; SHOULD in 2025-03-26)\n" in text
    assert "specification/2025-03-26/" in text
    assert "specification/2026-07-28/" not in text
    assert "input-required/" not in text


def test_rules_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(rules(capsys, "--format", "json", "--topic", "capability", "--side", "server"))
    rule = next(rule for rule in found["rules"] if rule["rule"] == "capability/undeclared-not-used")
    assert rule["levels"] == {name: "SHOULD" if name < "2025-06-18" else "MUST" for name in NAMES}
    assert rule["sides"] == ["server"]
    assert rule["statement"].startswith("A server sends no sampling request")
    assert {rule["topic"] for rule in found["rules"]} == {"capability"}


def test_rules_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    text = rules(capsys, "--format", "md")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:-1] == [*TOPICS]
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert len(rows) == len(listed_rules())
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("revision", [None, NAMES[0]])
def test_every_side_has_rules(side: str, revision: str | None) -> None:
    found = listed_rules(side=side, revision=revision)
    assert found
    assert all(side in rule.sides and rule.url and rule.binding for rule in found)
    assert revision is None or all([*rule.levels] == [revision] for rule in found)


@pytest.mark.parametrize("format", FORMATS)
def test_there_may_be_no_such_rules(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "maxTokens" not in rules(capsys, "--topic", "max-tokens", "--side", "mapper", "--format", format)
