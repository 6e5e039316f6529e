"""Which values given for the system under test are secrets.

Everything could be one, but whoever masks each "1", "true" or "/usr/bin" destroys the evidence, and with it the
verdicts on a saved record. So a value is a secret where its name says so, or where it looks like no word and no number.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urlsplit

#: what the name of a secret says of itself
_TELLING = re.compile(
    r"key|token|secret|passw|passphrase|_pass|^pass$|_pwd|credential|auth|cookie|private|signature|[_-](?:pin|otp|pat)$",
    re.IGNORECASE,
)
#: characters of a secret, at least: where its name says what it is, where all the same it is a word or number, and else
_SHORTEST, _SHORTEST_WORD, _SHORTEST_ODD = 4, 6, 6
#: beyond these lengths nothing is taken for a word, a number, or a word with a digit in it
_LONGEST_WORD, _LONGEST_NUMBER, _LONGEST_MIXED = 20, 8, 5
_CASED = re.compile(r"[A-Z]?[a-z]*(?:[A-Z][a-z]{2,})*|[A-Z]+")
#: what stands in every report, and may be the value of a variable with a name such as AUTH_MODE
_COMMON = frozenset(
    {
        *("assistant", "bearer", "callback", "client", "content", "default", "development", "digest", "disabled"),
        *("enabled", "integer", "mapper", "message", "messages", "method", "number", "object", "optional", "params"),
        *("production", "request", "required", "response", "result", "sampling", "server", "string"),
    }
)
#: what may stand before the secret in a header
_SCHEME = re.compile(r"(bearer|basic|digest|token|apikey|api-key|negotiate|ssws)\s+(.+)", re.IGNORECASE | re.DOTALL)
#: the parts of a longer value: of a cookie, a URL, JSON, a key of several lines
_PART = re.compile(r"[^\s\"'{}\[\],;:=&?@\\<>]+")


def secrets_in(name: str, value: str) -> Iterator[str]:
    """What of the value of a variable or header is to be masked: all of it, and what is a secret on its own."""
    yield from _whole(value, telling=bool(_TELLING.search(name)))


def secrets_of(value: str) -> Iterator[str]:
    """The same, of a value that is known to be a secret."""
    yield from _whole(value, telling=True)


def _whole(value: str, *, telling: bool) -> Iterator[str]:
    if scheme := _SCHEME.fullmatch(value.strip()):
        yield from _whole(scheme[2], telling=True)
        if scheme[1].lower() == "basic":
            user_and_password = _decoded(scheme[2])
            yield from _if_secret(user_and_password, telling=True)
            yield from _if_secret(user_and_password.partition(":")[2], telling=True)
        return
    yield from _if_secret(value, telling)
    for part in _PART.findall(value):
        yield from _if_secret(part, telling=False)
    yield from password_in(value)


def password_in(url: str) -> Iterator[str]:
    """The password that stands in a URL, as it stands there and as it is meant."""
    try:
        password = urlsplit(url).password if "://" in url else None
    except ValueError:
        password = None
    for form in {password, unquote(password)} if password else ():
        yield from _if_secret(form, telling=True)


def _if_secret(value: str, telling: bool) -> Iterator[str]:
    value = value.strip()
    word = value.isalpha() or value.isdigit()
    shortest = _SHORTEST_ODD if not telling else _SHORTEST_WORD if word else _SHORTEST
    if len(value) >= shortest and (telling or not is_plain(value)) and value.lower() not in _COMMON:
        yield value


@lru_cache(4096)
def is_plain(value: str) -> bool:
    """Whether a text consists of words and numbers: ``true``, ``en_US.UTF-8``, ``/usr/bin``, ``2025-11-25``."""
    return all(_is_word(word) for word in re.split(r"[\W_]+", value))


def _is_word(word: str) -> bool:
    if word.isdigit():
        return len(word) <= _LONGEST_NUMBER
    if word.isalpha():
        return len(word) <= _LONGEST_WORD and (not word.isascii() or _CASED.fullmatch(word) is not None)
    return len(word) <= _LONGEST_MIXED


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
