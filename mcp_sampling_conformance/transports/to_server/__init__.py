"""The client's end of each transport, towards a server under test."""
