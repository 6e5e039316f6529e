"""The HTML report: all that there is to see, and nothing from outside that is more than text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import pytest

from mcp_sampling_conformance.judging.baseline import Comparison, KnownFailure
from mcp_sampling_conformance.judging.excerpt import Excerpt, ShownMessage
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.judging.status import SamplingStatus
from mcp_sampling_conformance.report.html import html
from mcp_sampling_conformance.report.run_report import RunReport, Target
from mcp_sampling_conformance.transcript.events import TimedOut

NASTY = "</script></style></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'`\x1b]0;x\x07{{ 7*7 }}\u202e"


class Page(HTMLParser):
    """What a browser would make of a page, as far as it is asked for here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.content: dict[str, list[str]] = {}
        self.text = ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self._open[-1] if self._open else ""
        self.content.setdefault(tag, []).append(data)
        self.text += data if tag not in ("script", "style") else ""

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [a for name, a in self.tags if name == tag and attributes.items() <= a.items()]

    @property
    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def message(index: int, sender: str, text: str, tail: str = "") -> ShownMessage:
    return ShownMessage(index, index / 10, sender, "stdout", text, tail, len(text) + len(tail))


def result(verdict: Verdict, revision: str = "2025-11-25", rule: str = "max-tokens/integer", **changes: Any) -> Result:
    given = {
        "message": "it is no integer",
        "url": "https://modelcontextprotocol.io/x",
        "statement": "It is an integer.",
    }
    return Result(rule, "server", "MUST", revision, "stdio", verdict, **{**given, **changes})


def excerpt(offending: str, path: tuple[str | int, ...]) -> Excerpt:
    items = (message(4, "client", '{"id": 7, "method": "tools/call"}'), message(5, "server", offending))
    return Excerpt("a", "2025-11-25, sampling {}", items, 5, path, TimedOut(7, 10.0, "at line 3", index=9, at=3.0))


def page(results: Sequence[Result], **changes: Any) -> Page:
    statuses = [SamplingStatus("2025-11-25", "legacy", True, "1 MUST broken")]
    given = {"target": Target("server", "python server.py", "stdio"), "notes": [], "statuses": statuses, **changes}
    return Page(html(RunReport(results=results, **given)))


BROKEN = excerpt(
    '{"method": "sampling/createMessage", "id": 1, "params": {"maxTokens": "100"}}', ("params", "maxTokens")
)


def test_what_a_reader_finds() -> None:
    failed = result(Verdict.FAIL, excerpt=BROKEN)
    shown = page([result(Verdict.PASS, "2025-06-18"), failed, result(Verdict.PASS, rule="id/id-valid")])
    assert "2025-11-25: works, 1 MUST broken" in shown.text
    assert shown.content["mark"] == ['"100"']
    for text in ("sampling/createMessage 1", "tools/call 7", "no answer to id 7 within 10 s", "stderr:at line 3"):
        assert text in shown.text
    (details,) = shown.all("details", id="max-tokens/integer@2025-11-25")
    assert "open" in details
    assert shown.all("a", href="#max-tokens/integer@2025-11-25")
    assert len(shown.ids) == len(set(shown.ids))
    (fail, ok) = (shown.all("input", value=value)[0] for value in ("fail", "pass"))
    assert "checked" in fail
    assert "checked" not in ok
    lanes = "client (the harness)server"
    assert lanes in shown.text


def test_without_failures_the_passes_are_shown() -> None:
    (ok,) = page([result(Verdict.PASS)]).all("input", value="pass")
    assert "checked" in ok


def test_nothing_from_outside_is_more_than_text() -> None:
    broken = excerpt(NASTY, ())
    failed = result(Verdict.FAIL, message=NASTY, excerpt=broken, details=(NASTY,))
    shown = page(
        [failed],
        target=Target("server", NASTY, "stdio"),
        notes=[NASTY],
        partial=NASTY,
        statuses=[SamplingStatus("2025-11-25", "legacy", False, NASTY)],
    )
    assert len(shown.all("script")) == len(shown.all("style")) == 1
    assert not shown.all("img")
    assert not any(name.startswith("on") or name == "style" for _, attributes in shown.tags for name in attributes)
    assert "alert(1)" in shown.text
    assert "{{ 7*7 }}" in shown.text
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.text)


def test_the_policy_allows_what_the_page_has_and_nothing_else() -> None:
    shown = page([result(Verdict.PASS)])
    (policy,) = shown.all("meta", **{"http-equiv": "Content-Security-Policy"})
    for tag in ("script", "style"):
        text = "".join(shown.content[tag])
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in (policy["content"] or "")
    assert (policy["content"] or "").startswith("default-src 'none';")
    assert not [a for _, a in shown.tags if (a.get("src") or "") or (a.get("href") or "#")[0] not in "#h"]


@pytest.mark.parametrize(
    ("text", "path", "marked"),
    [
        ('{"a": [1, {"b": null}]}', ("a", 1, "b"), ["null"]),
        ('{"a": [1, {"b": null}]}', ("a", 1), ['{\n      "b": null\n    }']),
        ('{"a": 1}', (), ['{\n  "a": 1\n}']),
        ('{"a": 1}', ("b",), None),
        ("no JSON", (), None),
        ("[" * 100_000, (), None),
    ],
)
def test_the_offending_value_is_marked(text: str, path: tuple[str | int, ...], marked: list[str] | None) -> None:
    shown = page([result(Verdict.FAIL, excerpt=excerpt(text, path))])
    assert shown.content.get("mark") == marked
    assert text[:5] in shown.text or text[0] == "{"


def test_of_a_long_message_the_beginning_and_the_end() -> None:
    cut = Excerpt("a", "b", (message(5, "server", '{"a": "x', 'y"}'),), 5, ("a",))
    assert '{"a": "x … (11 bytes) … y"}' in page([result(Verdict.FAIL, excerpt=cut)]).text


def test_what_is_about_bytes_shows_them() -> None:
    twice = '{"a": 1, "a": 2}'
    shown = page([result(Verdict.FAIL, rule="framing/stdout-clean", excerpt=excerpt(twice, ()))])
    assert twice in shown.text


def test_known_failures_are_called_so() -> None:
    known, new = result(Verdict.FAIL), result(Verdict.FAIL, "2025-06-18")
    shown = page([known, new], baseline=Comparison([known], [new], [KnownFailure("id/id-valid", 2)]))
    assert "1 known, 1 new, 1 fixed: remove id/id-valid (line 2)" in shown.text
    assert {"known", "new"} <= set(shown.content["span"])
