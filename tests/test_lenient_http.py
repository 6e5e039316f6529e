"""What servers and clients may do without being blamed they may do over HTTP as well."""

from __future__ import annotations

import anyio
import pytest
from kill_matrix import broken, judged, python
from test_http_servers import over_http
from test_lenient_client import SPOKEN
from test_server_kill_matrix import NAMED, provoke

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.protocol.revisions import MODERN, NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

SCRIPT = "lenient_http.py"
#: those whose way is one of what goes over the wire; the others differ in what is said
SERVERS = ["odd", "many-voices", "own-ways"]
#: those of which it is found out what can be called
FOUND_OUT = {"many-voices"}
CLIENTS = ["odd", "own-will", "in-reverse", "reuses-ids", "busy"]
NEWEST_OF_EACH = [NEWEST_LEGACY, *MODERN]


def as_usual() -> Conditions:
    """As for a user who sets nothing, with fewer examples."""
    return Conditions(10.0, generated=Generated(2, 0), broken_since=broken_since)


@pytest.mark.parametrize("name", SERVERS)
def test_lenient_server_is_clean(name: str) -> None:
    named = [] if name in FOUND_OUT else NAMED[:1]
    record = anyio.run(provoke, over_http(SCRIPT, name), NEWEST_OF_EACH, named, as_usual())
    assert broken(judged(record, Side.SERVER, "http")) == {}
    assert not [one.failure for one in record.revisions.values() if one.failure]
    assert record.reached, "nothing sampled, so nothing was judged"


@pytest.mark.parametrize("name", CLIENTS)
def test_lenient_client_is_clean(name: str) -> None:
    command = Command([*python(SCRIPT, name), "{url}"])
    revisions = [REVISIONS[revision] for revision in NEWEST_OF_EACH]
    record = anyio.run(provoke_client, command, revisions, [], as_usual())
    assert broken(judged(record, Side.CLIENT, "http")) == {}
    assert not [one.failure for one in record.revisions.values() if one.failure]
    spoken = SPOKEN.get(name, {*NEWEST_OF_EACH}) & {*NEWEST_OF_EACH}
    assert set(record.reached) == spoken, "nothing was asked, so nothing was judged"
