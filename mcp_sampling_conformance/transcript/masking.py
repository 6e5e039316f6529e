"""Secrets that the user gave for the system under test, taken out of whatever is shown or saved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from .events import Event
from .transcript import Entry, Item

AnEvent = TypeVar("AnEvent", bound=Event)
#: masking every "1" or "on" would destroy the evidence; nobody's secret is that short
_SHORTEST = 4
#: what stands in the place of a secret
MASKED = "***"


class Mask:
    """Replaces the secrets in a text. ``Bearer abc`` hides the token alone, too."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        words = {word for secret in secrets for word in (secret, secret.rpartition(" ")[2])}
        #: longest first, so that none leaves a part of another
        self._secrets = sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """``text`` without the secrets, plain or as they stand in JSON, and without what is left of one in a text
        that was cut."""
        for secret in self._secrets:
            for form in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
                text = _without_remains(form, text.replace(form, MASKED))
        return text

    def item(self, item: Item) -> Item:
        """An entry or event with the secrets masked in all of its texts."""
        if not self._secrets:
            return item
        if isinstance(item, Entry):
            data = None if item.data is None else self._bytes(item.data)
            return replace(item, content=self._bytes(item.raw), data_content=data, event_id=self(item.event_id))
        return self.event(item)

    def event(self, event: AnEvent) -> AnEvent:
        """An event with the secrets masked in all of its texts."""
        return replace(event, **{field.name: self._value(getattr(event, field.name)) for field in fields(event)})

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Mapping):
            return {name: self._value(member) for name, member in value.items()}
        if isinstance(value, tuple):
            return tuple(self._value(member) for member in value)
        return value

    def _bytes(self, raw: bytes) -> bytes:
        # Escaped surrogates keep what is no UTF-8 as it is.
        return self(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _without_remains(secret: str, text: str) -> str:
    """``text`` without the beginning or end of a secret that is left where a long text was cut."""
    for length in range(len(secret) - 1, _SHORTEST - 1, -1):
        head, tail = re.escape(secret[:length]), re.escape(secret[-length:])
        text = re.sub(rf"{head}(?= ?[…)]|$)|(^ *|(?<=… )){tail}", r"\1" + MASKED, text, flags=re.MULTILINE)
    return text
