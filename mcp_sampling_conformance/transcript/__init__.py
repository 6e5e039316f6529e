"""The record of a connection: every message that crossed it, and every event of the scenario that ran it."""
