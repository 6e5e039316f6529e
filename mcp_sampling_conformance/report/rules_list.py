"""The rules there are, how binding each is, and where it comes from: as text, as Markdown and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..mappers import PROPERTIES
from ..protocol.levels import Level
from ..protocol.revisions import NAMES, REVISIONS
from ..rules.registry import NOT_JUDGED, all_rules
from ..rules.registry import TOPICS as _TOPICS_OF_RULES
from ..transcript.transcript import Side

#: the topic of the properties of mappers, and the side that they bind
MAPPER = "mapper"
TOPICS = (*_TOPICS_OF_RULES, MAPPER)
SIDES = (*sorted(side.value for side in Side), MAPPER)


@dataclass(frozen=True)
class ListedRule:
    """What there is to know of a rule, or of a property of mappers, whose levels no specification says."""

    name: str
    sides: Sequence[str]  #: whom it binds
    levels: Mapping[str, Level]  #: by revision, oldest first, for the revisions in which it exists
    binding: str  #: the same in words: "SHOULD from 2024-11-05, MUST from 2025-06-18", or "MUST in 2025-06-18"
    statement: str
    url: str  #: of its section, in the newest of these revisions
    transports: Sequence[str] | None  #: over which it makes sense; ``None``: over all

    @property
    def topic(self) -> str:
        return self.name.split("/")[0]

    @property
    def ours(self) -> bool:
        """Whether its level is one of ours."""
        return self.topic == MAPPER


def listed_rules(topic: str | None = None, side: str | None = None, revision: str | None = None) -> list[ListedRule]:
    """The rules of a topic, of a side (``"mapper"`` is one too) and in a revision; ``None``: of all.

    Given a revision, their levels and addresses are those in it.
    """
    names = NAMES if revision is None else [revision]
    return [
        rule
        for rule in (*_rules(names), *_properties(names))
        if rule.levels and topic in (None, rule.topic) and (side is None or side in rule.sides)
    ]


def _rules(names: Sequence[str]) -> Iterator[ListedRule]:
    for rule in all_rules():
        found = {name: level for name in names if (level := rule.level(REVISIONS[name]))}
        url = rule.url(REVISIONS[max(found)]) if found else ""
        transports = None if rule.transports is None else sorted(rule.transports)
        sides = sorted(side.value for side in rule.binds)
        yield ListedRule(rule.name, sides, found, _binding(found, names), rule.statement, url, transports)


def _properties(names: Sequence[str]) -> Iterator[ListedRule]:
    for prop in PROPERTIES:
        found = {name: prop.level for name in names if prop.exists(REVISIONS[name])}
        url = prop.url(REVISIONS[max(found)]) if found else ""
        yield ListedRule(prop.name, [MAPPER], found, _binding(found, names), prop.statement, url, None)


def _binding(levels: Mapping[str, Level], names: Sequence[str]) -> str:
    if len(names) == 1:
        return "".join(f"{level} in {name}" for name, level in levels.items())
    parts = []
    last = None
    for name in names:
        level = levels.get(name)
        if level is not last:
            parts.append(f"{level or 'gone'} from {name}")
        last = level
    return ", ".join(parts)


# --- formats


def as_text(rules: Sequence[ListedRule], not_judged: Mapping[str, str]) -> str:
    """For a terminal."""
    parts = [_entry(rule) for rule in rules]
    if not_judged:
        lines = [f"    {subject}: {why}" for subject, why in not_judged.items()]
        parts.append("\n".join(["Not judged, because nothing on the wire shows it:", *lines]))
    return "\n\n".join(parts)


def _entry(rule: ListedRule) -> str:
    level = f"{rule.binding}, a level of ours" if rule.ours else rule.binding
    statement = textwrap.fill(rule.statement, 100, initial_indent="    ", subsequent_indent="    ")
    return f"{rule.name}  ({' and '.join(rule.sides)}; {level})\n{statement}\n    {rule.url}"


def as_markdown(rules: Sequence[ListedRule], not_judged: Mapping[str, str]) -> str:
    """A table for each topic."""
    parts = []
    for topic, group in groupby(rules, key=lambda rule: rule.topic):
        rows = [
            f"| [`{rule.name}`]({rule.url}) | {', '.join(rule.sides)} | {rule.binding} | {_cell(rule.statement)} |"
            for rule in group
        ]
        head = ["| rule | binds | level | requirement |", "|---|---|---|---|"]
        ours = ["No specification binds mappers: the levels are ours.", ""] if topic == MAPPER else []
        parts.append("\n".join([f"## {topic}", "", *ours, *head, *rows]))
    if not_judged:
        lines = [f"- {subject}: {why}" for subject, why in not_judged.items()]
        parts.append("\n".join(["## Not judged, because nothing on the wire shows it", "", *lines]))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def as_json(rules: Sequence[ListedRule], not_judged: Mapping[str, str]) -> str:
    """An object with the members ``rules`` and ``not_judged``."""
    listed = [
        {
            "rule": rule.name,
            "topic": rule.topic,
            "sides": [*rule.sides],
            "levels": dict(rule.levels),
            "statement": rule.statement,
            "url": rule.url,
            "transports": None if rule.transports is None else [*rule.transports],
        }
        for rule in rules
    ]
    return json.dumps({"rules": listed, "not_judged": dict(not_judged)}, indent=2)


FORMATS: Mapping[str, Callable[[Sequence[ListedRule], Mapping[str, str]], str]] = {
    "text": as_text,
    "md": as_markdown,
    "json": as_json,
}


def rules_in(format: str, topic: str | None = None, side: str | None = None, revision: str | None = None) -> str:
    """The rules that ``listed_rules`` finds, in one of ``FORMATS``; then what is not judged and why, unless only a
    topic or a side is wanted."""
    not_judged = NOT_JUDGED if topic is None and side is None else {}
    return FORMATS[format](listed_rules(topic, side, revision), not_judged)


def print_rules() -> None:
    """Print all of them as text."""
    print(rules_in("text"))
