"""The server's end of each transport, towards a client under test."""
