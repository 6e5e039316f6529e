"""The command ``mcp-sampling-conformance``: what the pytest plugin does, for people who do not use pytest."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest

from . import __version__
from .matrix import FILE as MATRIX_FILE
from .matrix import MatrixError, read_matrix
from .plugin import OPTIONS, SUBJECTS
from .protocol.revisions import NAMES
from .pytest_plugin.ids import ROOT
from .report import files

PROGRAM = "mcp-sampling-conformance"
#: what the options of the plugin begin with, and ours need not
_PREFIX = "--mcp-"
#: the commands that an option makes sense for; one that is not here makes sense for all that judge
_ONLY_FOR: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--mcp-transport", "--mcp-url", "--mcp-header"), ("server",)),
    **dict.fromkeys(("--mcp-tool", "--mcp-prompt", "--mcp-resource"), ("server",)),
    **dict.fromkeys(("--mcp-env", "--mcp-cwd", "--mcp-start-timeout"), ("server", "client")),
    **dict.fromkeys(("--mcp-max-time", "--mcp-record"), ("server", "client", "callback")),
    **dict.fromkeys(("--mcp-timeout", "--mcp-examples"), ("server", "client", "callback", "mapper")),
    "--mcp-client-tools": ("client",),
    "--mcp-model": ("client", "callback"),
    "--mcp-side": ("transcript",),
}
#: our entry point for pytest
_PLUGIN = "mcp_sampling_conformance"
#: how pytest is run: with our plugin, and without what is of use in tests only
_PYTEST = ("-p", _PLUGIN, "-p", "no:cacheprovider", "--noconftest", "--assert=plain", "--disable-warnings")
_EXIT_CODES = """\
exit codes:
  0  nothing that counts was broken: no MUST, with --strict no SHOULD either
  1  a rule was broken, sampling was never reached, the time was used up (--max-time),
     a known failure (--baseline) does not come any more, or a report could not be written
  2  the run was interrupted
  3  there is a bug in the harness
  4  something in the command line is wrong, and one sentence says what
  5  the options after -- left nothing to judge"""
_NOTES = f"""\
Each option may also begin with {_PREFIX}, as in the messages and the documentation of the pytest plugin.
What comes after -- is for pytest: -rs (why some rules were not judged), -k WORD, or the id above a failure.

{_EXIT_CODES}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, without the program's name, and return the exit code.

    Raises ``SystemExit`` after ``--help`` and ``--version``, and with 4 where something in the command line is wrong.
    """
    words = [*(sys.argv[1:] if argv is None else argv)]
    end = words.index("--") if "--" in words else len(words)
    ours = [f"--{word.removeprefix(_PREFIX)}" if word.startswith(_PREFIX) else word for word in words[:end]]
    parser = _parser()
    options, unknown = parser.parse_known_args(ours)
    if unknown:
        options.refuse(f"{unknown[0]!r} is not understood here (a command of several words goes in quotes)")
    options.further = words[end + 1 :]
    code: int = options.run(options)
    return code


# --- the command line


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong, and ends with the exit code that pytest has for that."""

    def error(self, message: str) -> NoReturn:
        self.exit(pytest.ExitCode.USAGE_ERROR, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND ... [options]",
        description="Tells whether an implementation of MCP sampling does what the specification says.",
        epilog=f"{PROGRAM} COMMAND --help shows the options of a command.\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", prog=PROGRAM, metavar="COMMAND", required=True)
    for option, metavar, repeats, text in OPTIONS:
        if option in SUBJECTS:
            _add_judge(commands, option, metavar or "", repeats, _plain(text))
    _add_rules(commands)
    _add_report(commands)
    _add_matrix(commands)
    return parser


