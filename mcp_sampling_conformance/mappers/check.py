"""Looks for inputs on which a mapper breaks a property."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis.errors import FlakyFailure, Unsatisfiable

from ..protocol.revisions import NAMES, Revision, revision_named
from ..strategies.settings import own_settings
from .calling import detect
from .calls import DEFAULT_TIMEOUT, Calls
from .mapper import Mapper, Takes
from .properties import PROPERTIES, Property
from .trial import Broken, Trial

#: the defaults: how many inputs a property is tried on, and the seed from which they are made
EXAMPLES = 50
SEED = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one property."""

    holds: bool | None  #: ``None`` where nothing came up to judge
    message: str = ""  #: the whole failure in several lines; or why nothing could be judged
    why: str = ""  #: the same in one sentence
    details: tuple[str, ...] = ()  #: the input and the output, a line each


def check_mapper(
    function: Callable[[Any], Any],
    *,
    takes: Takes | None = None,
    revision: str = NAMES[-1],
    rejects: type[Exception] | tuple[type[Exception], ...] = (),
    inverse: Callable[[Any], Any] | None = None,
    as_models: bool = False,
    ignore: Collection[str] = (),
    without: Collection[str] = (),
    examples: int = EXAMPLES,
    seed: int = SEED,
    timeout: float = DEFAULT_TIMEOUT,
) -> None:
    """Check every property on a mapper, which is described as a ``Mapper`` is.

    What it ``takes`` is found out with one message of plain text where that is not said; with ``as_models`` it is the
    messages then. Each property is tried on so many ``examples``; the same ``seed`` makes the same ones. ``timeout`` is
    how many seconds one call may take. Raises ``AssertionError`` with the smallest input found for each broken
    property, or where nothing could be checked, and ``ValueError`` for an unknown ``revision`` and for a name in
    ``without`` that no property has.
    """
    __tracebackhide__ = True  # pytest shows the test that called us
    mapper = Mapper(function, takes or "messages", rejects, inverse, as_models, ignore, without)
    judged = revision_named(revision)
    if unknown := unknown_properties(mapper):
        raise ValueError(f"there is no property {', '.join(unknown)}; see PROPERTIES")
    calls = Calls(timeout)
    if takes is None and not as_models:
        mapper = _with_what_it_takes(mapper, judged, calls)
    outcomes = [
        check_property(each, mapper, judged, examples=examples, seed=seed, calls=calls)
        for each in PROPERTIES
        if each.applies(mapper, judged)
    ]
    broken = [outcome.message for outcome in outcomes if outcome.holds is False]
    if broken:
        raise AssertionError("\n\n".join(broken))
    if all(outcome.holds is None for outcome in outcomes):
        raise AssertionError(f"nothing could be checked: {outcomes[0].message}")


def _with_what_it_takes(mapper: Mapper, revision: Revision, calls: Calls) -> Mapper:
    """The mapper, with what it turns out to take. Raises ``AssertionError`` where it takes nothing."""
    __tracebackhide__ = True
    found = detect(mapper.function, revision, calls)
    taken = found.mapper or found.likely
    if taken is None:
        raise AssertionError(found.message)
    return replace(mapper, takes=taken.takes, as_models=taken.as_models)


def unknown_properties(mapper: Mapper) -> list[str]:
    """The names in the mapper's ``without`` that no property has."""
    return sorted(set(mapper.without) - {each.name for each in PROPERTIES})


def check_property(
    prop: Property,
    mapper: Mapper,
    revision: Revision,
    *,
    examples: int = EXAMPLES,
    seed: int = SEED,
    calls: Calls | None = None,
) -> Outcome:
    """Look for an input on which the mapper breaks the property, and shrink it. The same seed finds the same one.

    ``calls`` makes the calls. Where several properties share one, it bounds how long all of them together wait for a
    mapper that hangs. Raises what the harness itself raises, which would be a bug.
    """
    trial = Trial(mapper, calls)
    found: list[Broken] = []

    @seeded(seed)
    @own_settings(examples)
    @given(prop.inputs(mapper, revision))
    def run(example: Any) -> None:
        if trial.over:
            return
        broken = trial.violation(prop.check, example)
        if broken is not None and not (trial.over and found):
            found[:] = [broken]
        # An input that hangs is not shrunk, since each smaller one could hang too; raising nothing ends the shrinking.
        if broken is not None and not trial.over:
            raise broken

    with suppress(Broken, FlakyFailure, Unsatisfiable):  # FlakyFailure: it did not fail again on the same input
        run()
    if found:
        return _failed(prop, revision, found[0], seed)
    if trial.over or not trial.judged:
        return _unobserved(prop, trial)
    return Outcome(True)


def _failed(prop: Property, revision: Revision, broken: Broken, number: int) -> Outcome:
    details = (*broken.details, f"found in {revision.name} with seed {number}, which finds it again")
    message = "\n".join([f"{prop.name}: {prop.statement}", f"  {broken}", *(f"  {line}" for line in details)])
    return Outcome(False, message, str(broken), details)


def _unobserved(prop: Property, trial: Trial) -> Outcome:
    why = prop.unobserved
    if trial.refusal:
        why = f"the mapper took no input with which to judge it ({trial.refusal})"
    return Outcome(None, f"{prop.name}: {why}", why)
