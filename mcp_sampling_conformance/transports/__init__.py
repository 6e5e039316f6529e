"""How bytes travel and are recorded: ``to_server`` reaches a server under test, ``to_client`` serves a client."""
