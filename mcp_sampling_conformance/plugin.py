"""The pytest plugin's door: options, marker, and nothing else until a system under test is named.

Everything heavy is imported only then; without our options this module costs its own import.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .pytest_plugin.ids import ROOT, asked_for, paths_given, place

if TYPE_CHECKING:
    from .testing import ClientFixture, ServerFixture, Workshop

#: option, what it takes (``None``: a flag), whether it repeats, help. The ini key is the option with underscores.
OPTIONS: tuple[tuple[str, str | None, bool, str], ...] = (
    (
        "--mcp-server",
        "TARGET",
        False,
        "the MCP server to judge: a command line (split like a shell does), a URL, or module:attribute in this process",
    ),
    ("--mcp-transport", "KIND", False, "how a server is spoken to: stdio, http or sse (default: as its target says)"),
    ("--mcp-url", "URL", False, "where a server given by its command will listen; {port} becomes a free port"),
    ("--mcp-header", "NAME: VALUE", True, "a header for a server over HTTP, such as a token"),
    (
        "--mcp-client",
        "COMMAND",
        False,
        "the MCP client to judge: a command line; {server} in it becomes our server's, {url} our endpoint",
    ),
    (
        "--mcp-client-tools",
        "one|all",
        False,
        "how many tools the client is shown at each start (default: all, and one where it calls no others)",
    ),
    ("--mcp-callback", "MODULE:NAME", False, "a sampling callback of the Python SDK to judge, in this process"),
    ("--mcp-mapper", "MODULE:NAME", False, "a mapper of sampling messages to judge: a function, or a mappers.Mapper"),
    ("--mcp-transcript", "PATH", True, "saved transcripts to judge, a file or a folder, in place of a living system"),
    ("--mcp-side", "SIDE", False, "which side of transcripts that are not ours to judge: client or server"),
    ("--mcp-tool", "NAME[=JSON]", True, "a tool to call, with its arguments, to make the server sample"),
    ("--mcp-prompt", "NAME[=JSON]", True, "a prompt to get to make the server sample"),
    ("--mcp-resource", "URI", True, "a resource to read to make the server sample"),
    (
        "--mcp-spec-version",
        "REV",
        True,
        "judge only this revision of MCP; newest: the newest spoken of each era (default: all that are spoken)",
    ),
    ("--mcp-timeout", "SECONDS", False, "how long any one answer may take (default: 10)"),
    ("--mcp-start-timeout", "SECONDS", False, "how long a start of the system under test may take (default: 30)"),
    ("--mcp-max-time", "SECONDS", False, "how long the whole run may take (default: 600)"),
    (
        "--mcp-examples",
        "N",
        False,
        "generated exchanges of each sort and revision, 0 for none (default: 10; for a mapper 50 inputs a property)",
    ),
    ("--mcp-strict", None, False, "a SHOULD that is broken fails the run too"),
    (
        "--mcp-baseline",
        "FILE",
        False,
        "a YAML file of known failures: a new one fails the run, and one that does not come any more",
    ),
    ("--mcp-baseline-update", None, False, "write what fails now into the file of --mcp-baseline"),
    ("--mcp-report", "FILE", True, "write the results; the suffix chooses the format: .json, .md or .html"),
    (
        "--mcp-summary",
        None,
        False,
        "in GitHub Actions: add the results to the summary of the step, and annotate the failures",
    ),
    ("--mcp-record", "DIR", False, "save what crosses each connection as a transcript in this folder"),
    ("--mcp-env", "NAME=VALUE", True, "an environment variable for the system under test"),
    ("--mcp-model", "NAME", True, "a model that the client is known to have, for the rules about hints"),
    ("--mcp-cwd", "DIR", False, "the working directory of the system under test"),
)
LIST_RULES = "--mcp-list-rules"
#: an option of Hypothesis' own plugin
SEED = "--hypothesis-seed"
#: the name under which the hooks of a run are registered
SESSION = "mcp-sampling-conformance-session"
#: the options that switch us on
SUBJECTS = ("--mcp-server", "--mcp-client", "--mcp-callback", "--mcp-mapper", "--mcp-transcript")
#: where the defaults of options and ini keys that another plugin had registered before us are kept
_FOREIGN_DEFAULTS = pytest.StashKey[dict[str, Any]]()
#: the options and ini keys that another plugin has too
_SHARED = pytest.StashKey[set[str]]()
#: in the item of a user's test, what made its fixture clients and servers
_WORKSHOP = pytest.StashKey[Any]()


def ini_key(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Register the options after every plugin and conftest had its turn.

    Other MCP plugins have a ``--mcp-server`` or ``--mcp-timeout`` too. Registered this late, ours make none of them
    fail; an option that exists by now is shared.
    """
    try:
        return (yield)
    finally:
        # Given is given, also where it is what the other plugin would take anyway.
        given = {arg.split("=")[0] for arg in args}
        foreign = _register(parser)
        early_config.stash[_SHARED] = set(foreign)
        early_config.stash[_FOREIGN_DEFAULTS] = {o: foreign[o] for o in foreign.keys() - given}


