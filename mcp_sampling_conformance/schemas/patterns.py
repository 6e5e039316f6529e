"""Patterns of strangers: texts that match one, and whether a text does.

Both read the syntax tree that Python's parser makes of a pattern, and never run a pattern as ``re`` does: that engine
backtracks, and takes ages for some of them. What is understood is what Python and ECMA-262 write alike, besides named
groups and the commonest Unicode classes. A pattern matches anywhere in a text, as JSON Schema has it.
"""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from .work import OutOfWork, Work

#: Python's own parser, with the names of what it finds
op: Any = import_module("re._parser")

_LONGEST_PATTERN = 1000
_LONGEST_TEXT = 10_000
#: what it may cost to see whether a text matches
_MOST_STEPS = 5000
#: what ECMA-262 writes otherwise than Python
_SPELLINGS = {
    "(?<": "(?P<",
    r"\p{L}": "[a-zA-Z]",
    r"\p{Lu}": "[A-Z]",
    r"\p{Ll}": "[a-z]",
    r"\p{N}": "[0-9]",
    r"\p{Nd}": "[0-9]",
}
_TO_SPELL = re.compile(r"\\\\|" + "|".join(re.escape(text) + r"(?![=!])" for text in _SPELLINGS))
#: the characters that texts are made of, the plainest first
_LIKED = string.ascii_lowercase + string.digits + string.ascii_uppercase + string.punctuation + " \n"
#: tried besides, after the first few turns
_USUAL = ("text", "Text", "Abcdef1!", "Abcdefgh12345678!", "abc123", "ABC-123", "1.0.0", "12345678")
_SOON = 4
#: how many more repetitions than needed are made, one after the other, to come to the length that is wanted
_MORE = (0, 1, 2, 3, 5, 7, 11, 15, 23, 31, 63, 127, 255)

Items = Sequence[tuple[Any, Any]]
Ends = set[int]


class _Unknown(Exception):
    """A pattern uses something that is not understood here."""


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Items | None:
    """The syntax tree of a pattern; ``None`` where it cannot be read."""
    if len(pattern) > _LONGEST_PATTERN:
        return None
    spelled = _TO_SPELL.sub(lambda found: _SPELLINGS.get(found[0], found[0]), pattern)
    try:
        with warnings.catch_warnings():  # Python warns of syntax that it may read otherwise in the future
            warnings.simplefilter("ignore")
            tree = op.parse(spelled)
    except (re.error, ValueError, OverflowError, RecursionError):
        return None
    return None if tree.state.flags & ~re.UNICODE else list(tree)


def _is_in(char: str, members: Items) -> bool:
    """Whether a character belongs to a set."""
    negated = bool(members) and members[0][0] is op.NEGATE
    return negated != any(_MEMBERS[kind](char, value) for kind, value in members[negated:])


@lru_cache(maxsize=256)
def _liked(members: tuple[tuple[Any, Any], ...]) -> str:
    """The characters of a set that texts are made of."""
    return "".join(char for char in _LIKED if _is_in(char, members))


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    op.CATEGORY_DIGIT: lambda char: char in string.digits,
    op.CATEGORY_NOT_DIGIT: lambda char: char not in string.digits,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    op.CATEGORY_WORD: _is_word,
    op.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}
#: what a set is made of, and whether a character is among it
_MEMBERS: dict[Any, Callable[[str, Any], bool]] = {
    op.LITERAL: lambda char, code: bool(ord(char) == code),
    op.RANGE: lambda char, ends: bool(ends[0] <= ord(char) <= ends[1]),
    op.CATEGORY: lambda char, name: _CATEGORIES[name](char),
}
#: what takes one character, as the set of those that it takes
_SETS: dict[Any, Callable[[Any], Items]] = {
    op.LITERAL: lambda code: [(op.LITERAL, code)],
    op.NOT_LITERAL: lambda code: [(op.NEGATE, None), (op.LITERAL, code)],
    op.ANY: lambda _: [(op.NEGATE, None), (op.LITERAL, ord("\n"))],
    op.IN: lambda members: list(members),
}
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


# --- does a text match?


