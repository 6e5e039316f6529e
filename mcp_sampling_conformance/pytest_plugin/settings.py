"""The user's options, checked: what is wrong with them is said in one sentence before anything starts."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..judging.baseline import Baseline
from ..protocol.revisions import REVISIONS, Revision
from ..report.github import summary_file
from ..scenarios.conditions import Generated
from ..subjects.recorded import RecordedSubject
from ..subjects.subject import REACHED, Subject
from ..transcript.masking import Mask
from ..transcript.secret_values import password_in
from . import systems, values

#: the options that name a system under test, each with what makes a subject of its value
_SUBJECTS = {
    "--mcp-server": systems.server,
    "--mcp-client": systems.client,
    "--mcp-callback": systems.callback,
    "--mcp-mapper": systems.mapper,
}
_TRANSCRIPT = "--mcp-transcript"
#: how much is generated, if nobody says: exchanges of each sort, and for a mapper inputs a property
_EXAMPLES, _MAPPER_EXAMPLES = 10, 50


@dataclass(frozen=True)
class Settings:
    """What to judge and how."""

    subject: Subject
    generated: Generated
    revisions: Sequence[Revision]
    strict: bool
    reports: Sequence[Path]
    mask: Mask
    given: Mapping[str, str | list[str]]  #: the options, by name, secrets masked
    summary: Path | None = None  #: what the results are appended to, where that is wanted
    baseline_file: Path | None = None
    baseline: Baseline | None = None  #: the known failures; ``None`` where none were given
    update_baseline: bool = False


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Check the options, by name, ``None`` for those not given. Raises ``pytest.UsageError`` with one sentence that
    says what to do."""
    named = [option for option in (*_SUBJECTS, _TRANSCRIPT) if options[option] is not None]
    if len(named) > 1:
        raise pytest.UsageError(f"{' and '.join(named)} cannot be judged in one run; give one of them")
    (option,) = named
    env = values.environment(options)
    headers = [values.header(text) for text in values.several(options["--mcp-header"])]
    url = values.single(options["--mcp-url"]) or values.single(options[option])
    given = systems.Given(
        options,
        env,
        generated=_generated(options, _MAPPER_EXAMPLES if option == "--mcp-mapper" else _EXAMPLES),
        mask=Mask.given([*env.items(), *headers, *(("password", word) for word in password_in(str(url)))]),
        record=values.record(options),
    )
    revisions = values.revisions(values.several(options["--mcp-spec-version"]))
    newest = values.wants_newest(options)
    if option == _TRANSCRIPT:
        subject = systems.transcripts(values.several(options[option]), given)
    else:
        subject = _SUBJECTS[option](str(values.single(options[option])), given)
    baseline_file, update = values.baseline_file(options)
    return Settings(
        subject,
        given.generated,
        revisions=_newest(subject, _recorded(subject, revisions)) if newest else _recorded(subject, revisions),
        strict=bool(options["--mcp-strict"]),
        reports=[values.report(text) for text in values.several(options["--mcp-report"])],
        mask=given.mask,
        given=_given(options, given.mask),
        summary=summary_file() if options["--mcp-summary"] else None,
        baseline_file=baseline_file,
        baseline=values.baseline(baseline_file, subject.role, _rules(subject), update=update),
        update_baseline=update,
    )


def _given(options: Mapping[str, Any], mask: Mask) -> dict[str, str | list[str]]:
    """The options that were given, as a report shows them."""
    return {
        option: [mask(str(each)) for each in value] if isinstance(value, list) else mask(str(value))
        for option, value in options.items()
        if value is not None
    }


def _rules(subject: Subject) -> Mapping[str, Sequence[str]]:
    """The rules that there are for a subject, each with the revisions that have it."""
    rules: dict[str, list[str]] = {REACHED: []}
    for revision in REVISIONS.values():
        for rule in subject.rules(revision):
            rules.setdefault(rule, []).append(revision.name)
    return rules


def _recorded(subject: Subject, asked: Sequence[Revision]) -> Sequence[Revision]:
    """The revisions asked for, of saved transcripts those that they are of."""
    if not isinstance(subject, RecordedSubject):
        return asked
    found = [revision for revision in asked if revision in subject.revisions]
    if not found:
        names = ", ".join(revision.name for revision in subject.revisions)
        raise pytest.UsageError(f"--mcp-spec-version: the transcripts are of {names} only")
    return found


def _newest(subject: Subject, asked: Sequence[Revision]) -> Sequence[Revision]:
    """The newest of each era. Which of them a server or a client speaks shows only in the run: these keep all."""
    if subject.kind in ("server", "client"):
        return asked
    newest = {revision.era: revision for revision in asked}
    return list(newest.values())


def _generated(options: Mapping[str, Any], default: int) -> Generated:
    value, seed = values.single(options["--mcp-examples"]), options["--hypothesis-seed"]
    try:
        examples = default if value is None else int(value)
    except (TypeError, ValueError):
        examples = -1
    if examples < 0:
        raise pytest.UsageError(f"--mcp-examples: {value!r} is no number of examples; write 10, or 0 for none")
    if seed == "random":
        seed = random.getrandbits(32)
    try:
        return Generated(examples, int(seed or 0))
    except ValueError:
        raise pytest.UsageError(f"--hypothesis-seed: {seed!r} is no integer; write one, or random") from None
