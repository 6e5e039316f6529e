"""Looking for an input that breaks a property, on one mapper."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis.errors import FlakyFailure, Unsatisfiable

from ..strategies.settings import own_settings
from ..protocol.revisions import NAMES, REVISIONS, Revision
from .calls import DEFAULT_TIMEOUT, Calls
from .mapper import Mapper, Takes
from .properties import PROPERTIES, Property
from .trial import Broken, Trial

#: how many inputs a property is tried on, and the seed they are made from, where the user does not say
EXAMPLES = 50
SEED = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one property; ``holds`` is ``None`` where nothing came up to judge."""

    holds: bool | None
    message: str = ""  #: the failure, complete; or why nothing could be checked
    why: str = ""  #: either in one sentence
    details: tuple[str, ...] = ()  #: the input and output


def check_mapper(
    function: Callable[[Any], Any],
    *,
    takes: Takes = "messages",
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
    """Check every property on a mapper; see ``Mapper`` for what describes it.

    The same ``seed`` makes the same inputs. ``timeout`` is how many seconds one call may take. Raises
    ``AssertionError`` with the smallest input found for each broken property.
    """
    mapper = Mapper(function, takes, rejects, inverse, as_models, ignore, without)
    if unknown := unknown_properties(mapper):
        raise ValueError(f"there is no property {', '.join(unknown)}; see PROPERTIES")
    calls = Calls(timeout)
    outcomes = [
        check_property(each, mapper, REVISIONS[revision], examples=examples, seed=seed, calls=calls)
        for each in PROPERTIES
        if each.applies(mapper, REVISIONS[revision])
    ]
    broken = [outcome.message for outcome in outcomes if outcome.holds is False]
    if broken:
        raise AssertionError("\n\n".join(broken))
    if all(outcome.holds is None for outcome in outcomes):
        raise AssertionError(f"nothing could be checked: {outcomes[0].message}")


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

    ``calls`` makes the calls; given to the checks of several properties, it bounds how long all of them wait for a
    mapper that hangs.
    """
    trial = Trial(mapper, calls)
    found: list[Broken] = []

    @seeded(seed)
    @own_settings(examples)
    @given(prop.inputs(mapper, revision))
    def run(example: Any) -> None:
        if trial.over:
            return
        broken = trial.violation(prop, example)
        if broken is not None and not (trial.over and found):
            found[:] = [broken]
        # What hangs is not shrunk: each attempt could be another wait. Shrinking ends where no attempt fails.
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
