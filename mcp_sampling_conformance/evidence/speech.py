"""What one side says: its messages, called turns here, and the content blocks in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import itemgetter

from .messages import Value


class Speech:
    """The turns of one side and their blocks, read in one pass."""

    def __init__(self, turns: Sequence[Value]) -> None:
        self.turns = turns  #: each with ``role`` and ``content``
        self.blocks: list[Value] = []  #: every block, outermost first, those inside a tool_result after it
        self._turns_with: defaultdict[str, list[Value]] = defaultdict(list)
        self._by_type: defaultdict[str, list[tuple[int, Value]]] = defaultdict(list)
        for turn in turns:
            outer = blocks_of(turn)
            for kind in {_type_of(block.value) for block in outer}:
                self._turns_with[kind].append(turn)
            for block in (*outer, *_inner_blocks(outer)):
                self._by_type[_type_of(block.value)].append((len(self.blocks), block))
                self.blocks.append(block)

    def turns_with(self, kind: str) -> Sequence[Value]:
        """The turns that have a block of a type, other than inside another block."""
        return self._turns_with.get(kind, ())

    def blocks_with_type(self, *types: str) -> Iterator[Value]:
        """The blocks of some types, in order."""
        found = [block for kind in types for block in self._by_type.get(kind, ())]
        return (block for _, block in sorted(found, key=itemgetter(0)))


def blocks_of(turn: Value, *types: str) -> list[Value]:
    """The blocks of a message's ``content``, whether it is one block or an array; all, or those of some types."""
    content = turn.value.get("content") if isinstance(turn.value, dict) else None
    path = (*turn.path, "content")
    if isinstance(content, dict):
        return [Value(turn.message, path, content)] if not types or _type_of(content) in types else []
    if not isinstance(content, list):
        return []
    blocks = [(place, block) for place, block in enumerate(content) if not types or _type_of(block) in types]
    return [Value(turn.message, (*path, place), block) for place, block in blocks]


def has_type(block: Value, *types: str) -> bool:
    """Whether a block is of one of these types."""
    return _type_of(block.value) in types


def _inner_blocks(blocks: Sequence[Value]) -> Iterator[Value]:
    """The blocks inside those that are a ``tool_result``."""
    for block in blocks:
        if has_type(block, "tool_result") and (content := block.get("content")):
            yield from content.elements()


def _type_of(block: object) -> str:
    """The type of a block; empty where it has none."""
    kind = block.get("type") if isinstance(block, dict) else None
    return kind if isinstance(kind, str) else ""
