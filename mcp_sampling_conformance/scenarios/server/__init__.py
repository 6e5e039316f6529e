"""What is done to a server under test: find out what to call, call it, and answer its sampling in many ways."""
