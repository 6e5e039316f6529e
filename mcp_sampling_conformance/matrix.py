"""Several implementations in one run of pytest: an item each, which judges it in a process of its own, so that one that
cannot start stops no other, and pytest-xdist spreads them over its workers."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pytest

from .plugin import OPTIONS, SUBJECTS
from .pytest_plugin.ids import ROOT, place

#: the file that names the implementations
FILE = "mcp-sampling.toml"
_PREFIX = "--mcp-"
#: what an implementation is made of: one of the subjects, and any other option but those that are for the whole run
_SUBJECTS = tuple(option.removeprefix(_PREFIX) for option in SUBJECTS)
_NOT_HERE = ("--mcp-report", "--mcp-summary")
_KEYS = {
    option.removeprefix(_PREFIX): (metavar, repeats)
    for option, metavar, repeats, _ in OPTIONS
    if option not in _NOT_HERE
}
#: lines of the output of a run that did not come to a report
_TAIL = 15


class MatrixError(ValueError):
    """One sentence that says what is wrong with the file of implementations, and what to do."""


@dataclass(frozen=True)
class Implementation:
    """One implementation, with the words of the command that judges it."""

    name: str
    words: Sequence[str]


def read_matrix(path: Path) -> list[Implementation]:
    """The implementations that a file names. Raises ``MatrixError``."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MatrixError(f"{str(path)!r} cannot be read ({error.strerror}); write it, or name another file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MatrixError(f"{str(path)!r} is no TOML ({error}); mend it") from None
    tables = document.get("implementation")
    if not isinstance(tables, list) or not tables or document.keys() != {"implementation"}:
        raise MatrixError(f"{str(path)!r} names no implementation; write a table [[implementation]] for each")
    found: list[Implementation] = []
    for number, table in enumerate(tables, 1):
        name = table.get("name")
        if not isinstance(name, str) or not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
            raise MatrixError(
                f"{str(path)!r}: implementation {number} has no name that is one of a file; "
                "write letters, digits, dots, dashes"
            )
        if name in (other.name for other in found):
            raise MatrixError(f"{str(path)!r}: two implementations have the name {name!r}; give each its own")
        found.append(Implementation(name, [*_words(f"{str(path)!r}, {name}", table)]))
    return found


def _words(where: str, table: Mapping[str, Any]) -> Iterator[str]:
    """The words after the program's name."""
    subjects = [key for key in _SUBJECTS if key in table]
    if len(subjects) != 1:
        raise MatrixError(f"{where}: {len(subjects) or 'none'} of {', '.join(_SUBJECTS)} is given; write one of them")
    yield from (subjects[0], *_texts(where, subjects[0], table[subjects[0]]))
    for key, value in table.items():
        if key in ("name", *subjects):
            continue
        if key not in _KEYS:
            nearest = get_close_matches(key, _KEYS, 1, 0.0)[0]
            raise MatrixError(f"{where}: there is no option {key!r}; the nearest is {nearest}")
        metavar, repeats = _KEYS[key]
        if metavar is None:
            if not isinstance(value, bool):
                raise MatrixError(f"{where}: {key} is {value!r}; write true or false")
            yield from (f"--{key}",) if value else ()
            continue
        texts = _texts(where, key, value)
        if len(texts) > 1 and not repeats:
            raise MatrixError(f"{where}: {key} is given more than once; give it once")
        yield from (f"--{key}={text}" for text in texts)


def _texts(where: str, key: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
        raise MatrixError(f"{where}: {key} is {value!r}; write a text, a number, or a list of them")
    return [str(one) for one in values]


# --- inside pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mcp sampling matrix")
    group.addoption("--mcp-matrix-file", dest="mcp_sampling_matrix_file")
    group.addoption("--mcp-matrix-output", dest="mcp_sampling_matrix_output")
    group.addoption("--mcp-matrix-only", dest="mcp_sampling_matrix_only", action="append")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    option = session.config.option
    path, only = Path(option.mcp_sampling_matrix_file), option.mcp_sampling_matrix_only
    for implementation in read_matrix(path):
        if not only or implementation.name in only:
            name = f"{ROOT}::matrix::{implementation.name}"
            item = _Item.from_parent(session, name=implementation.name, nodeid=name, path=place(session.config))
            item.words, item.folder = implementation.words, path.parent
            item.output = Path(option.mcp_sampling_matrix_output).absolute()
            items.append(item)


class _Item(pytest.Item):
    """One implementation."""

    words: Sequence[str]
    folder: Path  #: where the file is, and relative paths begin
    output: Path

    def runtest(self) -> None:
        reports = [f"--report={self.output / self.name}.{suffix}" for suffix in ("json", "html")]
        command = [sys.executable, "-m", "mcp_sampling_conformance", *self.words, *reports]
        run = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if run.returncode:
            raise _NotConforming("\n".join((run.stdout + run.stderr).strip().splitlines()[-_TAIL:]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if excinfo.errisinstance(_NotConforming) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.nodeid


class _NotConforming(Exception):
    """The judgement of an implementation found something, or could not be made; the text is the end of what it said."""
