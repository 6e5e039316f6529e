"""How the harness itself runs Hypothesis."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, Verbosity, settings


def own_settings(examples: int) -> settings:
    """Settings for so many examples.

    All that a Hypothesis profile of the user could change is set, so that the same seed finds the same example.
    """
    return settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
