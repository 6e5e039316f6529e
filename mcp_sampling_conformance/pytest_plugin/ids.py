"""The ids of our items, as they stand on a command line. Imported at every start of pytest: nothing heavy here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: the first part of every item's id, and a name that stands for all of them on the command line
ROOT = "mcp-sampling"


def place(config: pytest.Config) -> Path:
    """The path of our items: editors sort what they find by paths, and ask for it by them. Nothing is there."""
    return config.rootpath / ROOT


def asked_for(config: pytest.Config) -> dict[str, str]:
    """The arguments that ask for items of ours, each with the id that it means."""
    found = {}
    for arg in config.args:
        first, colons, rest = arg.partition("::")
        if first == ROOT or os.path.normpath(config.invocation_params.dir / first) == str(place(config)):
            found[arg] = ROOT + colons + rest
    return found


def paths_given(config: pytest.Config) -> bool:
    """Whether the user said which tests to run, by paths or ids of any sort."""
    return config.args_source is pytest.Config.ArgsSource.ARGS