def matches(pattern: str, text: str, work: Work) -> bool | None:
    """Whether a pattern matches anywhere in a text; ``None`` where that cannot be told.

    All ways to match are followed at once, so that no way is gone twice. Raises ``OutOfWork``, if all work is used up
    and not just what one match may cost.
    """
    work.step(len(text) + len(pattern) // 10)
    tree = _parsed(pattern)
    if tree is None or len(text) > _LONGEST_TEXT:
        return None
    own = Work(_MOST_STEPS)
    try:
        return bool(_Matcher(text, own).ends(tree, set(range(len(text) + 1))))
    except (_Unknown, OutOfWork, RecursionError):
        return None
    finally:
        work.step(min(_MOST_STEPS, _MOST_STEPS - own.left))


class _Matcher:
    def __init__(self, text: str, work: Work) -> None:
        self._text = text
        self._work = work

    def ends(self, items: Items, starts: Ends) -> Ends:
        """Where in the text the items may end if they begin at one of these places."""
        for kind, value in items:
            self._work.step(1 + len(starts))
            starts = self._item(kind, value, starts) if starts else starts
        return starts

    def _item(self, kind: Any, value: Any, starts: Ends) -> Ends:
        if kind in _SETS:
            members = _SETS[kind](value)
            self._work.step(len(members))
            return {n + 1 for n in starts if n < len(self._text) and _is_in(self._text[n], members)}
        if kind in _REPEATS:
            least, most, items = value
            return self._repeated(least, most, items, starts)
        if kind is op.BRANCH:
            return set().union(*(self.ends(branch, starts) for branch in value[1]))
        if kind is op.SUBPATTERN and not value[1] and not value[2]:
            return self.ends(value[3], starts)
        if kind is op.AT and value in _PLACES:
            return {n for n in starts if _PLACES[value](self._text, n)}
        if kind in (op.ASSERT, op.ASSERT_NOT) and value[0] > 0:
            return {n for n in starts if bool(self.ends(value[1], {n})) is (kind is op.ASSERT)}
        raise _Unknown

    def _repeated(self, least: int, most: int, items: Items, starts: Ends) -> Ends:
        for _ in range(least):
            self._work.step()
            starts = self.ends(items, starts)
        reached, fresh, count = set(starts), starts, least
        while fresh and count < most:
            fresh = self.ends(items, fresh) - reached
            reached |= fresh
            count += 1
        return reached


def _at_boundary(text: str, n: int) -> bool:
    return any(map(_is_word, text[n - 1 : n])) != any(map(_is_word, text[n : n + 1]))


_PLACES: dict[Any, Callable[[str, int], bool]] = {
    op.AT_BEGINNING: lambda text, n: n == 0,
    op.AT_BEGINNING_STRING: lambda text, n: n == 0,
    op.AT_END: lambda text, n: n == len(text),
    op.AT_END_STRING: lambda text, n: n == len(text),
    op.AT_BOUNDARY: _at_boundary,
    op.AT_NON_BOUNDARY: lambda text, n: not _at_boundary(text, n),
}


# --- texts that match


def texts_for(pattern: str, work: Work, shortest: int = 0) -> Iterator[str]:
    """Texts that a pattern matches, as far as that can be told; the plain and short ones first.

    Where a pattern leaves open how a text ends, some have at least ``shortest`` characters. Raises ``OutOfWork``.
    """
    tree = _parsed(pattern)
    if tree is None:
        work.note("has a pattern that cannot be read")
        return
    found = False
    for text in _written(tree, work, shortest):
        if len(text) <= _LONGEST_TEXT and matches(pattern, text, work) is not False:
            found = True
            yield text
    if not found:
        work.note("has a pattern for which no text was found")


def _written(tree: Items, work: Work, shortest: int) -> Iterator[str]:
    """Texts that may match: as the pattern has them, with ever more repetitions, and some that match many a pattern."""
    for turn, more in enumerate((*_MORE, *_MORE[:6])):
        text = _Writer(work, more, turn).text(tree)
        yield text
        yield text.ljust(max(shortest, len(text) + more), text[-1:] or "x")
        if turn == _SOON:
            yield from _USUAL


class _Writer:
    """Writes a text as a pattern says it: with so many repetitions more than needed, and the choices of a turn."""

    def __init__(self, work: Work, more: int, turn: int) -> None:
        self._work = work
        self._more = more
        self._turn = turn
        self._groups: dict[int, str] = {}

    def text(self, items: Items) -> str:
        return "".join(self._item(kind, value) for kind, value in items)

    def _item(self, kind: Any, value: Any) -> str:
        self._work.step()
        if kind in _SETS:
            return self._char(_SETS[kind](value))
        if kind in _REPEATS:
            least, most, items = value
            return "".join(self.text(items) for _ in range(min(most, max(least, 1) + self._more)))
        if kind is op.BRANCH:
            branches = value[1]
            return self.text(branches[self._turn % len(branches)])
        if kind is op.SUBPATTERN:
            written = self.text(value[3])
            self._groups[value[0]] = written
            return written
        if kind is op.ATOMIC_GROUP:
            return self.text(value)
        return self._groups.get(value, "") if kind is op.GROUPREF else ""

    def _char(self, members: Items) -> str:
        """A character of a set; each turn takes another, if there is one."""
        self._work.step(len(members))
        if liked := _liked(tuple(members)):
            return liked[self._turn % len(liked)]
        return next((chr(ends[0] if kind is op.RANGE else ends) for kind, ends in members if kind in _CODED), "ä")


_CODED = (op.LITERAL, op.RANGE)
