"""What the specification lays down, as constants, tables and small functions: revisions, names, JSON-RPC, headers."""
