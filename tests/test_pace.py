"""What tells a slow server from a silent one: its own pace."""

from __future__ import annotations

import pytest

from mcp_sampling_conformance.peers.pace import Pace


def pace(*seen: float, gave_up: bool = False) -> Pace:
    found = Pace()
    for seconds in seen:
        found.saw(seconds)
    if gave_up:
        found.gave_up()
    return found


@pytest.mark.parametrize(
    ("known", "margin"),
    [
        (pace(), 10.0),  # it may be starting
        (pace(gave_up=True), 0.0),  # it had its time
        (pace(0.01, 0.2, 0.1), 2.0),
        (pace(0.2, gave_up=True), 2.0),
        (pace(9.0), 10.0),  # nobody waits for ever
    ],
)
def test_the_margin_follows_the_slowest_that_came(known: Pace, margin: float) -> None:
    assert known.margin(10.0) == pytest.approx(margin)
