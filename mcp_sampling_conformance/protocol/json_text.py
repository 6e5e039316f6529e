"""JSON as it crossed: bytes to a value, and what is wrong with the bytes or odd about the text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parsed:
    """What some bytes are as JSON text (RFC 8259)."""

    value: Any  #: the JSON value, ``None`` when ``fault`` is set
    fault: str | None = None  #: why the bytes are no JSON text in UTF-8
    repeated: tuple[str, ...] = ()  #: names that some object has twice, in the order in which they were met


def parse(raw: bytes) -> Parsed:
    """The JSON value of ``raw``, or what is wrong with it. Raises nothing."""
    repeated: list[str] = []

    def gather(members: list[tuple[str, Any]]) -> dict[str, Any]:
        gathered = dict(members)
        if len(gathered) < len(members):
            seen: set[str] = set()
            for name, _ in members:
                if name in seen and name not in repeated:
                    repeated.append(name)
                seen.add(name)
        return gathered

    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_constant=_reject_constant, object_pairs_hook=gather)
    except UnicodeDecodeError as error:
        return Parsed(None, f"not UTF-8 (byte {error.start})")
    except RecursionError:
        return Parsed(None, "JSON nested too deeply to read")
    except ValueError as error:
        return Parsed(None, f"not JSON ({error})")
    return Parsed(value, None, tuple(repeated))


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
