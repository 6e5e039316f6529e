"""How bytes travel, and how each is recorded. ``to_server`` reaches a server under test, ``to_client`` serves a client."""