def _add_judge(commands: Any, subject: str, metavar: str, repeats: bool, text: str) -> None:
    """Add the command that judges what an option of the plugin names, with the other options that it takes."""
    name = subject.removeprefix(_PREFIX)
    several = " ..." if repeats else ""
    command = _add_command(commands, name, f"{metavar}{several} [options] [-- options of pytest]", text)
    command.add_argument("target", metavar=metavar, nargs="+" if repeats else None, help=text)
    for option, takes, repeats, text in OPTIONS:
        if option in SUBJECTS or name not in _ONLY_FOR.get(option, (name,)):
            continue
        word, help = f"--{option.removeprefix(_PREFIX)}", _plain(text)
        if takes is None:
            command.add_argument(word, dest=option, action="store_const", const=True, help=help)
        elif repeats:
            command.add_argument(word, dest=option, action="append", metavar=takes, help=f"{help} (repeatable)")
        else:
            command.add_argument(word, dest=option, metavar=takes, help=help)
    command.set_defaults(run=_judge, subject=subject)


def _add_rules(commands: Any) -> None:
    command = _add_command(commands, "rules", "[options]", "list the rules, with their levels and sources")
    command.add_argument(
        "--topic", metavar="TOPIC", help="only those of this topic, which is the first part of their names"
    )
    command.add_argument("--side", metavar="SIDE", help="only those that bind this side: client, server or mapper")
    command.add_argument("--revision", metavar="REV", help="only those of this revision of MCP, as it has them")
    command.add_argument("--format", metavar="FORMAT", default="text", help="text, md or json (default: text)")
    command.set_defaults(run=_list_rules)


def _add_report(commands: Any) -> None:
    command = _add_command(
        commands,
        "report",
        "FILE.json ... -o DIR",
        "make a site of JSON reports: implementations side by side, what changed, badges",
    )
    command.add_argument("files", metavar="FILE.json", nargs="+", help="reports that --report FILE.json wrote")
    command.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder that the site goes into")
    command.set_defaults(run=_make_site)


def _add_matrix(commands: Any) -> None:
    command = _add_command(
        commands,
        "matrix",
        "[FILE] -o DIR [options] [-- options of pytest]",
        "judge several implementations, which a file names, and make the site of their reports",
    )
    command.add_argument("file", metavar="FILE", nargs="?", default=MATRIX_FILE, help=f"default: {MATRIX_FILE}")
    command.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder for the reports and the site")
    command.add_argument("--only", metavar="NAME", action="append", help="only this implementation (repeatable)")
    command.add_argument("-n", dest="workers", metavar="N", help="so many at a time (needs pytest-xdist)")
    command.set_defaults(run=_judge_matrix)


