"""The file of known failures: YAML, with a list of entries for each role.

The shape is the one that SDKs keep for the official conformance suite::

    server:
      - capability/undeclared-not-used
      - max-tokens/integer@2025-11-25
      - tool-loop/*
      - rule: liveness/exits-on-close
        reason: a thread is waited for
        link: https://example.com/issues/7
        flaky: true
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .baseline import AT, WHOLE_TOPIC, Baseline, Comparison, KnownFailure
from .results import Result

if TYPE_CHECKING:
    from ruamel.yaml import YAML

#: the lists that a file may have
ROLES = ("server", "client", "mapper")
#: the members of an entry that is no plain text, with what they are
_MEMBERS: Mapping[str, type] = {"rule": str, "reason": str, "link": str, "flaky": bool}

#: the rules that there are for what is judged, each with the names of the revisions that have it
Rules = Mapping[str, Sequence[str]]


class BaselineError(ValueError):
    """One sentence that says what is wrong with a file of known failures, and what to do."""


def read_baseline(path: Path, role: str, rules: Rules) -> Baseline:
    """The known failures of a role. Raises ``BaselineError``, also where the file cannot be read."""
    document = _document(path)
    if role not in document and any(document.values()):
        other = ", ".join(document)
        raise BaselineError(
            f"{str(path)!r} has known failures of another role ({other}); give the file of this {role}, "
            f"or add a list {role!r} to it"
        )
    listed: Any = document.get(role) or []
    return Baseline([_entry(path, value, listed.lc.item(n)[0] + 1, rules) for n, value in enumerate(listed)])


def updated(path: Path, role: str, comparison: Comparison, everywhere: Mapping[str, bool]) -> str:
    """The text of the file, as it is now or of a new one, without what nothing fails any more and with what is new.

    ``everywhere`` says of a rule that fails whether it does so in each revision in which it was judged: then one entry
    stands for all. Comments and the entries of other roles stay. Raises ``BaselineError``.
    """
    document = _document(path) if path.exists() else _yaml().load("{}")
    listed = document.get(role) or _yaml().load("[]")
    listed.fa.set_block_style()
    stale = {entry.line for entry in comparison.stale}
    for number in reversed(range(len(listed))):
        if listed.lc.item(number)[0] + 1 in stale:
            del listed[number]
    listed += dict.fromkeys(_entry_text(result, everywhere) for result in comparison.new)
    document[role] = listed
    document.fa.set_block_style()
    text = StringIO()
    _yaml().dump(document, text)
    return text.getvalue()


def _entry_text(result: Result, everywhere: Mapping[str, bool]) -> str:
    alone = everywhere.get(result.rule) or not result.revision
    return result.rule if alone else f"{result.rule}{AT}{result.revision}"


def _yaml() -> YAML:
    from ruamel.yaml import YAML  # takes a while to import, and few runs need it

    yaml = YAML()  # keeps comments and the places of entries
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _document(path: Path) -> Any:
    """The lists of a file, by role, with their places in it."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = _yaml().load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaselineError(
            f"{str(path)!r} cannot be read ({error.strerror}); --mcp-baseline-update makes a new one"
        ) from None
    except UnicodeDecodeError:
        raise BaselineError(f"{str(path)!r} is no text in UTF-8; give a YAML file") from None
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BaselineError(f"{str(path)!r} is no YAML: {error.problem}{line}; mend it") from None
    except YAMLError as error:
        raise BaselineError(f"{str(path)!r} is no YAML ({type(error).__name__}); mend it") from None
    if document is None:
        document = _yaml().load("{}")
    if not isinstance(document, dict):
        raise BaselineError(f"{str(path)!r} holds no lists by role; write {' or '.join(ROLES)}, then a list of rules")
    for role, listed in document.items():
        if role not in ROLES:
            raise BaselineError(f"{str(path)!r} has a list {role!r}; known are {', '.join(ROLES)}")
        if listed is not None and not isinstance(listed, list):
            raise BaselineError(f"{str(path)!r} has no list for {role!r}; write one rule a line, each after a dash")
    return document


def _entry(path: Path, value: Any, line: int, rules: Rules) -> KnownFailure:
    place = f"{str(path)!r}, line {line}"
    members = {"rule": value} if isinstance(value, str) else value
    if not isinstance(members, dict) or "rule" not in members:
        raise BaselineError(f"{place}: this is neither a rule nor a mapping with a member rule; write topic/rule")
    for name, content in members.items():
        if name not in _MEMBERS:
            raise BaselineError(f"{place}: an entry has no member {name!r}; known are {', '.join(_MEMBERS)}")
        if not isinstance(content, _MEMBERS[name]):
            kind = "true or false" if _MEMBERS[name] is bool else "a text"
            raise BaselineError(f"{place}: {name} is {content!r}; write {kind}")
    entry = KnownFailure(
        str(members["rule"]), line, members.get("reason", ""), members.get("link", ""), members.get("flaky", False)
    )
    _check_name(place, entry, rules)
    return entry


def _check_name(place: str, entry: KnownFailure, rules: Rules) -> None:
    """Raises ``BaselineError`` where an entry can cover nothing."""
    names = [*rules, *dict.fromkeys(f"{rule.partition('/')[0]}/{WHOLE_TOPIC}" for rule in rules if "/" in rule)]
    if entry.rule not in names:
        nearest = get_close_matches(entry.rule, names, 1, 0.0)
        raise BaselineError(f"{place}: there is no rule {entry.rule!r} here; the nearest is {nearest[0]}")
    having = dict.fromkeys(
        revision
        for rule, revisions in rules.items()
        for revision in revisions
        if KnownFailure(entry.rule, entry.line).covers(rule, revision)
    )
    if entry.revision and entry.revision not in having:
        raise BaselineError(
            f"{place}: {entry.rule} is no rule of {entry.revision!r}; it is one of {', '.join(having) or 'none'}"
        )
