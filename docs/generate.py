"""The pages that are made when the site is built: the rules, of the registry; the options, of the plugin.

A hook of MkDocs. What breaks each rule is told from `broken.json`, which `broken.py` writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_sampling_conformance.mappers import PROPERTIES
from mcp_sampling_conformance.plugin import LIST_RULES, OPTIONS
from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.rules.registry import NOT_JUDGED, TOPICS, all_rules
from mcp_sampling_conformance.rules.rule import Rule

#: where in a page the table of options goes
OPTIONS_HERE = "<!-- the options -->"
REPEATABLE = " (repeatable)"
MAPPER = "mapper"


def pages() -> dict[str, str]:
    """The Markdown of each page that is made, by its path in the site."""
    return {
        "rules/index.md": _overview(),
        **{f"rules/{topic}.md": _topic(topic) for topic in TOPICS},
        f"rules/{MAPPER}.md": _mappers(),
    }


def options_table() -> str:
    """Every option and what it is for."""
    rows = [
        (f"{option} {metavar}" if metavar else option, text + REPEATABLE * repeats)
        for option, metavar, repeats, text in OPTIONS
    ]
    lines = [f"| `{option}` | {text} |" for option, text in (*rows, (LIST_RULES, "print the rules and exit"))]
    return "\n".join(["| option | meaning |", "|---|---|", *lines])


# --- rules


def _overview() -> str:
    levels = "|".join("---" for _ in NAMES)
    parts = [
        "---\nhide: [toc]\n---",
        "# All rules",
        f"{len({rule.name for rule in all_rules()})} rules, and {len(PROPERTIES)} properties of mappers. **MUST** and "
        "**SHOULD** are the specification's own in each revision; ADVICE stands in no specification and never fails a "
        f"run. `pytest {LIST_RULES}` prints the same.",
    ]
    for topic in TOPICS:
        parts.append(f"## [{topic}]({topic}.md)")
        rows = [
            f"| [{rule.name.split('/')[1]}]({topic}.md#{_anchor(rule)}) | {_binds(rule)} | "
            + " | ".join(str(rule.level(REVISIONS[name]) or "") for name in NAMES)
            + " |"
            for rule in _of(topic)
        ]
        parts.append("\n".join([f"| rule | binds | {' | '.join(NAMES)} |", f"|---|---|{levels}|", *rows]))
    parts.append(f"## [{MAPPER}]({MAPPER}.md)\n\nProperties of message mappers, with levels of ours.")
    parts.append("## Not judged\n\nNothing on the wire shows it:")
    parts.append("\n".join(f"- **{subject}**: {why}" for subject, why in NOT_JUDGED.items()))
    return "\n\n".join(parts) + "\n"


def _topic(topic: str) -> str:
    return "\n\n".join([f"# {topic}", *(part for rule in _of(topic) for part in _rule(rule))]) + "\n"


def _of(topic: str) -> list[Rule]:
    return [rule for rule in all_rules() if rule.topic == topic]


def _rule(rule: Rule) -> Iterator[str]:
    newest = next(REVISIONS[name] for name in reversed(NAMES) if rule.level(REVISIONS[name]))
    url = rule.url(newest)
    only = f", over {' and '.join(sorted(rule.transports))} only" if rule.transports else ""
    yield f"## {rule.name} {{ #{_anchor(rule)} }}"
    yield rule.statement
    bound = " and ".join(f"a {side.value}" for side in sorted(rule.binds))
    yield f"Binds {bound}{only}: {_levels(rule)}. [Source]({url})"
    for side in sorted(rule.binds):
        yield from _broken(rule.name, side.value)


def _levels(rule: Rule) -> str:
    """`SHOULD from 2024-11-05, MUST from 2025-06-18`."""
    parts, last = [], None
    for name in NAMES:
        level = rule.level(REVISIONS[name])
        if level is not last:
            parts.append(f"**{level}** from {name}" if level else f"gone from {name}")
        last = level
    return ", ".join(parts)


def _binds(rule: Rule) -> str:
    return " and ".join(sorted(side.value for side in rule.binds))


def _anchor(rule: Rule) -> str:
    """Two rules may share a name, one of each side."""
    name = rule.name.split("/")[1]
    twice = sum(other.name == rule.name for other in all_rules()) > 1
    return f"{name}-{_binds(rule)}" if twice else name


def _mappers() -> str:
    parts = [
        "# mapper",
        "Properties of [message mappers](../mapper.md). The specification defines the content and binds no mapper: "
        "what is required, and how strictly, is ours.",
    ]
    for each in PROPERTIES:
        first = next(name for name in NAMES if each.exists(REVISIONS[name]))
        parts += [
            f"## {each.name} {{ #{each.name.split('/')[1]} }}",
            each.statement,
            f"**{each.level}** from {first}. [Source]({each.url(REVISIONS[NAMES[-1]])})",
            *_broken(each.name, MAPPER),
        ]
    return "\n\n".join(parts) + "\n"


def _broken(rule: str, role: str) -> Iterator[str]:
    """A program that breaks the rule, and what it is told."""
    for example in examples():
        if (example["rule"], example["role"]) == (rule, role):
            by = f"`{example['mutant']}`" if role == MAPPER else f"`fixtures/{example['script']} {example['mutant']}`"
            where = f" in {example['revision']}" if "revision" in example else ""
            yield f"Broken by {by}{where}:\n\n```text\n{example['message']}\n```"


def examples() -> list[dict[str, str]]:
    """What breaks each rule: `rule`, `role`, `mutant`, `message`, and for a peer `script` and `revision`."""
    found: list[dict[str, str]] = json.loads(Path(__file__).with_name("broken.json").read_text(encoding="utf-8"))
    return found


# --- the hooks of MkDocs, which hands in objects of its own


def on_config(config: Any) -> Any:
    """List the pages of the rules in the navigation."""
    for entry in config.nav:
        if "Rules" in entry:
            entry["Rules"] = [{Path(path).stem: path} if "index" not in path else {"All": path} for path in pages()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put in the options. What a program prints has long lines: its page has no contents beside it."""
    if "```text" in markdown and not page.file.src_uri.startswith("rules/"):
        page.meta["hide"] = ["toc"]
    return markdown.replace(OPTIONS_HERE, options_table())