def _add_command(commands: Any, name: str, usage: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        usage=f"{PROGRAM} {name} {usage}",
        epilog=_EXIT_CODES if name in ("rules", "report", "matrix") else _NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(refuse=command.error)
    return command


def _plain(text: str) -> str:
    """A text as argparse wants it."""
    return text.replace("%", "%%")


# --- the commands


class _NoLetters:
    """A plugin of pytest: no letter for each rule, which tells nothing to people who do not know pytest."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        category, _, word = yield
        return category, "", word


def _judge(options: argparse.Namespace) -> int:
    """Run the items of the plugin, with nothing of what the user may have set up for tests of their own."""
    for variable in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(variable, None)
    further: list[str] = options.further
    items = [] if any(word.partition("::")[0] == ROOT for word in further) else [ROOT]
    others = [] if further else _no_other_plugins()  # which further words may be for
    # Ids begin where we are, unless something here has the name of our items.
    root = None if Path(ROOT).exists() else os.getcwd()
    quiet = ("-q", "-o", "console_output_style=classic")
    return _run_pytest([*quiet, *others, *items, *_given(options), *further], root, plugins=[_NoLetters()])


def _run_pytest(words: Sequence[str], root: str | None, plugins: Sequence[object] = ()) -> int:
    """Run pytest with an empty ini file, and the directory of that in place of a root."""
    with tempfile.TemporaryDirectory() as empty:
        ini = Path(empty, "pytest.ini")
        ini.touch()
        return int(pytest.main([*_PYTEST, "-c", str(ini), f"--rootdir={root or empty}", *words], plugins=[*plugins]))


def _no_other_plugins() -> Iterator[str]:
    """The words that keep pytest from loading the plugins that happen to be installed beside ours."""
    for plugin in entry_points(group="pytest11"):
        if plugin.name != _PLUGIN:
            yield from ("-p", f"no:{plugin.name}")


def _given(options: argparse.Namespace) -> Iterator[str]:
    """The options as the plugin has them."""
    given = vars(options)
    for option, value in (options.subject, options.target), *((option, given.get(option)) for option, *_ in OPTIONS):
        if value is True:
            yield option
        elif value is not None:
            yield from (f"{option}={one}" for one in (value if isinstance(value, list) else [value]))


def _list_rules(options: argparse.Namespace) -> int:
    from .report.rules_list import FORMATS, SIDES, TOPICS, rules_in  # imports Hypothesis

    if options.further:
        options.refuse(f"{options.further[0]!r} is for pytest, which lists no rules")
    allowed = {"topic": TOPICS, "side": SIDES, "revision": NAMES, "format": (*FORMATS,)}
    for name, known in allowed.items():
        value = getattr(options, name)
        if value not in (None, *known):
            options.refuse(f"there is no {name} {value!r} (known are {', '.join(known)})")
    text = rules_in(options.format, options.topic, options.side, options.revision)
    try:
        print(text, flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, as with "| head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _judge_matrix(options: argparse.Namespace) -> int:
    """Judge each implementation in an item of pytest, then make the site of what has a report."""
    folder = Path(options.output)
    try:
        names = [implementation.name for implementation in read_matrix(Path(options.file))]
        if unknown := [name for name in options.only or () if name not in names]:
            options.refuse(f"{options.file} names no implementation {unknown[0]!r}; it names {', '.join(names)}")
        folder.mkdir(parents=True, exist_ok=True)
    except MatrixError as error:
        options.refuse(str(error))
    except OSError as error:
        options.refuse(f"{options.output!r} cannot be made ({error.strerror}); give another folder")
    if options.workers and not find_spec("xdist"):
        options.refuse("-n needs pytest-xdist, which is not installed here; install it, or leave out -n")
    names = [name for name in names if not options.only or name in options.only]
    for name in names:
        for suffix in ("json", "html"):
            files.remove_old(folder / f"{name}.{suffix}")
    code = _run_matrix(options)
    _write_site(options, [path for name in names if (path := folder / f"{name}.json").exists()], apart=True)
    return code


def _run_matrix(options: argparse.Namespace) -> int:
    words = [f"--mcp-matrix-file={options.file}", f"--mcp-matrix-output={options.output}"]
    words += [f"--mcp-matrix-only={name}" for name in options.only or ()]
    words += ["-n", options.workers] if options.workers else []
    others = [] if options.workers or options.further else _no_other_plugins()
    with tempfile.TemporaryDirectory() as nothing:  # the items come from the file, and no path has any
        words = ["-p", read_matrix.__module__, *others, "-v", nothing, *words, *options.further]
        return _run_pytest(words, os.getcwd())


def _make_site(options: argparse.Namespace) -> int:
    _write_site(options, [Path(name) for name in options.files])
    return 0


def _write_site(options: argparse.Namespace, paths: Sequence[Path], *, apart: bool = False) -> None:
    """Make a site of these reports, and say where it is. ``apart``: each is of another implementation."""
    from .report.saved import NotAReport, read_report  # these import much
    from .report.site import named, site

    folder = Path(options.output)
    try:
        runs = named({path: read_report(path) for path in paths}, apart=apart)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in site(runs).items():
            files.write(folder / name, text)
    except NotAReport as error:
        options.refuse(str(error))
    except OSError as error:
        options.refuse(f"the site cannot be written to {options.output!r} ({error.strerror}); give another folder")
    print(folder / "index.html")
