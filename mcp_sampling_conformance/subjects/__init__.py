"""What can be under test: a server, client or callback, a mapper, or saved transcripts. Each has rules and verdicts."""
