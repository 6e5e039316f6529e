"""The HTML report: one file that needs nothing else, for a CI artifact or a colleague.

What the system under test sent is text in it and nothing more: the template engine escapes it, control characters are
escaped before, and a Content-Security-Policy lets the page run and load what is its own only, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..judging.baseline import Standing
from ..judging.excerpt import Excerpt, Shown, ShownMessage
from ..judging.results import Result, Verdict
from .exchange import event_words, heads_of, shortened
from .printable import printable_lines
from .run_report import RunReport
from .table import cells_of, in_order

#: verdicts in the order of what is read first
ORDER = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.NOT_OBSERVED, Verdict.NOT_APPLICABLE)
_OPEN = (Verdict.ERROR, Verdict.FAIL)
#: what is shown at first: what is broken, if anything is
_BROKEN = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN)
_POLICY = "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
#: characters of a message that is shown unfolded
_LONG = 80
#: topics that are about the bytes, so these are shown as they crossed
_RAW = ("framing", "http")


@dataclass(frozen=True)
class Piece:
    """A part of a message."""

    text: str
    marked: bool = False  #: it is the offending value


@dataclass(frozen=True)
class Step:
    """A row of a drawn exchange: a message with its arrow, or what the harness did."""

    sender: str  #: "client", "server", or nothing for the harness
    at: str  #: seconds since the connection was opened
    title: str
    pieces: Sequence[Piece]
    folded: bool
    offending: bool


@dataclass(frozen=True)
class RuleView:
    """A rule with its results, one a revision."""

    rule: str
    results: Sequence[Result]

    @property
    def newest(self) -> Result:
        return self.results[-1]


def html(report: RunReport) -> str:
    """The whole page as text."""
    rules = [result for result in report.results if not result.about_run]
    topics, columns = cells_of(rules)
    counts = {verdict: sum(r.verdict is verdict for r in rules) for verdict in ORDER}
    known = report.baseline.known if report.baseline else ()
    new = report.baseline.new if report.baseline else ()
    return render(
        "report.html",
        report=report,
        topics=topics,
        columns=columns,
        about_run=[result for result in report.results if result.about_run],
        groups=_by_topic(report.results),
        order=ORDER,
        open=_OPEN,
        counts=counts,
        checked=_BROKEN if any(map(counts.__getitem__, _BROKEN)) else (Verdict.PASS,),
        levels=sorted({result.level for result in report.results if result.level}),
        revisions=sorted({result.revision for result in report.results if result.revision}),
        standing={
            **{(r.rule, r.revision): Standing.KNOWN.value for r in known},
            **{(r.rule, r.revision): Standing.NEW.value for r in new},
        },
        steps=_steps,
        heads=heads_of,
    )


def render(template: str, **values: object) -> str:
    """A page, or what else there is a template of, with our style and script."""
    style, script = _static("report.css"), _static("report.js")
    policy = _POLICY.format(style=_hash(style), script=_hash(script))
    ours = {"style": Markup(style), "script": Markup(script), "policy": policy}
    return _environment().get_template(template).render(**ours, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: Any) -> Any:
    """Every text that goes into the page but its own style and script."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _static(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    """The source expression of a Content-Security-Policy that allows this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _by_topic(results: Sequence[Result]) -> list[tuple[str, list[RuleView]]]:
    """The rules of each topic, in the order of the table."""
    rules: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda result: result.revision):
        if not result.about_run:
            rules.setdefault(result.rule, []).append(result)
    topics: dict[str, list[RuleView]] = {}
    for rule, own in rules.items():
        topics.setdefault(own[0].topic, []).append(RuleView(rule, own))
    return [(topic, topics[topic]) for topic in in_order(topics)]


# --- the exchange


def _steps(result: Result) -> list[Step]:
    """The exchange of a result, a step for each item of its excerpt."""
    excerpt = result.excerpt
    if excerpt is None:
        return []
    items = [*excerpt.items, *([excerpt.later] if excerpt.later else [])]
    return [_step(item, excerpt, raw=result.topic in _RAW) for item in items]


def _step(item: Shown, excerpt: Excerpt, *, raw: bool) -> Step:
    offending = item.index == excerpt.offending
    at = f"{item.at:.3f} s"
    if not isinstance(item, ShownMessage):
        title, *further = event_words(item)
        return Step("", at, title, [Piece("\n".join(further))] if further else [], False, offending)
    pieces = None if raw or item.tail else _pretty(item.head, excerpt.path if offending else None)
    text = item.head if not item.tail else f"{item.head} … ({item.size} bytes) … {item.tail}"
    shown = pieces or [Piece(text if offending else shortened(item))]
    return Step(item.sender, at, _title(item), shown, len(text) > _LONG and not offending, offending)


def _title(message: ShownMessage) -> str:
    """A message in a few words: its method, or that it is a response, with its id."""
    channel = f" [{message.channel}]" if message.channel.startswith(("POST", "GET")) else ""
    body = _parsed(message.head) if not message.tail else None
    if not isinstance(body, dict):
        return f"a message of {message.size} bytes{channel}"
    id = f" {json.dumps(body['id'], ensure_ascii=False)[:40]}" if "id" in body else ""
    if isinstance(body.get("method"), str):
        return f"{body['method'][:60]}{id}{channel}"
    kind = "error" if "error" in body else "result" if "result" in body else "a message"
    return f"{kind}{id}{channel}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _pretty(text: str, path: Sequence[str | int] | None) -> list[Piece] | None:
    """A message on several lines, with the value at a path marked; ``None`` where it cannot be shown so."""
    body = _parsed(text)
    if body is None:
        return None
    try:
        return _pieces(body, path, "")
    except (ValueError, RecursionError):
        return None


def _pieces(value: Any, path: Sequence[str | int] | None, indent: str) -> list[Piece]:
    """Only what the path leads through is taken apart."""
    if not path or not isinstance(value, dict | list):
        text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent}")
        return [Piece(text, marked=path is not None and not path)]
    members = value.items() if isinstance(value, dict) else enumerate(value)
    inner = f"{indent}  "
    found = [Piece("{" if isinstance(value, dict) else "[")]
    for number, (key, member) in enumerate(members):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        found.append(Piece(f"{',' if number else ''}\n{inner}{name}"))
        found += _pieces(member, path[1:] if key == path[0] else None, inner)
    found.append(Piece(f"\n{indent}{'}' if isinstance(value, dict) else ']'}"))
    return found
