"""JSON as it crossed: bytes to a value, and what is wrong with the bytes or odd about the text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Parsed:
    """What some bytes are as JSON text (RFC 8259)."""

    value: Any  #: the JSON value, ``None`` when ``fault`` is set
    fault: str | None = None  #: why the bytes are no JSON text in UTF-8
    text: str = ""

    @property
    def repeated(self) -> tuple[str, ...]:
        """The names that some object has twice, in the order in which they were met. Looked for only when asked for,
        since that takes three times as long as parsing."""
        repeated: dict[str, None] = {}

        def note(members: list[tuple[str, Any]]) -> None:
            seen: set[str] = set()
            for name, _ in members:
                if name in seen:
                    repeated[name] = None
                seen.add(name)

        if self.fault is None:
            json.loads(self.text, object_pairs_hook=note)
        return tuple(repeated)


def parse(raw: bytes) -> Parsed:
    """The JSON value of ``raw``, or what is wrong with it. Raises nothing."""
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        return Parsed(None, f"not UTF-8 (byte {error.start})")
    except RecursionError:
        return Parsed(None, "JSON nested too deeply to read")
    except ValueError as error:
        return Parsed(None, f"not JSON ({error})")
    return Parsed(value, None, text)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
