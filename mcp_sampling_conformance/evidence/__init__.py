"""How a transcript is read: as messages, exchanges, calls and probes. Pure functions of the record."""