def _register(parser: pytest.Parser) -> dict[str, Any]:
    known = {
        name: option
        for group in {id(g): g for g in (*parser._groups, parser._anonymous)}.values()
        for option in group.options
        for name in option.names()
    }
    group = parser.getgroup("mcp sampling conformance")
    foreign = {}
    for option, metavar, repeats, text in OPTIONS:
        key = ini_key(option)
        if option in known:
            foreign[option] = getattr(known[option], "default", None)
        elif metavar is None:
            group.addoption(option, dest=_dest(option), action="store_const", const=True, default=None, help=text)
        else:
            action = "append" if repeats else "store"
            group.addoption(option, dest=_dest(option), action=action, default=None, metavar=metavar, help=text)
        if key in parser._inidict:
            foreign[key] = parser._inidict[key][-1]
        else:
            kind: Any = "bool" if metavar is None else "linelist" if repeats else "string"
            parser.addini(key, f"default of {option}", type=kind, default=None)
    group.addoption(
        LIST_RULES, dest=_dest(LIST_RULES), action="store_true", default=False, help="print the rules and exit"
    )
    return foreign


def _dest(option: str) -> str:
    return ini_key(option).replace("mcp_", "mcp_sampling_", 1)


def option_value(config: pytest.Config, option: str) -> Any:
    """What the user gave for an option, on the command line or else in the ini file; ``None`` for nothing."""
    value = _on_command_line(config, option)
    if value is not None:
        return value
    value = config.getini(ini_key(option))
    return None if value == config.stash[_FOREIGN_DEFAULTS].get(ini_key(option)) else value or None


def _on_command_line(config: pytest.Config, option: str) -> Any:
    value = config.getoption(option, None)
    return None if value == config.stash[_FOREIGN_DEFAULTS].get(option) else value


def _options(config: pytest.Config) -> dict[str, Any]:
    """Everything that was given, by option. A system under test on the command line takes the place of any other."""
    options = {option: option_value(config, option) for option, *_ in OPTIONS}
    if any(_on_command_line(config, option) is not None for option in SUBJECTS):
        options |= {option: _on_command_line(config, option) for option in SUBJECTS}
    return {**options, SEED: config.getoption(SEED, None)}


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if config.getoption(LIST_RULES, False):
        from .report.rules_list import print_rules

        print_rules()
        return 0
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mcp_conformance: a rule of MCP sampling, judged on the system under test")
    if _FOREIGN_DEFAULTS not in config.stash:
        return
    asked = asked_for(config)
    if not any(option_value(config, option) is not None for option in SUBJECTS):
        if asked and not place(config).exists():
            raise pytest.UsageError(f"{ROOT}: say what to judge, with {', '.join(SUBJECTS[:-1])} or {SUBJECTS[-1]}")
        return
    if asked or _means_us(config):
        _begin(config, asked)


def _means_us(config: pytest.Config) -> bool:
    """Whether a system under test is named to be judged by us, though nobody asked for our items.

    Whoever runs some tests of their own runs those, whatever the ini file says of us, or an option that another plugin
    has too and these tests may be for.
    """
    named = {option for option in SUBJECTS if _on_command_line(config, option) is not None}
    shared: set[str] = config.stash[_SHARED]
    return bool(named - shared) or not paths_given(config)


def _begin(config: pytest.Config, asked: dict[str, str]) -> None:
    """Take the items that are asked for out of the paths, where pytest would look for files, and begin a run."""
    from .pytest_plugin.session import ConformanceSession
    from .pytest_plugin.settings import read_settings
    from .report.printable import printable_lines

    try:
        settings = read_settings(_options(config))
    except pytest.UsageError as error:  # it may quote what is no text of ours, such as the error of an import
        raise pytest.UsageError(printable_lines(str(error))) from None
    if not place(config).exists():
        config.args = [arg for arg in config.args if arg not in asked]
    config.pluginmanager.register(ConformanceSession(config, settings, asked.values()), SESSION)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when == "call" and _WORKSHOP in item.stash:
        report.sections += item.stash[_WORKSHOP].sections()
    return report


@pytest.fixture
def _mcp_sampling_workshop(request: pytest.FixtureRequest) -> Iterator[Workshop]:
    from anyio.from_thread import start_blocking_portal

    from .pytest_plugin.fixture_targets import FixtureTargets
    from .testing import Workshop

    with start_blocking_portal() as portal:
        workshop = request.node.stash[_WORKSHOP] = Workshop(portal, FixtureTargets(_options(request.config)))
        yield workshop
        workshop.close()


@pytest.fixture
def mcp_sampling_client(_mcp_sampling_workshop: Workshop) -> ClientFixture:
    """Connect a client that answers sampling with your script to a server: see ``testing.Workshop.client``."""
    return _mcp_sampling_workshop.client


@pytest.fixture
def mcp_sampling_server(_mcp_sampling_workshop: Workshop) -> ServerFixture:
    """Ask a client or a callback for sampling with requests of yours: see ``testing.Workshop.server``."""
    return _mcp_sampling_workshop.server
