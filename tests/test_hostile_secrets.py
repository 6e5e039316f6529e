"""Systems that tell the secrets they were given, want them sent elsewhere, or speak to the terminal."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from hostile import judge, sound
from hostile_secrets import PAYLOAD, SYSTEMS, forms

from mcp_sampling_conformance.judging.excerpt import excerpt
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.report.exchange import evidence_lines
from mcp_sampling_conformance.report.printable import printable
from mcp_sampling_conformance.transcript.masking import MASKED, Mask
from mcp_sampling_conformance.transcript.transcript import Side, Transcript
from mcp_sampling_conformance.transports.to_client.http import http_entrance

FIXTURE = Path(__file__).parent.parent / "fixtures" / "hostile_secrets.py"
QUICK = ("--mcp-examples", "0", "--mcp-timeout", "1", "--mcp-spec-version", NEWEST_LEGACY, "-v", "-rA")
#: a secret beyond ASCII, with what every escape is for, and one that fits into a header
SECRET, TOKEN = "sk-Tr0ub4dör/+ \"'&<3>-Zq9xWv", "sk-Tr0ub4dor/+&3=Zq9xWvUt"
#: what a test may find of neither: a beginning, a middle, an end, and some of each in other forms
TELLING = [
    *("Tr0ub4d", "Zq9xW", "4dör", "%5A%71%39", "%5a%71%39", "5A713978", "5a713978", "&#90;&#113;&#57;", "&#x5A;&#x71;"),
    *("\\u005A\\u0071\\u0039", base64.b64encode(b"Tr0ub4").decode(), base64.b64encode(b"Zq9xWv").decode()),
]


def command(name: str, *arguments: str) -> str:
    return " ".join([sys.executable, "-S", str(FIXTURE), name, *arguments])


def options(name: str) -> tuple[str, ...]:
    """How to judge one of the systems, by its name: over HTTP, over HTTP+SSE, a client, or a server over stdio."""
    kind = name.split("-")[0]
    if kind == "client":
        return "--mcp-client", command(name, "{server}")
    tool = ("--mcp-tool", 'ask={"question": "Well?"}')
    if kind not in ("http", "sse"):
        # One tool is enough where the requests are the point; elsewhere all that it lists may be.
        return "--mcp-server", command(name), *(tool if name.endswith("-requests") else ())
    path = {"http": "mcp", "sse": "sse"}[kind]
    where = ("--mcp-transport", kind, "--mcp-url", f"http://127.0.0.1:{{port}}/{path}")
    return "--mcp-server", command(name, "{port}"), *where, *tool, "--mcp-header", f"Authorization: Bearer {TOKEN}"


# --- secrets that are told

LEAKS = [name for name in SYSTEMS if "tells" in name or "echoes" in name]


@pytest.mark.parametrize("name", LEAKS)
def test_no_form_of_a_secret_is_shown_or_saved(tmp_path: Path, name: str) -> None:
    secret = ("--mcp-env", f"SECRET={SECRET}", "--mcp-record", "saved", "--junitxml", "junit.xml")
    outcome = judge(tmp_path, *options(name), *QUICK, *secret)
    sound(outcome)
    saved = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "saved").iterdir())]
    written = [(tmp_path / file).read_text(encoding="utf-8") for file in ("r.json", "junit.xml")]
    assert saved
    assert any(MASKED in text for text in (outcome.text, *saved))
    for text in (outcome.text, *written, *saved):
        assert not [part for part in TELLING if part in text]


@pytest.mark.parametrize("secret", [SECRET, TOKEN])
def test_each_form_is_masked(secret: str) -> None:
    mask = Mask.given([("API_TOKEN", secret)])
    for name, form in forms(secret).items():
        for text in (f"It is {form} here.", json.dumps({"text": f"It is {form} here."}), f"data: {form}\ndata: here."):
            masked = mask(text)
            assert MASKED in masked, name
            assert not [part for part in TELLING if part in masked], name
    in_events = f"data: {secret[:9]}\r\ndata: {secret[9:]}\r\n\r\n"
    assert mask(in_events) == f"data: {MASKED}\r\n\r\n"


def test_a_masked_message_is_json_still() -> None:
    mask = Mask.given([("API_TOKEN", SECRET)])
    body = {"a": SECRET, "b": json.dumps({"c": SECRET}), "d": f"<{SECRET}>", "e": "plain\n\t\u2028"}
    assert json.loads(mask(json.dumps(body))) == {**body, "a": MASKED, "b": f'{{"c": "{MASKED}"}}', "d": f"<{MASKED}>"}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (("AUTHORIZATION", "Bearer swordfish-abc"), "swordfish-abc"),
        (("Authorization", f"Basic {base64.b64encode(b'joe:swordfish').decode()}"), "swordfish"),
        (("Cookie", "theme=dark; session=a8f5f167f44f"), "a8f5f167f44f"),
        (("DATABASE_URL", "postgres://app:sword%40fish@db/app"), "sword@fish"),
        (("KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"), "hkiG9w0BAQEFAASC"),
        (("CREDENTIALS", '{"id": "x", "private_key": "q7Lw2ZtPbR"}'), "q7Lw2ZtPbR"),
        (("DB_PASSWORD", "hunter"), "hunter"),
        (("LOGIN_PIN", "4711x"), "4711x"),
        (("ANYTHING", "550e8400-e29b-41d4-a716-446655440000"), "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_what_is_a_secret_on_its_own(given: tuple[str, str], word: str) -> None:
    assert Mask.given([given])(f"refused: {word}!") == f"refused: {MASKED}!"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DEBUG", value) for value in ("1", "true", "on", "text", "8000", "production")),
        *(("LANG", "en_US.UTF-8"), ("PATH", "/usr/bin:/usr/local/bin"), ("MODEL", "gpt-4o-mini-2024")),
        *(("HOST", "http://127.0.0.1:8000/mcp"), ("VERSION", "2025-11-25"), ("X-Accept", "application/json")),
        *(("API_KEY", "test"), ("AUTH_MODE", "server"), ("TOKEN", "")),
    ],
)
def test_what_would_mask_half_the_report_is_no_secret(name: str, value: str) -> None:
    text = f"the {value} is {value}"
    assert Mask.given([(name, value)])(text) == text


def test_what_a_secret_begins_with_is_not_masked_wherever_it_stands() -> None:
    mask = Mask.given(
        [("URL_TOKEN", "https://mcp.example.com/v1?key=a8f5f167f44f"), ("OTHER_KEY", "sk-ant-api03-Zq9xWvUt")]
    )
    text = "see https://example.com, a key is sk-ant-… or sk-ant-api03-…"
    assert mask(text) == "see https://example.com, a key is ***… or ***…"  # cut there: it may be the beginning
    assert mask("see https://example.com/v1 for sk-ant keys") == "see https://example.com/v1 for sk-ant keys"


def test_a_text_full_of_beginnings_is_masked_whole() -> None:
    assert Mask(["hunter2-abc"])("hunt\n" * 20_000) == MASKED


@pytest.mark.parametrize("before", range(372, 402, 3))
def test_an_excerpt_does_not_cut_a_secret_in_two(before: int) -> None:
    transcript = Transcript("a test", "stdio")
    offender = transcript.record(Side.SERVER, b"x" * before + TOKEN.encode() + b"y" * 300, "stdout")
    shown = excerpt(transcript, offender, (), Mask([TOKEN]))
    plain = Result("id/valid", "server", "MUST", NEWEST_LEGACY, "stdio", Verdict.FAIL, "why", "https://x", "what")
    (line,) = evidence_lines(Result(**{**vars(plain), "excerpt": shown}))[1:]
    assert "bytes) …" in line
    assert not [part for part in TELLING if part in line]
    assert not re.search("sk-|vUt", line)


# --- secrets that are wanted elsewhere

#: what is said of each
ELSEWHERE = {
    "sse-posts-elsewhere": "its endpoint event is not followed: it leads to another origin",
    "sse-posts-to-a-host": "its endpoint event is not followed: it leads to another origin",
    "http-redirects-elsewhere": "HTTP 307, a redirect, and it leads to another origin",
    "http-resumes-elsewhere": "HTTP 307, a redirect, and it leads to another origin",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_nothing_is_sent_to_another_origin(tmp_path: Path, name: str) -> None:
    stolen = tmp_path / "stolen"
    outcome = judge(tmp_path, *options(name), *QUICK, "--mcp-env", f"STOLEN={stolen}")
    sound(outcome)
    assert not stolen.exists(), stolen.read_text()
    assert ELSEWHERE[name] in outcome.text


# --- systems that speak to the terminal

SHOUTS = [name for name in SYSTEMS if "shouts" in name]
#: what a terminal, an editor or a reader takes for something else than text
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e01ef]"
)


@pytest.mark.parametrize("name", SHOUTS)
def test_nothing_that_is_printed_is_obeyed(tmp_path: Path, name: str) -> None:
    outcome = judge(tmp_path, *options(name), *QUICK, "--junitxml", "junit.xml")
    sound(outcome)
    assert "52;c;cHduZWQ=" in outcome.text
    written = [(tmp_path / file).read_text(encoding="utf-8") for file in ("r.json", "junit.xml")]
    for text in (outcome.text, *written):
        assert not UNSEEN.search(text)
        assert not re.search(r"^FORGED|\u0300{7}", text, re.MULTILINE)


def test_errors_of_the_fixtures_are_printable(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        def test_error(mcp_sampling_client):
            mcp_sampling_client({command("shouts-names")!r}).call_tool("any")

        def test_version(mcp_sampling_client):
            mcp_sampling_client({command("shouts-version")!r}, revision="2025-11-25")
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    errors = [line for line in result.outlines if line.startswith("E ")]
    assert any("52;c;" in line for line in errors)
    assert not UNSEEN.search("\n".join(errors))


def test_an_error_about_the_options_is_printable(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(nasty=f"raise ImportError({PAYLOAD!r})")
    result = pytester.runpytest_inprocess("--mcp-callback", "nasty:callback")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "52;c;" in result.stderr.str()
    assert not UNSEEN.search(result.stderr.str())


@pytest.mark.parametrize("option", ["--mcp-env", "--mcp-header"])
def test_a_secret_without_a_name_is_not_quoted(pytester: pytest.Pytester, option: str) -> None:
    result = pytester.runpytest_inprocess("--mcp-server", "http://127.0.0.1:1/mcp", option, "a8f5f167f44f4964e6c998de")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option}: what is given *; write *"])
    assert "a8f5f167" not in result.stderr.str()


def test_what_is_printable() -> None:
    assert not UNSEEN.search(printable(PAYLOAD))
    assert "\n" not in printable(PAYLOAD)
    for text in ("plain, ärger, 日本語", "e\u0301 ❤\ufe0f 👍", "a\u00a0b", "หนี้", "\\x1b"):
        assert printable(text) == text
    assert printable("z" + "\u0300" * 500 + "a") == "z" + "\u0300" * 6 + "…a"
    assert printable("\t\x1b\x9b\u061c\U000e0041\ud800") == "\\t\\x1b\\x9b\\u061c\\U000e0041\\ud800"


# --- our own endpoint


async def serve(session: object) -> None:
    """Nobody is served."""


def failed(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("revision", REVISIONS)
def test_our_endpoint_is_for_this_machine_alone(revision: str) -> None:
    """A page in a browser that was made to call us, under whatever name (DNS rebinding), is refused."""

    async def statuses() -> dict[str, int]:
        found = {}
        async with http_entrance(REVISIONS[revision], partial(Transcript, "a test", "http"), serve, failed) as endpoint:
            (url,) = endpoint.words
            port = httpx2.URL(url).port
            cases = {
                "ours": {},
                "by name": {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"},
                "rebound": {"Host": f"evil.example:{port}"},
                "no port": {"Host": "127.0.0.1"},
                "a page": {"Origin": "http://evil.example"},
                "another port": {"Origin": "http://127.0.0.1:1"},
                "opaque": {"Origin": "null"},
            }
            async with httpx2.AsyncClient(trust_env=False) as client:
                for name, headers in cases.items():
                    found[name] = (await client.post(url, headers=headers, content=b"[]")).status_code
        assert url.startswith("http://127.0.0.1:")
        return found

    found = anyio.run(statuses)
    assert {name for name, status in found.items() if status != 403} == {"ours", "by name"}


def test_our_endpoint_binds_to_the_loopback_interface() -> None:
    async def addresses() -> set[str]:
        import psutil

        async with http_entrance(REVISIONS[NEWEST_LEGACY], partial(Transcript, "a test", "http"), serve, failed):
            mine = psutil.Process(os.getpid()).net_connections("inet")
            return {listening.laddr.ip for listening in mine if listening.status == psutil.CONN_LISTEN}

    assert anyio.run(addresses) == {"127.0.0.1"}
